"""One-to-one comparison: who is accepted at which threshold. Accepted means score >= threshold."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from core.types import FloatArray, Mask


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What happens at one threshold.

    Attributes:
        target: the FAR that was asked for, 0..1.
        threshold: accept at this score and above.
        far: share of impostor pairs accepted, at most ``target``.
        tar: share of genuine pairs accepted.
        impostor_pairs: how many impostor pairs the figures rest on.
        genuine_pairs: how many genuine pairs.
    """

    target: float
    threshold: float
    far: float
    tar: float
    impostor_pairs: int
    genuine_pairs: int

    @property
    def supported(self) -> bool:
        """Whether there are impostors enough for the target to allow at least one of them to pass."""
        return self.target * self.impostor_pairs >= 1 - 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Roc:
    """The receiver operating characteristic, one point a distinct score.

    Attributes:
        thresholds: K falling scores, the first +inf (nobody is accepted).
        far: K rising shares of impostor pairs accepted, 0 to 1.
        tar: K rising shares of genuine pairs accepted, 0 to 1.
        impostor_pairs: how many impostor pairs.
        genuine_pairs: how many genuine pairs.
    """

    thresholds: FloatArray
    far: FloatArray
    tar: FloatArray
    impostor_pairs: int
    genuine_pairs: int

    @property
    def frr(self) -> FloatArray:
        """Share of genuine pairs rejected, K values falling from 1 to 0."""
        return 1 - self.tar

    @property
    def auc(self) -> float:
        """Area under the curve: the chance that a genuine score beats an impostor's, ties counting half."""
        return float(np.trapezoid(self.tar, self.far))


def split(
    similarity: FloatArray, rows: NDArray[Any], columns: NDArray[Any], valid: Mask | None = None
) -> tuple[FloatArray, FloatArray]:
    """Genuine and impostor scores of a similarity matrix.

    Args:
        similarity: P×G scores, larger is more alike.
        rows: P identities.
        columns: G identities.
        valid: P×G, the comparisons that count; for a set against itself ``np.triu(..., 1)``, so that no
            photo meets itself and no pair counts twice.
    """
    same = np.asarray(rows)[:, None] == np.asarray(columns)[None, :]
    chosen = np.ones_like(same) if valid is None else valid
    return similarity[same & chosen], similarity[~same & chosen]


def roc(genuine: FloatArray, impostor: FloatArray) -> Roc:
    """The whole curve.

    Args:
        genuine: scores of pairs of one person.
        impostor: scores of pairs of two people.

    Raises:
        ValueError: one of them is empty or holds a nan.
    """
    genuine, impostor = _checked(genuine), _checked(impostor)
    levels = np.unique(np.concatenate([genuine, impostor]))[::-1]
    return Roc(
        thresholds=np.concatenate([[np.inf], levels]),
        far=np.concatenate([[0.0], _accepted(impostor, levels)]),
        tar=np.concatenate([[0.0], _accepted(genuine, levels)]),
        impostor_pairs=len(impostor),
        genuine_pairs=len(genuine),
    )


def at_far(genuine: FloatArray, impostor: FloatArray, target: float) -> OperatingPoint:
    """The operating point whose threshold is the smallest score for which FAR <= target.

    "Score" is one that was observed, genuine or impostor; where none is high enough, the next number above
    the highest impostor.

    Args:
        genuine: scores of pairs of one person.
        impostor: scores of pairs of two people.
        target: FAR, 0..1.

    Raises:
        ValueError: no scores, a nan among them, or a target outside 0..1.
    """
    genuine, impostor = _checked(genuine), _checked(impostor)
    if not 0 <= target <= 1:
        raise ValueError("a FAR lies in 0..1")
    scores = np.unique(np.concatenate([genuine, impostor]))
    allowed = math.floor(target * len(impostor) + 1e-9)
    if allowed < len(impostor):
        bound = np.sort(impostor)[::-1][allowed]  # this one and all below must be rejected
        above = scores[scores > bound]
        threshold = float(above[0]) if above.size else float(np.nextafter(bound, np.inf))
    else:
        threshold = float(scores[0])
    return at_threshold(genuine, impostor, threshold, target)


def at_threshold(
    genuine: FloatArray, impostor: FloatArray, threshold: float, target: float = float("nan")
) -> OperatingPoint:
    """The rates at a threshold that was fixed before, for instance on other people."""
    genuine, impostor = _checked(genuine), _checked(impostor)
    return OperatingPoint(
        target=target,
        threshold=threshold,
        far=float(np.mean(impostor >= threshold)),
        tar=float(np.mean(genuine >= threshold)),
        impostor_pairs=len(impostor),
        genuine_pairs=len(genuine),
    )


def equal_error_rate(curve: Roc) -> tuple[float, float]:
    """Rate and threshold where FAR = FRR, linear between the two points that enclose it."""
    gap = curve.far - curve.frr
    right = int(np.argmax(gap >= 0))
    left = right - 1
    share = -gap[left] / (gap[right] - gap[left])
    rate = curve.far[left] + share * (curve.far[right] - curve.far[left])
    low, high = curve.thresholds[right], curve.thresholds[left]
    threshold = low if np.isinf(high) else high + share * (low - high)
    return float(rate), float(threshold)


def det(curve: Roc) -> tuple[FloatArray, FloatArray]:
    """FAR and FRR as normal deviates, the axes of a detection error trade-off plot (Martin et al. 1997).

    Rates of 0 and 1 would lie at infinity; they are drawn half a pair inside (our choice).
    """
    margins = (0.5 / curve.impostor_pairs, 0.5 / curve.genuine_pairs)
    far, frr = (
        ndtri(np.clip(rate, margin, 1 - margin))
        for rate, margin in zip((curve.far, curve.frr), margins, strict=True)
    )
    return far, frr


def _accepted(scores: FloatArray, thresholds: FloatArray) -> FloatArray:
    below = np.searchsorted(np.sort(scores), thresholds, side="left")
    return 1 - below / len(scores)


def _checked(scores: FloatArray) -> FloatArray:
    scores = np.asarray(scores, dtype=np.float64).ravel()
    if not scores.size or np.isnan(scores).any():
        raise ValueError("at least one genuine and one impostor score, and no nan")
    return scores
