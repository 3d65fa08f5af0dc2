"""Where every pixel of a photo lies on the mean face: piecewise affine over the landmark mesh."""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import FloatArray, Mask

Indices = NDArray[np.signedinteger[Any]]

FINE = 800  # pixels; a smaller face is rasterised finer than its pixels, since its triangles are small
HOLE = 0.01  # of the rectangle's side: gaps up to twice as wide between facing triangles are closed
MIN_AREA = 1e-4  # square pixels; a thinner triangle has no direction


@dataclass(frozen=True, slots=True, eq=False)
class Warp:
    """The map from a rectangle of the photo to the mean face.

    Attributes:
        position: h×w×2 float32, x and y on the mean face in its own units; arbitrary outside the mesh.
        inside: h×w, which pixels lie on a triangle that faces the camera.
    """

    position: FloatArray
    inside: Mask


def warp(
    points: FloatArray, mean: FloatArray, triangles: Indices, depth: FloatArray, height: int, width: int
) -> Warp:
    """Map every pixel under the mesh to the mean face.

    Triangles that are turned over with respect to the mean face look away from the camera and are left
    out, but for tiny ones between others; of several triangles over one pixel the nearest counts.

    Args:
        points: N×2 landmarks in pixels, (0, 0) at the centre of the first pixel.
        mean: N×2 the same landmarks of the mean face.
        triangles: T×3 indices.
        depth: N, smaller is nearer.
        height: rows of the rectangle.
        width: its columns.
    """
    corners = np.asarray(points, np.float64)[triangles]
    targets = np.asarray(mean, np.float64)[triangles]
    area = _doubled_area(corners)
    facing = area * _doubled_area(targets) > 0
    order = np.lexsort((-np.asarray(depth)[triangles].mean(1), facing))  # turned away, then far, first
    order = order[np.abs(area[order]) > MIN_AREA]
    owner = _owners(corners[order], height, width)
    maps = _affine(corners[order], targets[order]).astype(np.float32)
    toward = (owner >= 0) & facing[order][owner]
    # landmark noise turns single small triangles over, at the nostrils above all: no holes there
    reach = 2 * max(round(HOLE * max(height, width)), 1) + 1
    closed = cv2.morphologyEx(toward.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
    inside = (closed > 0) & (owner >= 0)
    position = np.zeros((height, width, 2), np.float32)
    rows, columns = np.nonzero(inside)
    chosen = maps[owner[rows, columns]]
    for axis in range(2):
        a, b, c = chosen[:, axis, 0], chosen[:, axis, 1], chosen[:, axis, 2]
        position[rows, columns, axis] = a * columns + b * rows + c
    return Warp(position, inside)


def _doubled_area(corners: FloatArray) -> FloatArray:
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def _affine(corners: FloatArray, targets: FloatArray) -> FloatArray:
    """T×2×3 matrices, pixel (x, y, 1) -> mean face."""
    ones = np.ones((*corners.shape[:2], 1))
    solved = np.linalg.solve(np.concatenate([corners, ones], 2), targets)
    return solved.transpose(0, 2, 1)


def _owners(corners: FloatArray, height: int, width: int) -> Indices:
    """H×W index of the last triangle over each pixel's centre, -1 where there is none.

    OpenCV also fills the pixels that an outline touches; finer rasters keep that overlap well under a
    pixel, so that no pixel is extrapolated far from a small triangle.
    """
    factor = min(max(math.ceil(FINE / max(height, width)), 1), 4)
    # the middle of the finer block lies on the pixel's centre
    shifted = corners * factor + factor // 2
    fixed = np.rint(shifted * 16).astype(np.int32)
    fine = np.full((height * factor, width * factor), -1, np.int32)
    for index, triangle in enumerate(fixed):
        cv2.fillConvexPoly(fine, triangle, index, lineType=cv2.LINE_8, shift=4)
    return fine[factor // 2 :: factor, factor // 2 :: factor]
