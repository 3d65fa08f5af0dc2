"""Where to look for faces in the next frame of a clip, and whether the scene has changed."""

from collections.abc import Sequence

import cv2
import numpy as np

from core.types import FloatArray, Pixels

GRID = 32  # samples along each side of a frame that are compared with those of the frame before
CUT = 0.35  # share of samples that change at a cut ...
CHANGE = 30  # ... by so many grey levels
VIEW = 12  # side of the small picture of a face


class Scene:
    """Tells cuts by a thin grid of samples."""

    def __init__(self) -> None:
        self._before: FloatArray | None = None

    def changed(self, pixels: Pixels) -> bool:
        """Whether this frame begins another scene than the one before; False on the first."""
        rows, columns = (np.linspace(0, n - 1, GRID).astype(int) for n in pixels.shape[:2])
        now = pixels[rows[:, None], columns[None, :]].astype(np.float32).mean(2)
        before, self._before = self._before, now
        if before is None or pixels.size == 0:
            return False
        return bool((np.abs(now - before) > CHANGE).mean() > CUT)


def view(pixels: Pixels, box: FloatArray) -> FloatArray:
    """A small normalised grey picture of a box's inside, as a vector of unit length."""
    height, width = pixels.shape[:2]
    x = np.clip(np.linspace(box[0], box[2], VIEW * 2), 0, width - 1).astype(int)
    y = np.clip(np.linspace(box[1], box[3], VIEW * 2), 0, height - 1).astype(int)
    fine = pixels[y[:, None], x[None, :]].astype(np.float32).mean(2)
    small = np.asarray(cv2.resize(fine, (VIEW, VIEW), interpolation=cv2.INTER_AREA), np.float32).reshape(-1)
    small -= small.mean()
    result: FloatArray = small / max(float(np.linalg.norm(small)), 1e-6)
    return result


def close_together(boxes: Sequence[FloatArray]) -> bool:
    """Whether any two faces touch, so that their places alone may not tell them apart."""
    for index, one in enumerate(boxes):
        for other in boxes[index + 1 :]:
            wide = min(one[2] - one[0], other[2] - other[0]) * 0.2
            if (
                min(one[2], other[2]) - max(one[0], other[0]) > -wide
                and min(one[3], other[3]) - max(one[1], other[1]) > -wide
            ):
                return True
    return False
