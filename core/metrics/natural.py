"""How far two sets of pictures lie apart, by the features of a network."""

import numpy as np

from core.types import FloatArray


def frechet(first: FloatArray, second: FloatArray) -> float:
    """Fréchet distance of the normal distributions that fit two sets (Heusel et al. 2017, arXiv 1706.08500).

    It shrinks with the number of rows: compare only sets of the same size.

    Args:
        first, second: N×D and M×D features, at least two rows each.

    Returns:
        At least 0; 0 for sets of the same mean and covariance.

    Raises:
        ValueError: too few rows or different features.
    """
    _check(first, second)
    off = first.mean(0) - second.mean(0)
    one, other = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    values, vectors = np.linalg.eigh(np.atleast_2d(one))
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    cross = np.linalg.eigvalsh(root @ np.atleast_2d(other) @ root)
    spread = np.trace(np.atleast_2d(one)) + np.trace(np.atleast_2d(other))
    return float(max(0.0, off @ off + spread - 2 * np.sqrt(cross.clip(0)).sum()))


def kernel(first: FloatArray, second: FloatArray) -> float:
    """Kernel distance (Bińkowski et al. 2018, arXiv 1801.01401): squared, unbiased, cubic kernel.

    Args:
        first, second: N×D and M×D features, at least two rows each.

    Returns:
        0 on average for sets from one distribution, so also a little below.

    Raises:
        ValueError: too few rows or different features.
    """
    _check(first, second)
    within = [_others(_cubic(rows, rows)) for rows in (first, second)]
    return float(sum(within) - 2 * _cubic(first, second).mean())


def _cubic(first: FloatArray, second: FloatArray) -> FloatArray:
    powers: FloatArray = (first @ second.T / first.shape[1] + 1) ** 3
    return powers


def _others(square: FloatArray) -> float:
    """The mean without the diagonal."""
    count = len(square)
    return float((square.sum() - np.trace(square)) / (count * (count - 1)))


def _check(first: FloatArray, second: FloatArray) -> None:
    if min(len(first), len(second)) < 2 or first.shape[1:] != second.shape[1:]:
        raise ValueError("two sets of at least two rows with the same features")
