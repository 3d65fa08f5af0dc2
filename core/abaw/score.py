"""The challenges' figures against annotations in which some frames carry none.

Annotations of -1 (expression, action units) and -5 (valence, arousal) never enter. Frames that stayed
undecided do: they count as wrong, or as 0 for valence and arousal (our choice).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.abaw.classes import EXPRESSIONS, IGNORED_DIMENSION, IGNORED_LABEL
from core.metrics.agreement import ccc
from core.metrics.classification import f1_per_class
from core.types import FloatArray, Mask

Labels = NDArray[np.integer[Any]]


def expression_f1(truth: Labels, predicted: Labels) -> FloatArray:
    """F1 of each of the eight expressions; their mean is the challenge's figure.

    Args:
        truth: F labels, -1 where not annotated.
        predicted: F labels, -1 where undecided.

    Raises:
        ValueError: the lengths differ, or no frame is annotated.
    """
    known = np.asarray(truth) != IGNORED_LABEL
    undecided = len(EXPRESSIONS)  # a ninth class, which is never the true one
    answers = np.where(predicted == IGNORED_LABEL, undecided, predicted)
    return f1_per_class(truth[known], answers[known], undecided + 1)[:undecided]


def dimension_ccc(truth: FloatArray, predicted: FloatArray) -> tuple[float, float]:
    """CCC of valence and of arousal; the challenge's figure is their mean.

    Args:
        truth: F×2, -5 where not annotated (one of both is enough to leave the frame out).
        predicted: F×2, nan where undecided.

    Raises:
        ValueError: the lengths differ, or no frame is annotated.
    """
    known = (np.asarray(truth) != IGNORED_DIMENSION).all(axis=1)
    answers = np.nan_to_num(predicted)
    return ccc(truth[known, 0], answers[known, 0]), ccc(truth[known, 1], answers[known, 1])


def unit_f1(truth: Labels, active: Mask) -> FloatArray:
    """F1 of each action unit's presence; their mean is the challenge's figure.

    Args:
        truth: F×12 of 0 and 1, -1 where this unit is not annotated.
        active: F×12 bool.

    Returns:
        Twelve numbers, 0 for a unit that is neither present nor found.

    Raises:
        ValueError: the shapes differ.
    """
    if np.shape(truth) != np.shape(active):
        raise ValueError("truth and active have one shape")
    known = np.asarray(truth) != IGNORED_LABEL
    present = (np.asarray(truth) == 1) & known
    found = np.asarray(active, dtype=bool) & known
    hits, involved = 2.0 * (present & found).sum(axis=0), present.sum(axis=0) + found.sum(axis=0)
    return np.asarray(np.divide(hits, involved, out=np.zeros(hits.shape), where=involved > 0))
