"""Which detection belongs to which known face."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from core.types import FloatArray

NEAR = 0.7  # a centre may have moved by so many face widths between two looks
GROWN = 1.7  # and the face have grown or shrunk by this factor


def overlaps(first: FloatArray, second: FloatArray) -> FloatArray:
    """Intersection over union of N×4 with M×4 boxes, N×M."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(2)
    areas = [np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(1) for boxes in (first, second)]
    both: FloatArray = shared / np.maximum(areas[0][:, None] + areas[1][None, :] - shared, 1e-9)
    return both


def affinity(expected: FloatArray, found: FloatArray) -> FloatArray:
    """How well found boxes fit expected ones: N×M in 0..2, 0 where it cannot be.

    IoU tells near misses apart; nearness keeps a face that has jumped farther than its overlap reaches.
    """
    wide = [np.maximum(boxes[:, 2] - boxes[:, 0], 1.0) for boxes in (expected, found)]
    middle = [(boxes[:, :2] + boxes[:, 2:]) / 2 for boxes in (expected, found)]
    apart = np.linalg.norm(middle[0][:, None] - middle[1][None, :], axis=2)
    apart /= np.maximum(wide[0][:, None], wide[1][None, :])
    growth = wide[0][:, None] / wide[1][None, :]
    possible = (apart < NEAR) & (growth < GROWN) & (growth > 1 / GROWN)
    score: FloatArray = (overlaps(expected, found) + 1 - apart / NEAR) * possible
    return score


def assign(score: FloatArray) -> list[tuple[int, int]]:
    """Pairs (row, column) with the largest sum of positive scores."""
    rows, columns = linear_sum_assignment(-score)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(row, column) for row, column in pairs if score[row, column] > 0]
