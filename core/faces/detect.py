"""Face boxes and five points by YuNet (Wu, Peng, Yu: "YuNet: A Tiny Millisecond-level Face Detector", 2023).

YuNet sees faces from about 10 to 400 px of the picture it is given, so the search runs at the size where
a portrait fits and goes to other sizes only when that one leaves doubts.
"""

import threading
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from core import weights
from core.types import Face, FloatArray, Pixels

SCORE = 0.6  # the lowest confidence that counts as a face
OVERLAP = 0.3  # boxes that share more (intersection over union) are one face
PORTRAIT_SIDE = 512  # longer side, pixels, at which every photo is searched first
CROWD_SIDE = 1280  # longer side for a second look at a large photo that shows only small faces
CROWD_FACE = 32  # a found face smaller than this at PORTRAIT_SIDE suggests that others were missed
RETRY_SIDES = (256, 1024, 2048)  # where nothing was found: a face filling the picture, then tiny ones
SMALL_SIDE = 320  # a picture smaller than this is enlarged to it when nothing was found

_local = threading.local()


def detect(pixels: Pixels, *, thorough: bool = True) -> tuple[Face, ...]:
    """Find the faces of one photo, largest first.

    Args:
        pixels: H×W×3 uint8 RGB of any size.
        thorough: look again at other sizes where the first look leaves doubts.

    Returns:
        Faces with box, score and YuNet's five points, in pixels of ``pixels``; empty when there are none.
        The points lag behind a head that leans by more than about 10 degrees (measured on 34 LFW photos
        turned by 20 degrees: they show 14); :func:`core.faces.find` replaces them by landmarks.
    """
    rows = _at_side(pixels, min(PORTRAIT_SIDE, max(pixels.shape[:2])))
    if thorough:
        rows = _second_look(pixels, rows)
    return tuple(sorted((_face(row) for row in rows), key=area, reverse=True))


def detect_inside(pixels: Pixels, window: tuple[int, int, int, int], side: int) -> tuple[Face, ...]:
    """Find the faces in a part of a picture, several times cheaper than in the whole.

    Args:
        pixels: H×W×3 uint8 RGB.
        window: ``(x0, y0, x1, y1)``, whole pixels; parts outside the picture are left out.
        side: the part is resized so that its longer side measures so many pixels.

    Returns:
        As :func:`detect`, in pixels of ``pixels``. YuNet's boxes depend on the size at which it sees a face
        and on its place: boxes of one face at 100 and at 250 px overlap by an IoU of .90 to .94.
    """
    x0, y0 = max(window[0], 0), max(window[1], 0)
    part = pixels[y0 : max(window[3], 0), x0 : max(window[2], 0)]
    if 0 in part.shape:
        return ()
    rows = _at_side(part, side)
    rows[:, 0:2] += (x0, y0)
    rows[:, 4:14] += np.tile(np.array([x0, y0], np.float32), 5)
    return tuple(sorted((_face(row) for row in rows), key=area, reverse=True))


def _second_look(pixels: Pixels, rows: FloatArray) -> FloatArray:
    longer = max(pixels.shape[:2])
    if not len(rows):
        return next((found for side in _other_sides(longer) if len(found := _at_side(pixels, side))), rows)
    smallest = float(rows[:, 2:4].max(1).min())
    if longer > PORTRAIT_SIDE and smallest * PORTRAIT_SIDE / longer < CROWD_FACE:
        return _merge(np.concatenate([rows, _at_side(pixels, min(CROWD_SIDE, longer))]))
    return rows


def _other_sides(longer: int) -> Iterator[int]:
    for side in RETRY_SIDES:
        if longer > side:
            yield side
    if RETRY_SIDES[0] < longer < RETRY_SIDES[-1]:
        yield longer
    if longer < SMALL_SIDE:
        yield SMALL_SIDE


def _at_side(pixels: Pixels, side: int) -> FloatArray:
    """N×15 rows of YuNet (x, y, w, h, five points, score) in photo pixels, searched at a longer side."""
    height, width = pixels.shape[:2]
    ratio = side / max(height, width)
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    if size != (width, height):
        way = cv2.INTER_AREA if ratio < 1 else cv2.INTER_CUBIC
        resized = cv2.resize(pixels, size, interpolation=way)
    else:
        resized = pixels
    detector = _detector()
    detector.setInputSize(size)
    found: Any = detector.detect(cv2.cvtColor(resized, cv2.COLOR_RGB2BGR))[1]
    if found is None:
        return np.zeros((0, 15), np.float32)
    rows = np.array(found, np.float32)
    stretch = np.array([width / size[0], height / size[1]], np.float32)
    rows[:, :4] *= np.tile(stretch, 2)
    rows[:, 4:14] = (rows[:, 4:14] + 0.5) * np.tile(stretch, 5) - 0.5
    return rows


def _merge(rows: FloatArray) -> FloatArray:
    kept = cv2.dnn.NMSBoxes(rows[:, :4].tolist(), rows[:, 14].tolist(), SCORE, OVERLAP)
    best: FloatArray = rows[np.asarray(kept, int).reshape(-1)]
    return best


def _face(row: FloatArray) -> Face:
    x, y, width, height = (float(value) for value in row[:4])
    return Face(
        box=(x, y, x + width, y + height),
        score=float(np.clip(row[14], 0, 1)),
        five=row[4:14].reshape(5, 2).copy(),
    )


def area(face: Face) -> float:
    """Area of a face's box, square pixels."""
    x0, y0, x1, y1 = face.box
    return (x1 - x0) * (y1 - y0)


def _detector() -> "cv2.FaceDetectorYN":
    """This thread's own detector: the OpenCV object keeps its input size and is not thread-safe."""
    if not hasattr(_local, "detector"):
        model = str(weights.resolve("yunet"))
        level = cv2.utils.logging.setLogLevel(2)  # OpenCV 5.0 warns about a target choice that is not ours
        _local.detector = cv2.FaceDetectorYN.create(model, "", (320, 320), SCORE, OVERLAP, 5000)
        cv2.utils.logging.setLogLevel(level)
    detector: cv2.FaceDetectorYN = _local.detector
    return detector
