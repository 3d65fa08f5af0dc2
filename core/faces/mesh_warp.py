"""Where every pixel of a photo lies on the mean face: piecewise affine over the landmark mesh, smoothed."""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import FloatArray, Mask

Indices = NDArray[np.signedinteger[Any]]

COARSE = 640  # pixels; a larger rectangle is mapped at this size
FINE = 800  # pixels; a smaller face is rasterised finer than its pixels, since its triangles are small
MIN_AREA = 1e-4  # square pixels; a thinner triangle has no direction
GRAZING = 0.4  # a triangle this much narrower than the face's usual ones is seen too flat to be trusted
HOLE = 0.01  # of the rectangle's side: narrower gaps and specks are landmark noise
SMOOTH = 0.025  # of the rectangle's side: kinks between triangles are smoothed over this


@dataclass(frozen=True, slots=True, eq=False)
class Warp:
    """The map from a rectangle of the photo to the mean face.

    Attributes:
        position: h×w×2 float32, x and y on the mean face in its own units; extrapolated outside the mesh.
        inside: h×w, which pixels lie on the part of the mesh that faces the camera, in one piece.
    """

    position: FloatArray
    inside: Mask


def warp(
    points: FloatArray, mean: FloatArray, triangles: Indices, depth: FloatArray, height: int, width: int
) -> Warp:
    """Map every pixel under the mesh to the mean face.

    Triangles that are turned over with respect to the mean face look away from the camera; those and
    the ones seen at a grazing angle are left out, but for tiny ones between others. Of several
    triangles over one pixel the nearest counts.

    Args:
        points: N×2 landmarks in pixels, (0, 0) at the centre of the first pixel.
        mean: N×2 the same landmarks of the mean face.
        triangles: T×3 indices.
        depth: N, smaller is nearer.
        height: rows of the rectangle.
        width: its columns.
    """
    shrink = min(COARSE / max(height, width), 1.0)
    if shrink < 1:  # the map is smooth: measured on a smaller raster and enlarged, it is the same
        size = (max(round(width * shrink), 1), max(round(height * shrink), 1))
        ratio = np.array([size[0] / width, size[1] / height])
        reduced = (np.asarray(points, np.float64) + 0.5) * ratio - 0.5
        small = warp(reduced, mean, triangles, depth, size[1], size[0])
        position = cv2.resize(small.position, (width, height), interpolation=cv2.INTER_LINEAR)
        cover = cv2.resize(small.inside.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        return Warp(np.asarray(position, np.float32), np.asarray(cover > 0.5))
    corners = np.asarray(points, np.float64)[triangles]
    targets = np.asarray(mean, np.float64)[triangles]
    area = _doubled_area(corners)
    growth = area / _doubled_area(targets)
    usual = np.median(growth[growth > 0]) if (growth > 0).any() else 1.0
    facing = growth > GRAZING * usual
    order = np.lexsort((-np.asarray(depth)[triangles].mean(1), facing))  # turned away, then far, first
    order = order[np.abs(area[order]) > MIN_AREA]
    owner = _owners(corners[order], height, width)
    inside = _one_piece((owner >= 0) & facing[order][owner]) & (owner >= 0)
    if not inside.any():
        return Warp(np.zeros((height, width, 2), np.float32), inside)
    rows, columns = np.nonzero(inside)
    pixels = np.stack([columns, rows, np.ones(len(rows), np.intp)], 1).astype(np.float32)
    maps = _affine(corners[order], targets[order]).astype(np.float32)
    exact = np.einsum("nak,nk->na", maps[owner[rows, columns]], pixels)
    return Warp(_smoothed(exact, pixels, inside), inside)


def _one_piece(mask: Mask) -> Mask:
    """Close small gaps, drop thin specks, keep the largest piece."""
    reach = 2 * max(round(HOLE * max(mask.shape)), 1) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    if count < 2:
        return np.zeros(mask.shape, bool)
    return np.asarray(labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])))


def _smoothed(values: FloatArray, pixels: FloatArray, inside: Mask) -> FloatArray:
    """H×W×2: of N×2 values inside the mask, what is not affine in the place is blurred; affine maps stay.

    Outside the mask the affine part goes on, so that the map is smooth across the mask's rim.
    """
    some = slice(None, None, max(len(pixels) // 5000, 1))
    fit, *_ = np.linalg.lstsq(pixels[some].astype(np.float64), values[some], rcond=None)
    layers = np.zeros((*inside.shape, 3), np.float32)
    layers[inside] = np.column_stack([values - pixels @ fit, np.ones(len(values))])
    sigma = SMOOTH * max(inside.shape)
    blurred = np.asarray(cv2.GaussianBlur(layers, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT))
    rows, columns = np.ogrid[: inside.shape[0], : inside.shape[1]]
    plain = columns[..., None] * fit[0] + rows[..., None] * fit[1] + fit[2]
    return np.asarray(plain + blurred[..., :2] / np.maximum(blurred[..., 2:], 1e-3), np.float32)


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
