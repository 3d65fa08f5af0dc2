"""Turn the head in a photo about its vertical axis: the face's own mesh, seen from another side."""

import cv2
import numpy as np

from core.faces import topology
from core.types import Face, Pixels


def turned(pixels: Pixels, face: Face, degrees: float) -> Pixels:
    """The face's triangles turned in depth and drawn from the far to the near one, on a plain ground.

    Args:
        pixels: the photo, with a face that looks about straight ahead.
        face: that face, with landmarks and depth.
        degrees: positive turns the nose to the picture's right.
    """
    assert face.landmarks is not None and face.depth is not None
    flat = face.landmarks.astype(np.float64)
    depth = face.depth.astype(np.float64)
    middle, behind = flat.mean(0), depth.max()  # the axis goes through the head, behind the face
    angle = np.radians(degrees)
    across, away = flat[:, 0] - middle[0], depth - behind
    place = np.column_stack([middle[0] + across * np.cos(angle) - away * np.sin(angle), flat[:, 1]])
    place[:, 0] += middle[0] - (place[:, 0].min() + place[:, 0].max()) / 2
    near = across * np.sin(angle) + away * np.cos(angle)
    canvas = cv2.GaussianBlur(pixels, (0, 0), 0.2 * max(pixels.shape[:2]))
    triangles = topology.TRIANGLES
    for corners in triangles[np.argsort(-near[triangles].mean(1))]:
        _draw(canvas, pixels, flat[corners], place[corners])
    return canvas


def _draw(canvas: Pixels, pixels: Pixels, source: np.ndarray, target: np.ndarray) -> None:
    (a, b, c) = target
    if (b - a)[0] * (c - a)[1] - (b - a)[1] * (c - a)[0] <= 0.5:
        return  # turned away
    low = np.floor(target.min(0)).astype(int) - 1
    high = np.ceil(target.max(0)).astype(int) + 2
    low, high = np.maximum(low, 0), np.minimum(high, canvas.shape[1::-1])
    if (high <= low).any():
        return
    matrix = cv2.getAffineTransform(source.astype(np.float32), (target - low).astype(np.float32))
    size = tuple(int(v) for v in high - low)
    piece = cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    mask = np.zeros(size[::-1], np.uint8)
    cv2.fillConvexPoly(mask, np.rint((target - low) * 16).astype(np.int32), 1, cv2.LINE_8, 4)
    window = canvas[low[1] : high[1], low[0] : high[0]]
    window[mask > 0] = piece[mask > 0]
