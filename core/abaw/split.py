"""Labelled clips, and settings that remember which clips they were tuned on.

The published thresholds, windows and biases were tuned on the validation set that they are reported on. Here
a tuned setting carries the names of its clips, and :func:`evaluate` refuses those. Two people
in one video are one video throughout.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.abaw.decide import decide
from core.abaw.score import Labels, dimension_ccc, expression_f1, unit_f1
from core.abaw.types import ClipScores, Options
from core.datasets.affwild2 import base
from core.errors import Code, UserError
from core.types import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class LabelledClip:
    """One person in one clip with what people wrote down; None where a task is not annotated.

    Attributes:
        name: identifies the clip in every split.
        scores: F rows.
        expressions: F labels, -1 without.
        dimensions: F×2, -5 without.
        units: F×12 of 0 and 1, -1 without.
    """

    name: str
    scores: ClipScores
    expressions: Labels | None = None
    dimensions: FloatArray | None = None
    units: Labels | None = None

    def __post_init__(self) -> None:
        for labels in (self.expressions, self.dimensions, self.units):
            if labels is not None and len(labels) != len(self.scores):
                raise ValueError(
                    f"{self.name}: {len(labels)} annotated frames, {len(self.scores)} scored ones"
                )


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Clips that are tuned on together, or reported on together."""

    name: str
    clips: tuple[LabelledClip, ...]

    @property
    def names(self) -> frozenset[str]:
        """Names of the clips."""
        return frozenset(clip.name for clip in self.clips)


@dataclass(frozen=True, slots=True)
class Tuned:
    """Options and where they come from; ``Tuned(options)`` alone means set by hand.

    Attributes:
        options: the setting.
        tuned_on: names of the splits it was searched on, in order.
        clips: names of all their clips.
        tuning_figure: what the last search reached on its own split: optimistic, not to be reported.
    """

    options: Options = field(default_factory=Options)
    tuned_on: tuple[str, ...] = ()
    clips: frozenset[str] = frozenset()
    tuning_figure: float | None = None

    def searched(self, options: Options, split: Split, figure: float) -> "Tuned":
        """The outcome of a search that began here."""
        splits = (*(name for name in self.tuned_on if name != split.name), split.name)
        return Tuned(options, splits, self.clips | split.names, figure)

    def seen(self, names: Iterable[str]) -> frozenset[str]:
        """Which of these clips show a video that took part in the tuning."""
        videos = {base(name) for name in self.clips}
        return frozenset(name for name in names if base(name) in videos)

    def check(self, names: Iterable[str]) -> None:
        """Refuse clips that took part in the tuning.

        Raises:
            UserError: ``OPTION_RANGE``.
        """
        if shared := self.seen(names):
            raise _flattering(min(shared))


def halves(names: Sequence[str], seed: int = 0) -> tuple[frozenset[str], frozenset[str]]:
    """Clips to tune on and clips to report on, about half of the videos each, by chance.

    Args:
        names: of clips; those of one video stay together.
        seed: same seed, same halves, in whatever order the names come.

    Raises:
        UserError: ``OPTION_RANGE``: fewer than two videos.
    """
    videos = sorted({base(name) for name in names})
    if len(videos) < 2:
        raise UserError(
            Code.OPTION_RANGE,
            "Tuning needs at least two videos: one to tune on, one to report on.",
            "Give the features of more videos.",
        )
    order = np.random.default_rng(seed).permutation(len(videos))
    chosen = {videos[number] for number in order[: len(videos) // 2]}
    first = frozenset(name for name in names if base(name) in chosen)
    return first, frozenset(names) - first


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """Figures of all frames of a split together; None where nothing is annotated or no head answers.

    Attributes:
        expressions: F1 of each of eight classes.
        dimensions: CCC of valence and of arousal.
        units: F1 of each of twelve action units.
    """

    expressions: FloatArray | None
    dimensions: tuple[float, float] | None
    units: FloatArray | None

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the expressions; nan without."""
        return float("nan") if self.expressions is None else float(self.expressions.mean())


def evaluate(split: Split, setting: Tuned) -> Figures:
    """Figures of a setting on clips that it has not been tuned on.

    Raises:
        UserError: ``OPTION_RANGE`` when the setting has seen this split or one of its clips.
    """
    setting.check(split.names)
    if split.name in setting.tuned_on:
        raise _flattering(split.name)
    return figures(split, setting.options)


def _flattering(name: str) -> UserError:
    return UserError(
        Code.OPTION_RANGE,
        f"These settings were tuned on {name}, so its figures would flatter.",
        "Evaluate on clips that took no part in the tuning.",
    )


def figures(split: Split, options: Options) -> Figures:
    """The figures without the check of :func:`evaluate`: for searches, which may see their own split."""
    timelines = [decide(clip.scores, options) for clip in split.clips]
    pairs = list(zip(split.clips, timelines, strict=True))
    labels = [(clip.expressions, line.final) for clip, line in pairs if clip.expressions is not None]
    dimensions = [
        (clip.dimensions, line.valence_arousal)
        for clip, line in pairs
        if clip.dimensions is not None and line.valence_arousal is not None
    ]
    units = [
        (clip.units, line.active)
        for clip, line in pairs
        if clip.units is not None and line.active is not None
    ]
    return Figures(
        expression_f1(*map(np.concatenate, zip(*labels, strict=True))) if labels else None,
        dimension_ccc(*map(np.concatenate, zip(*dimensions, strict=True))) if dimensions else None,
        unit_f1(*map(np.concatenate, zip(*units, strict=True))) if units else None,
    )
