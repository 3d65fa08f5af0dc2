"""The square around a detected face that expression networks are trained on."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from core.types import FloatArray, Pixels

WIDE = 1.23  # YuNet's boxes are 1.23 times as high as wide (FER2013, CK+ and LFW, 1,180 faces)


@dataclass(frozen=True, slots=True)
class Framing:
    """A square in units of a face's height, as YuNet's box gives it.

    Attributes:
        side: side of the square over the height. FER2013, CK+ and LFW/film crops measure .98 to 1.01.
        down: by how much its centre lies below the box's, in heights.
    """

    side: float = 1.0
    down: float = 0.0


def squares(boxes: FloatArray, framing: Framing) -> FloatArray:
    """N×4 boxes -> N×3 squares: centre x, centre y and side, pixels.

    The side comes from height and width together, for the width of a turned head and the height of an open
    mouth each change alone.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    wide, high = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    unit = (high + WIDE * wide) / 2
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.column_stack([centre[:, 0], centre[:, 1] + framing.down * unit, framing.side * unit])


def cut(pixels: Pixels, boxes: FloatArray, framing: Framing, size: int) -> Tensor:
    """Cut the squares out and resample them.

    Args:
        pixels: H×W×3 uint8 RGB.
        boxes: N×4 pixels.
        framing: which square.
        size: side of the crops, pixels.

    Returns:
        N×3×size×size uint8 RGB; black outside the picture.
    """
    crops = [_resampled(pixels, square, size) for square in squares(boxes, framing)]
    stacked = np.stack(crops) if crops else np.zeros((0, size, size, 3), np.uint8)
    return torch.from_numpy(stacked).permute(0, 3, 1, 2)


def _resampled(pixels: Pixels, square: FloatArray, size: int) -> Pixels:
    x, y, side = (float(value) for value in square)
    side = max(side, 2.0)
    # bilinear sampling alone would alias: halve first, and only the part that is seen
    halvings = max(math.ceil(math.log2(side / size)), 1) - 1
    pixels, left, top = _window(pixels, x, y, side, 2**halvings)
    x, y = x - left, y - top
    for _ in range(halvings):
        if min(pixels.shape[:2]) < 2:
            break
        pixels = np.asarray(cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
        x, y, side = x / 2, y / 2, side / 2
    scale = size / side
    matrix = np.array([[scale, 0, size / 2 - x * scale], [0, scale, size / 2 - y * scale]])
    # pixel centres lie at half-integers of these coordinates
    matrix[:, 2] += 0.5 * scale - 0.5
    return np.asarray(cv2.warpAffine(pixels, matrix, (size, size), flags=cv2.INTER_LINEAR), np.uint8)


def _window(pixels: Pixels, x: float, y: float, side: float, step: int) -> tuple[Pixels, int, int]:
    """The part of a picture around a square and its corner, which is a multiple of ``step``."""
    high, wide = pixels.shape[:2]
    reach = side / 2 + 2 * step
    left, right = (max(int((x + sign * reach) // step) * step, 0) for sign in (-1, 1))
    top, bottom = (max(int((y + sign * reach) // step) * step, 0) for sign in (-1, 1))
    left, top = min(left, (wide - 1) // step * step), min(top, (high - 1) // step * step)
    return pixels[top : max(bottom, top + 1), left : max(right, left + 1)], left, top
