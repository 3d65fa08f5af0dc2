"""One-to-many search: whether the right people stand at the top of the ranked gallery."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.types import FloatArray, Mask


@dataclass(frozen=True, slots=True, eq=False)
class Identification:
    """Ranking figures of a set of probes.

    Attributes:
        first_hit: for each valid probe the rank, from 1, of its first right answer.
        average_precision: for each valid probe the mean precision at the rank of every right answer, 0..1.
        valid: P booleans; a probe without any right answer left in the gallery is not valid and not counted.
    """

    first_hit: NDArray[np.int64]
    average_precision: FloatArray
    valid: Mask

    def cmc(self, ranks: int) -> FloatArray:
        """Cumulative match characteristic: share of valid probes with a hit within rank 1, 2, ... ranks."""
        share: FloatArray = np.mean(self.first_hit[:, None] <= np.arange(1, ranks + 1), axis=0)
        return share

    @property
    def rank1(self) -> float:
        """Share of valid probes whose best match is right."""
        return float(self.cmc(1)[0])

    @property
    def mean_average_precision(self) -> float:
        """Mean of the average precisions (mAP)."""
        return float(self.average_precision.mean())


def identify(
    similarity: FloatArray,
    probes: NDArray[Any],
    gallery: NDArray[Any],
    probe_cameras: NDArray[Any] | None = None,
    gallery_cameras: NDArray[Any] | None = None,
) -> Identification:
    """Rank the gallery for every probe, by the Market-1501 protocol where cameras are given.

    Gallery entries of the probe's own identity and camera are dropped for that probe (Zheng et al., "Scalable
    Person Re-identification: A Benchmark", ICCV 2015). Average precision is the mean of the precision at each
    right answer. Among equal scores the wrong answers come first (our choice): an encoder that maps all
    pictures to one point must not look good by the order of a list.

    Args:
        similarity: P×G scores, larger is more alike, no nan.
        probes: P identities.
        gallery: G identities.
        probe_cameras: P cameras, or None when nothing is dropped.
        gallery_cameras: G cameras, given with ``probe_cameras``.

    Raises:
        ValueError: shapes do not match, a score is nan, or no probe has a right answer in the gallery.
    """
    similarity = np.asarray(similarity, dtype=np.float64)
    probes, gallery = np.asarray(probes), np.asarray(gallery)
    if similarity.shape != (len(probes), len(gallery)) or np.isnan(similarity).any():
        raise ValueError("similarity is probes x gallery, without nan")
    if (probe_cameras is None) != (gallery_cameras is None):
        raise ValueError("cameras are given for probes and gallery, or for neither")
    right = probes[:, None] == gallery[None, :]
    kept = np.ones_like(right)
    if probe_cameras is not None and gallery_cameras is not None:
        kept = ~(right & (np.asarray(probe_cameras)[:, None] == np.asarray(gallery_cameras)[None, :]))
    order = np.lexsort((right, -similarity), axis=1)
    right = np.take_along_axis(right & kept, order, axis=1)
    kept = np.take_along_axis(kept, order, axis=1)
    valid: Mask = np.any(right, axis=1)
    if not valid.any():
        raise ValueError("no probe has a right answer in the gallery")
    right, kept = right[valid], kept[valid]
    ranks = np.cumsum(kept, axis=1)  # dropped entries take up no rank
    precision = np.cumsum(right, axis=1) / np.maximum(ranks, 1)
    return Identification(
        first_hit=np.take_along_axis(ranks, right.argmax(axis=1)[:, None], axis=1)[:, 0],
        average_precision=(precision * right).sum(axis=1) / right.sum(axis=1),
        valid=valid,
    )
