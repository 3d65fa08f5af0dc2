"""One canonical face frame for everything: the ArcFace five points on a wider, finer canvas.

The ArcFace 112 px crop cuts the forehead and the chin; recognisers such as dlib's and FaceNet's look
wider. The canonical frame is 224 px and shows 1.25 times the field of that crop (1.6 px for each of
its pixels, eyes 56 px apart), so every recogniser's native crop is a box inside it and one resampling
of the photo serves them all.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

from core.types import Face, FloatArray, Pixels

CANONICAL_SIZE = 224
SCALE = 1.6  # canonical pixels for one pixel of the ArcFace 112 crop
MARGIN = (CANONICAL_SIZE - 112 * SCALE) / 2

# Five points of the 112 px crop that ArcFace-type recognisers are trained on (InsightFace's figures):
# eye at the picture's left, at its right, nose tip, mouth corners left and right.
ARCFACE_112 = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
    dtype=np.float32,
)
TEMPLATE = (ARCFACE_112 * SCALE + MARGIN).astype(np.float32)


def similarity(five: FloatArray, template: FloatArray = TEMPLATE) -> FloatArray:
    """Least-squares similarity (rotation, one scale, shift) from a face's five points to a template.

    Args:
        five: 5×2 pixels in the photo.
        template: 5×2 pixels in the target frame.

    Returns:
        2×3 float64 matrix photo -> template (Umeyama 1991, without reflection).
    """
    source, target = np.asarray(five, np.float64), np.asarray(template, np.float64)
    source_mean, target_mean = source.mean(0), target.mean(0)
    x, y = source - source_mean, target - target_mean
    u, s, vt = np.linalg.svd(y.T @ x)
    sign = np.array([1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ np.diag(sign) @ vt
    scale = float((s * sign).sum() / max((x**2).sum(), 1e-12))
    matrix = np.empty((2, 3))
    matrix[:, :2] = scale * rotation
    matrix[:, 2] = target_mean - matrix[:, :2] @ source_mean
    return matrix


def align(pixels: Pixels, face: Face) -> Pixels:
    """Cut a face into the canonical frame.

    Args:
        pixels: H×W×3 uint8 RGB, the full photo.
        face: a face of that photo.

    Returns:
        224×224×3 uint8 RGB; what lies outside the photo repeats its border.
    """
    return warp(pixels, similarity(face.five), CANONICAL_SIZE)


def warp(pixels: Pixels, matrix: FloatArray, size: int) -> Pixels:
    """Resample a square of a photo; where that shrinks it, it is averaged first, so nothing aliases.

    Args:
        pixels: H×W×3 uint8 RGB.
        matrix: 2×3 similarity, photo pixels -> square pixels (centres of pixels at whole numbers).
        size: side of the square, pixels.

    Returns:
        size×size×3 uint8 RGB; what lies outside the photo repeats its border.
    """
    linear, shift = np.asarray(matrix, np.float64)[:, :2], np.asarray(matrix, np.float64)[:, 2]
    corners = (np.array([[0, 0], [size, 0], [0, size], [size, size]]) - 0.5 - shift) @ np.linalg.inv(linear).T
    shrink = float(np.linalg.norm(corners[1] - corners[0])) / size
    factor = 2 ** max(0, int(np.floor(np.log2(max(shrink, 1e-6)))))
    limit = np.array(pixels.shape[1::-1])
    start = np.clip(np.floor(corners.min(0)).astype(int) - 2 * factor, 0, limit - 1)
    stop = np.clip(np.ceil(corners.max(0)).astype(int) + 2 * factor, start + 1, limit)
    part = pixels[start[1] : stop[1], start[0] : stop[0]]
    shift = shift + linear @ start
    if factor > 1:
        width, height = (max(1, round(side / factor)) for side in stop - start)
        grown = np.array([part.shape[1] / width, part.shape[0] / height])
        part = np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        shift = shift + linear @ (grown / 2 - 0.5)
        linear = linear * grown
    full = np.column_stack([linear, shift])
    square = cv2.warpAffine(part, full, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(square, np.uint8)


def align_batch(pairs: Sequence[tuple[Pixels, Face]]) -> Tensor:
    """Canonical crops of several faces as one batch.

    Returns:
        N×3×224×224 float32 RGB in 0..1.
    """
    if not pairs:
        return torch.empty(0, 3, CANONICAL_SIZE, CANONICAL_SIZE)
    crops = np.stack([align(pixels, face) for pixels, face in pairs])
    return torch.from_numpy(crops).permute(0, 3, 1, 2).float().div_(255)
