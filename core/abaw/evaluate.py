"""The challenges' figures with intervals that resample videos, from answers and annotations.

Every figure is a function of sums over frames: counts of hits for F1, moments for CCC. The sums are taken
once a video and the bootstrap adds them up, which is exact and need not draw frames again. Frames without
a label never enter; labelled frames without an answer do (see :mod:`core.abaw.score`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.abaw import submission
from core.abaw.classes import ACTION_UNITS, DIMENSIONS, EXPRESSIONS
from core.abaw.split import Tuned
from core.abaw.types import Timeline
from core.datasets.affwild2 import base
from core.datasets.frame_labels import Annotation, Task
from core.errors import Code, UserError
from core.metrics.classification import confusion
from core.metrics.intervals import Interval, bootstrap
from core.types import FloatArray

FIGURES: Final = {
    Task.EXPRESSION: "macro-F1",
    Task.DIMENSIONS: "mean CCC",
    Task.UNITS: "mean F1 of the action units",
    Task.VIOLENCE: "macro-F1",
}
PARTS: Final[dict[Task, tuple[str, ...]]] = {
    Task.EXPRESSION: EXPRESSIONS,
    Task.DIMENSIONS: DIMENSIONS,
    Task.UNITS: ACTION_UNITS,
    Task.VIOLENCE: ("no violence", "violence"),
}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figure of one challenge.

    Attributes:
        task: the challenge.
        figure: what it ranks by, named in ``FIGURES``: the mean of the parts.
        parts: F1 of each class or action unit, or CCC of valence and arousal, by name.
        interval: of the figure over videos; None with fewer than two of them.
        accuracy: share of labelled frames with the right class; None for dimensions and units.
        frames: how many frames have a label.
        undecided: how many of those have no answer; they count as wrong, or as 0 and 0.
        videos: how many videos; two people in one video are one.
    """

    task: Task
    figure: float
    parts: dict[str, float]
    interval: Interval | None
    accuracy: float | None
    frames: int
    undecided: int
    videos: int


def score(timeline: Timeline, annotation: Annotation) -> Evaluation:
    """Figures of one clip against its labels.

    Raises:
        UserError: ``LABELS_INVALID`` where the labels do not fit the clip or label nothing;
            ``WEIGHTS_MISSING`` where no head answered.
    """
    answers = submission.answer(timeline, annotation.task)
    return evaluate([(annotation, answers)])


def evaluate(
    pairs: Iterable[tuple[Annotation, NDArray[Any]]], seed: int = 0, tuned: Tuned | None = None
) -> Evaluation:
    """Figures of many clips together.

    Args:
        pairs: annotations of one task, each with F answers as of :func:`core.abaw.submission.answer`.
        seed: of the resampling.
        tuned: the setting behind the answers, if one was searched: its own clips are refused.

    Raises:
        UserError: ``LABELS_INVALID``: labels of another length than the answers by more than
            :meth:`Annotation.fit` allows, or none at all. ``OPTION_RANGE``: ``tuned`` has seen a clip.
    """
    pooled = _pool(pairs, tuned or Tuned())
    task, each = pooled.task, pooled.each
    parts = _parts(task, each.sum(0))
    return Evaluation(
        task,
        float(parts.mean()),
        dict(zip(PARTS[task], map(float, parts), strict=True)),
        _interval(lambda drawn: float(_parts(task, each[drawn].sum(0)).mean()), len(each), seed),
        _accuracy(task, each.sum(0), pooled.frames),
        pooled.frames,
        pooled.undecided,
        len(each),
    )


def difference(
    before: Sequence[tuple[Annotation, NDArray[Any]]], after: Sequence[tuple[Annotation, NDArray[Any]]],
    seed: int = 0, tuned: Tuned | None = None,
) -> Interval | None:  # fmt: skip
    """Interval of the figure of ``after`` minus that of ``before`` over the same videos.

    Args:
        before: answers as of :func:`evaluate`.
        after: other answers for the same annotations in the same order.
        seed: of the resampling, in which both are drawn together.
        tuned: as of :func:`evaluate`.

    Returns:
        None with fewer than two videos.
    """
    if [one.name for one, _ in before] != [one.name for one, _ in after]:
        raise ValueError("both have answers for the same annotations")
    first, second = (_pool(pairs, tuned or Tuned()) for pairs in (before, after))

    def gain(drawn: NDArray[np.int64]) -> float:
        old, new = (_parts(one.task, one.each[drawn].sum(0)).mean() for one in (first, second))
        return float(new - old)

    return _interval(gain, len(first.each), seed)


