"""From trained heads or submission files to answers, files and the lines of a report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import core.expression  # noqa: F401  the encoders join their registry
from core.abaw import submission
from core.abaw.classes import EXPRESSIONS
from core.abaw.decide import decide
from core.abaw.evaluate import FIGURES, Evaluation
from core.abaw.expression import arrange, class_map, softmax
from core.abaw.features import Features, FeatureStore
from core.abaw.trained import Trained
from core.abaw.types import ClipScores, Options
from core.datasets.frame_labels import Task
from core.errors import Code, UserError
from core.expression.base import cards
from core.types import FloatArray

Answers = dict[str, NDArray[Any]]
WINDOWS = {
    Task.EXPRESSION: "window",
    Task.DIMENSIONS: "window_dimensions",
    Task.UNITS: "window_units",
    Task.VIOLENCE: "window_violence",
}


def options(task: Task, confidence: float | None, window: int | None) -> Options:
    """The published steps, with another threshold p0 or window where given."""
    given: dict[str, Any] = {} if confidence is None else {"confidence": confidence}
    if window is not None:
        given[WINDOWS[task]] = window
    return Options(**given)


@dataclass(frozen=True, slots=True, eq=False)
class Scorer:
    """What trained heads say about stored features.

    Attributes:
        task: what they answer.
        store: the features.
        first: the head.
        second: the one on class scores that action units are averaged with, or None.
        classes: of the encoder, as stored with the features or else registered; empty where neither is, so
            that expressions are then those of the head alone.
    """

    task: Task
    store: FeatureStore
    first: Trained
    second: Trained | None
    classes: tuple[str, ...]

    @classmethod
    def load(cls, task: Task, features: Path, head: Path, second: Path | None = None) -> "Scorer":
        """Open the features of one encoder, and the folders of heads.

        Raises:
            UserError: features or heads that are missing or do not belong together.
        """
        store = FeatureStore.only(features)
        first = Trained.load(head, store)
        other = Trained.load(second, store) if second is not None else None
        if {trained.task for trained in (first, other) if trained is not None} != {task}:
            raise UserError(
                Code.OPTION_RANGE,
                f"The head in {head.name} does not answer {submission.TITLES[task]}.",
                "Give one.",
            )
        return cls(task, store, first, other, _classes(store))

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what is missing."""
        if self.task is not Task.EXPRESSION or self.classes:
            return ()
        return (
            f"The classes of {self.store.encoder} are not known: expressions are those of the head alone.",
        )

    def steps(self, wanted: Options) -> Options:
        """The steps that can be taken: without the encoder's classes p0 is 1."""
        return wanted if self.classes else replace(wanted, confidence=1.0)

    def __call__(self, name: str) -> ClipScores:
        """Scores of one video; errors as of :meth:`FeatureStore.load`."""
        return _scores(self.store.load(name), self.first, self.second, self.classes)


def _classes(store: FeatureStore) -> tuple[str, ...]:
    card = cards.get(store.encoder)
    found = store.classes or (card.classes if card else ())
    try:
        class_map(found)
    except ValueError as problem:
        raise UserError(
            Code.OPTION_RANGE,
            f"The classes of {store.encoder} have no place among the challenge's.",
            "Name them as core.expressions does.",
        ) from problem
    return found


def predict(scorer: Scorer, names: Sequence[str], steps: Options) -> Answers:
    """Answers of trained heads after the steps of :func:`core.abaw.decide.decide`.

    Args:
        scorer: heads and features.
        names: which features.
        steps: what to do with the heads' scores, see :meth:`Scorer.steps`.

    Raises:
        UserError: features that are missing.
    """
    taken = scorer.steps(steps)
    return {name: submission.answer(decide(scorer(name), taken), scorer.task) for name in names}


@torch.inference_mode()
def _scores(stored: Features, first: Trained, other: Trained | None, classes: Sequence[str]) -> ClipScores:
    count, seen = len(stored), np.asarray(stored.seen)
    pretrained: FloatArray = np.zeros((count, len(EXPRESSIONS)))
    if classes:
        pretrained = arrange(softmax(np.asarray(stored.scores, np.float64)), classes)
    given: dict[str, Any] = {}
    if first.task is Task.VIOLENCE:
        given["violence"] = first.violence(torch.from_numpy(np.asarray(stored.features, np.float32))).numpy()
    elif first.task is Task.EXPRESSION:
        given["mlp"] = first(stored).double().softmax(1).numpy()
    elif first.task is Task.DIMENSIONS:
        given["valence_arousal"] = first(stored).numpy()
    else:
        given["units"] = first(stored).sigmoid().numpy()
        given["units_second"] = other(stored).sigmoid().numpy() if other is not None else None
    given = {
        name: value if value is None or name == "violence" else np.where(seen[:, None], value, 0)
        for name, value in given.items()
    }
    boxes = np.full((count, 4), np.nan, np.float32)
    return ClipScores(np.asarray(stored.times), seen, boxes, np.where(seen[:, None], pretrained, 0), **given)


def read(path: Path, task: Task, names: Sequence[str]) -> Answers:
    """Answers of a submission file, or for violence of a folder with a CSV file a video.

    Raises:
        UserError: ``LABELS_INVALID``: a file that cannot be read, or one of ``names`` without an answer.
    """
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    found: Answers = {}
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise UserError(
                Code.LABELS_INVALID, f"{file.name} cannot be read as text.", "Give a submission file."
            ) from None
        found |= submission.read(text, file.name, task)
    if missing := [name for name in names if name not in found]:
        raise UserError(
            Code.LABELS_INVALID,
            f"There are no answers for {missing[0]} ({len(missing)} videos are missing).",
            "Give a row for every frame of every video.",
        )
    return found


def write(path: Path, task: Task, answers: Mapping[str, NDArray[Any]]) -> None:
    """Write a submission file, or for violence a folder with a CSV file a video."""
    if task is not Task.VIOLENCE:
        path.write_text(submission.write(task, answers), encoding="utf-8")
        return
    path.mkdir(parents=True, exist_ok=True)
    for name, values in answers.items():
        (path / f"{name}.csv").write_text(submission.write_violence(values), encoding="utf-8")


def lines(found: Evaluation) -> Iterator[str]:
    """What a person reads of an evaluation."""
    told = f"{FIGURES[found.task]} {found.figure:.4f}"
    if found.interval is not None:
        told += f", 95 % interval {found.interval.low:.4f} to {found.interval.high:.4f} over videos"
    yield told
    if found.accuracy is not None:
        yield f"accuracy {found.accuracy:.4f}"
    yield "  ".join(f"{name} {value:.3f}" for name, value in found.parts.items())
    yield f"{found.frames} labelled frames in {found.videos} videos, {found.undecided} without an answer"
