"""Unit vectors, softmax and entropy, in the few forms that the loop needs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.types import FloatArray

Vectors = NDArray[np.float32]


def unit(rows: NDArray[Any]) -> Vectors:
    """Rows (N×D or D) made unit vectors, float32.

    Raises:
        ValueError: a row is zero or not finite.
    """
    values = np.asarray(rows, np.float64)
    length = np.sqrt((values * values).sum(axis=-1, keepdims=True))
    if not (np.isfinite(length) & (length > 0)).all():
        raise ValueError("an embedding is zero or not finite")
    return np.asarray(values / length, np.float32)


def softmax(logits: FloatArray) -> FloatArray:
    """Over the last axis, float64."""
    shifted = np.asarray(logits, np.float64)
    powers: FloatArray = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    powers /= powers.sum(axis=-1, keepdims=True)
    return powers


def entropy(probabilities: FloatArray) -> float:
    """Of one distribution, in nats; 0·ln 0 is 0."""
    logs = np.log(np.maximum(probabilities, 1e-300))
    return max(0.0, -float(probabilities @ logs))


def length(vector: NDArray[Any]) -> float:
    """Euclidean length."""
    return float(np.sqrt(np.dot(vector, vector)))
