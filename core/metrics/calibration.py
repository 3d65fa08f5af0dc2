"""Whether a classifier's probabilities can be believed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.types import FloatArray, Mask


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """A reliability diagram of B equal bins over 0..1; empty bins hold nan.

    Attributes:
        confidence: B mean confidences.
        accuracy: B shares of right predictions.
        count: B numbers of predictions.
    """

    confidence: FloatArray
    accuracy: FloatArray
    count: NDArray[np.int64]

    @property
    def expected_error(self) -> float:
        """Expected calibration error: the mean gap of confidence and accuracy, bins weighted by count."""
        gap = np.abs(self.confidence - self.accuracy)
        return float(np.nansum(gap * self.count) / self.count.sum())


def reliability(confidence: FloatArray, correct: Mask, bins: int = 15) -> Reliability:
    """Compare confidence with accuracy in bins (m-1)/B < confidence <= m/B.

    Guo et al., "On Calibration of Modern Neural Networks" (arXiv 1706.04599), equation 3.

    Args:
        confidence: N probabilities of the predicted class, 0..1.
        correct: N booleans.
        bins: B.
    """
    confidence = np.asarray(confidence, dtype=np.float64)
    if not len(confidence) or confidence.min() < 0 or confidence.max() > 1:
        raise ValueError("confidences lie in 0..1")
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        return Reliability(
            confidence=np.bincount(place, confidence, bins) / count,
            accuracy=np.bincount(place, np.asarray(correct, dtype=np.float64), bins) / count,
            count=count,
        )


def brier(probabilities: FloatArray, truth: NDArray[np.integer[Any]]) -> float:
    """Mean over samples of the squared distance between N×C probabilities and the one-hot truth, 0..2."""
    return float(np.mean(np.sum((probabilities - np.eye(probabilities.shape[1])[truth]) ** 2, axis=1)))


def negative_log_likelihood(probabilities: FloatArray, truth: NDArray[np.integer[Any]]) -> float:
    """Mean of -ln p(true class) over N×C probabilities, in nats; inf when a true class got 0."""
    with np.errstate(divide="ignore"):
        return float(-np.mean(np.log(probabilities[np.arange(len(truth)), truth])))
