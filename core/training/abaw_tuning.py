"""Tune the steps after a head on one half of the validation videos, and report on the other half.

The published p0, delta, biases and thresholds were tuned on the whole validation set that they are reported
on. Here half of its videos never meet the search. The head's best epoch was chosen on all of them, though
(see ``core.training.abaw``), so that even these figures flatter a little.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from core.abaw import submission
from core.abaw.decide import decide
from core.abaw.evaluate import Evaluation, difference, evaluate
from core.abaw.gla import search_bias, search_grid, search_thresholds
from core.abaw.split import LabelledClip, Split, Tuned, halves
from core.abaw.types import Options
from core.datasets.frame_labels import Annotation, Task
from core.errors import Code, UserError
from core.metrics.intervals import Interval
from core.training.abaw_answers import Scorer

TUNABLE = (Task.EXPRESSION, Task.UNITS)
HALF = "half of the validation videos"
CONFIDENCES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
Pairs = list[tuple[Annotation, NDArray[Any]]]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A setting, and what it reaches on the half that no search saw.

    Attributes:
        title: which searches led to it.
        tuned: the setting.
        found: its figures on the other half.
        gain: interval of its figure minus that of the first step; None for that one, and with one video.
    """

    title: str
    tuned: Tuned
    found: Evaluation
    gain: Interval | None


def tune(scorer: Scorer, truth: Sequence[Annotation], seed: int = 0) -> Iterator[Step]:
    """Search p0 and delta and then the bias of each class, or a threshold for each action unit.

    Args:
        scorer: heads of expressions or action units, and the features of all videos.
        truth: the validation part's annotations.
        seed: which videos are in which half.

    Yields:
        The published options, then the setting after each search; the last one holds them all.

    Raises:
        UserError: features that are missing, fewer than two videos, or a half without a label.
    """
    if scorer.task not in TUNABLE:
        raise ValueError(f"nothing is searched for {scorer.task}")
    first, second = halves([one.name for one in truth], seed)
    half = Split(HALF, tuple(_labelled(scorer, one) for one in truth if one.name in first))
    others = [one for one in truth if one.name in second]
    if not any(one.labelled.any() for one in truth if one.name in first):
        raise UserError(
            Code.LABELS_INVALID,
            "None of the videos to tune on carries a label.",
            "Give the annotations of more videos, or another --seed.",
        )
    clips = [(one, scorer(one.name)) for one in others]
    before: Pairs = []
    for title, tuned in _searched(scorer, half):
        answers = [submission.answer(decide(scores, tuned.options), scorer.task) for _, scores in clips]
        pairs = list(zip(others, answers, strict=True))
        gain = difference(before, pairs, tuned=tuned) if before else None
        before = before or pairs
        yield Step(title, tuned, evaluate(pairs, tuned=tuned), gain)


def _searched(scorer: Scorer, half: Split) -> Iterator[tuple[str, Tuned]]:
    start = Tuned(scorer.steps(Options()))
    yield "as published", start
    if scorer.task is Task.UNITS:
        yield "thresholds tuned", search_thresholds(half, start)
        return
    tuned, _ = search_grid(half, start, CONFIDENCES if scorer.classes else (1.0,))
    yield "p0 and delta tuned", tuned
    yield "p0, delta and bias tuned", search_bias(half, tuned)


def _labelled(scorer: Scorer, truth: Annotation) -> LabelledClip:
    scores = scorer(truth.name)
    values = truth.fit(len(scores)).values
    if truth.task is Task.EXPRESSION:
        return LabelledClip(truth.name, scores, expressions=values)
    return LabelledClip(truth.name, scores, units=values)


def lines(step: Step) -> Iterator[str]:
    """What a person reads of a step."""
    options, found = step.tuned.options, step.found
    interval = found.interval
    told = f"{step.title}: {found.figure:.4f}"
    if interval is not None:
        told += f", 95 % interval {interval.low:.4f} to {interval.high:.4f} over {found.videos} videos"
    yield told
    if step.gain is not None:
        gain = step.gain
        ends = f"{gain.low:+.4f} to {gain.high:+.4f}"
        yield f"  gain over the published options {gain.estimate:+.4f}, 95 % interval {ends}"
    if found.task is Task.UNITS:
        yield "  thresholds " + " ".join(f"{value:g}" for value in options.unit_thresholds)
        return
    yield f"  p0 {options.confidence:g}, delta {options.window}, bias " + " ".join(
        f"{value:+.2f}" for value in options.bias
    )
