"""Figures of a classifier over a declared list of classes, pooled and for each subject."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.types import FloatArray

Labels = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Scores:
    """Figures over some samples, all in 0..1.

    Attributes:
        accuracy: share of samples that are right (WAR).
        unweighted_recall: mean recall (UAR).
        macro_f1: mean F1.
        samples: how many samples they rest on.
    """

    accuracy: float
    unweighted_recall: float
    macro_f1: float
    samples: int


@dataclass(frozen=True, slots=True)
class Report:
    """The same figures three ways.

    Attributes:
        pooled: over all samples together.
        per_subject: for each subject alone.
        mean: the mean over subjects, each counting once; ``samples`` is the total.
    """

    pooled: Scores
    per_subject: Mapping[str, Scores]
    mean: Scores


def confusion(truth: Labels, predicted: Labels, classes: int) -> NDArray[np.int64]:
    """Count samples by true class (rows) and predicted class (columns).

    Args:
        truth: N labels in 0..classes-1.
        predicted: N labels in 0..classes-1.
        classes: how many classes are declared, also those that never appear.

    Returns:
        classes×classes counts.

    Raises:
        ValueError: lengths differ, there is no sample, or a label lies outside the declared classes.
    """
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    if truth.shape != predicted.shape or truth.ndim != 1 or not truth.size:
        raise ValueError("truth and predicted are two lists of the same length, at least one")
    both = np.concatenate([truth, predicted])
    if both.min() < 0 or both.max() >= classes:
        raise ValueError(f"labels lie in 0..{classes - 1}")
    counts = np.bincount(truth.astype(np.int64) * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)


def f1_per_class(truth: Labels, predicted: Labels, classes: int) -> FloatArray:
    """F1 of each declared class; one without any true or predicted sample counts as 0."""
    table = confusion(truth, predicted, classes)
    hits = np.diag(table).astype(np.float64)
    involved = table.sum(axis=0) + table.sum(axis=1)
    f1: FloatArray = np.divide(2 * hits, involved, out=np.zeros(classes), where=involved > 0)
    return f1


def macro_f1(truth: Labels, predicted: Labels, classes: int) -> float:
    """Mean F1 over all declared classes, as in the ABAW challenges."""
    return float(f1_per_class(truth, predicted, classes).mean())


def accuracy(truth: Labels, predicted: Labels) -> float:
    """Share of samples that are right; in the expression literature the weighted average recall (WAR)."""
    return float(np.mean(np.asarray(truth) == np.asarray(predicted)))


def unweighted_recall(truth: Labels, predicted: Labels, classes: int) -> float:
    """Mean recall over the classes that have a true sample (UAR, balanced accuracy)."""
    table = confusion(truth, predicted, classes)
    support = table.sum(axis=1)
    return float(np.mean(np.diag(table)[support > 0] / support[support > 0]))


def scores(truth: Labels, predicted: Labels, classes: int) -> Scores:
    """All figures at once; arguments and errors as in :func:`confusion`."""
    return Scores(
        accuracy(truth, predicted),
        unweighted_recall(truth, predicted, classes),
        macro_f1(truth, predicted, classes),
        len(truth),
    )


def report(truth: Labels, predicted: Labels, classes: int, subjects: NDArray[Any]) -> Report:
    """Figures pooled and by subject.

    Args:
        truth: N labels in 0..classes-1.
        predicted: N labels in 0..classes-1.
        classes: how many classes are declared.
        subjects: N names or numbers of the people shown.
    """
    if len(subjects) != len(truth):
        raise ValueError("every sample has one subject")
    parts = {
        str(subject): scores(truth[subjects == subject], predicted[subjects == subject], classes)
        for subject in np.unique(subjects)
    }
    mean = Scores(
        float(np.mean([part.accuracy for part in parts.values()])),
        float(np.mean([part.unweighted_recall for part in parts.values()])),
        float(np.mean([part.macro_f1 for part in parts.values()])),
        len(truth),
    )
    return Report(scores(truth, predicted, classes), parts, mean)
