"""Filling of frames without a face, and box averages over time (arXiv 2603.12693 and its notebooks)."""

import numpy as np

from core.types import FloatArray, Mask


def interpolate(values: FloatArray, seen: Mask) -> FloatArray:
    """Fill the rows of unseen frames from their seen neighbours, by frame index.

    Between two seen frames i_prev < i < i_next the previous one weighs 1 - (i - i_prev) / (i_next - i_prev)
    and the next one the rest, so that a row of probabilities stays one. A gap at the beginning copies the
    first seen row, one at the end the last.

    Args:
        values: F×K (or F) numbers; unseen rows are not read.
        seen: F bool.

    Returns:
        The same shape, float64; seen rows unchanged. Where no frame is seen, all zero: nothing is known.
    """
    rows = np.array(values, dtype=np.float64)
    known, missing = np.flatnonzero(seen), np.flatnonzero(~np.asarray(seen, dtype=bool))
    if not known.size:
        return np.zeros_like(rows)
    if not missing.size:
        return rows
    place = np.searchsorted(known, missing)
    before = known[np.maximum(place - 1, 0)]
    after = known[np.minimum(place, known.size - 1)]
    # Before the first and after the last seen frame both neighbours are the same one.
    span = np.where(after > before, after - before, 1)
    share = np.where(after > before, (missing - before) / span, 0.0)
    share = share.reshape(-1, *[1] * (rows.ndim - 1))
    rows[missing] = (1 - share) * rows[before] + share * rows[after]
    return rows


def box_average(values: FloatArray, half: int, seen: Mask | None = None) -> FloatArray:
    """Mean of each row with those up to ``half`` frames before and after it, fewer at the ends of the clip.

    Args:
        values: F×K (or F) numbers.
        half: half width of the window in frames (delta); 0 is the identity.
        seen: F bool: only these rows enter the means (our choice, for clips that are not filled). A row whose
            window holds none of them becomes 0. None for all rows.

    Returns:
        The same shape, float64. Costs O(F·K) whatever the width.

    Raises:
        ValueError: ``half`` is negative.
    """
    if half < 0:
        raise ValueError("a window's half width is not negative")
    rows = np.array(values, dtype=np.float64)
    if half == 0 or not len(rows):
        return rows
    places = None if seen is None or np.all(seen) else np.concatenate([[0], np.cumsum(seen)])
    kept = rows if places is None else rows[np.asarray(seen, dtype=bool)]
    if not len(kept):
        return np.zeros_like(rows)
    # Sums of differences from one row: they stay small, and a constant sequence comes out to the bit.
    origin = kept[0]
    sums = np.zeros((len(kept) + 1, *rows.shape[1:]))
    np.cumsum(kept - origin, axis=0, out=sums[1:])
    frames = np.arange(len(rows))
    first, last = np.maximum(frames - half, 0), np.minimum(frames + half + 1, len(rows))
    if places is not None:
        first, last = places[first], places[last]
    size = (last - first).reshape(-1, *[1] * (rows.ndim - 1))
    means = sums.take(last, axis=0)
    means -= sums.take(first, axis=0)
    means /= np.maximum(size, 1)
    means += origin
    # A mean lies between the extremes; rounding of the sums must not make a probability negative.
    np.clip(means, kept.min(), kept.max(), out=means)
    return means if places is None else np.where(size > 0, means, 0.0)