@dataclass(frozen=True, slots=True, eq=False)
class _Pool:
    task: Task
    each: FloatArray  # sums of every video
    frames: int
    undecided: int


def _pool(pairs: Iterable[tuple[Annotation, NDArray[Any]]], tuned: Tuned) -> _Pool:
    sums: dict[str, FloatArray] = {}
    task, frames, undecided = None, 0, 0
    for annotation, answers in pairs:
        if task not in (None, annotation.task):
            raise ValueError("annotations of one task belong together")
        tuned.check([annotation.name])
        task, truth = annotation.task, annotation.fit(len(answers))
        counted = _sums(truth, answers)
        labelled = truth.labelled if truth.labelled.ndim == 1 else truth.labelled.any(1)
        frames += int(labelled.sum())
        undecided += int((labelled & _unknown(task, answers)).sum())
        video = base(annotation.name)
        sums[video] = sums[video] + counted if video in sums else counted
    if task is None or not frames:
        raise UserError(Code.LABELS_INVALID, "No frame carries a label.", "Give the labels of this clip.")
    return _Pool(task, np.stack(list(sums.values())), frames, undecided)


def _interval(figure: Callable[[NDArray[np.int64]], float], videos: int, seed: int) -> Interval | None:
    return bootstrap(figure, np.arange(videos), seed=seed) if videos > 1 else None


def _sums(truth: Annotation, answers: NDArray[Any]) -> FloatArray:
    """What a clip adds: counts of K+1 classes (the last for no answer), 3×12 counts, or 2×6 moments."""
    known = truth.labelled
    if truth.task is Task.DIMENSIONS:
        x, y = truth.values[known].astype(np.float64), np.nan_to_num(answers[known].astype(np.float64))
        moments = (np.ones_like(x), x, y, x * x, y * y, x * y)
        return np.stack([moment.sum(0) for moment in moments], 1)
    if truth.task is Task.UNITS:
        present, found = (truth.values == 1) & known, answers.astype(bool) & known
        return np.stack([(present & found).sum(0), present.sum(0), found.sum(0)]).astype(np.float64)
    classes = len(PARTS[truth.task])
    if not known.any():
        return np.zeros((classes + 1, classes + 1))
    chosen = answers.astype(np.int64)
    table = confusion(truth.values[known], np.where(chosen < 0, classes, chosen)[known], classes + 1)
    return table.astype(np.float64)


def _parts(task: Task, sums: FloatArray) -> FloatArray:
    if task is Task.DIMENSIONS:
        count, x, y, xx, yy, xy = sums.T
        mean_x, mean_y = x / count, y / count
        covariance = xy / count - mean_x * mean_y
        spread = xx / count - mean_x**2 + yy / count - mean_y**2 + (mean_x - mean_y) ** 2
        return np.asarray(np.divide(2 * covariance, spread, out=np.full(2, np.nan), where=spread > 0))
    if task is Task.UNITS:
        hits, involved = 2 * sums[0], sums[1] + sums[2]
    else:
        hits, involved = 2 * np.diag(sums)[:-1], (sums.sum(0) + sums.sum(1))[:-1]
    return np.asarray(np.divide(hits, involved, out=np.zeros(len(hits)), where=involved > 0))


def _accuracy(task: Task, sums: FloatArray, frames: int) -> float | None:
    if task in (Task.DIMENSIONS, Task.UNITS):
        return None
    return float(np.trace(sums) / frames)


def _unknown(task: Task, answers: NDArray[Any]) -> NDArray[np.bool_]:
    if task is Task.EXPRESSION:
        return np.asarray(answers < 0)
    if task is Task.DIMENSIONS:
        return np.asarray(np.isnan(answers).any(1))
    return np.zeros(len(answers), bool)
