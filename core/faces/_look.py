"""Where to look for faces in the next frame of a clip, and whether the scene has changed."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from core.faces.detect import PORTRAIT_SIDE
from core.types import FloatArray, Pixels

GRID = 32  # samples along each side of a frame that are compared with those of the frame before
CUT = 0.35  # share of samples that change at a cut ...
CHANGE = 30  # ... by so many grey levels
VIEW = 12  # side of the small picture of a face
REACH = 1.6  # side of the search window over the longer side of the face
SIZE = 140.0  # px: the face's longer side as the detector sees it in the window
WORTH = 0.6  # share of the whole picture's cost above which that is searched instead
STRAY = 0.15  # sizes by which a face may move or grow before its window is set anew


@dataclass(frozen=True, slots=True)
class Window:
    """A fixed part of the picture around a face.

    It stays where it is while the face moves little, for YuNet's boxes change with the place and the size of
    a face in what it sees: from a window that follows each box they jitter three times as much.

    Attributes:
        corners: ``(x0, y0, x1, y1)``, whole pixels, cut at the picture's border.
        side: pixels to which its longer side is resized.
        middle: of the box it was made for, pixels.
        size: longer side of that box, pixels.
    """

    corners: tuple[int, int, int, int]
    side: int
    middle: tuple[float, float]
    size: float

    @classmethod
    def around(cls, box: FloatArray, shape: tuple[int, ...]) -> "Window":
        """The window for a box in a picture of this shape."""
        size = max(float((box[2:] - box[:2]).max()), 1.0)
        x, y = ((box[:2] + box[2:]) / 2).tolist()
        reach = REACH * size / 2
        x0, y0 = max(round(x - reach), 0), max(round(y - reach), 0)
        x1, y1 = min(round(x + reach), shape[1]), min(round(y + reach), shape[0])
        scale = min(SIZE / size, PORTRAIT_SIDE / max(shape[:2]))
        side = max(round(max(x1 - x0, y1 - y0) * scale), 1)
        return cls((x0, y0, x1, y1), side, (x, y), size)

    def saves(self, shape: tuple[int, ...]) -> bool:
        """Whether a look through it is much cheaper than one at the whole picture of this shape."""
        x0, y0, x1, y1 = self.corners
        own = (self.side / max(x1 - x0, y1 - y0, 1)) ** 2 * (x1 - x0) * (y1 - y0)
        whole = min(PORTRAIT_SIDE / max(shape[:2]), 1.0) ** 2 * shape[0] * shape[1]
        return own < WORTH * whole

    def fits(self, box: FloatArray) -> bool:
        """Whether a box is still near enough to the one that the window was made for."""
        moved = np.abs((box[:2] + box[2:]) / 2 - self.middle).max()
        grown = abs(float((box[2:] - box[:2]).max()) - self.size)
        return max(float(moved), grown) < STRAY * self.size


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
