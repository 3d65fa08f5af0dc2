"""A patch on the photo itself, in the photo's own resolution, and marks on small pictures."""

from typing import TYPE_CHECKING

import numpy as np

from core.types import FloatArray, Pixels

if TYPE_CHECKING:
    from torch import Tensor

    from core.patches.slots import Slot

FINE = 2  # pixels of the patch's raster for one of the picture that encoders see
VIEW = 0.9  # of the face's larger side, on every side of it


def layers(patch: "Tensor", slot: "Slot", opacity: float) -> tuple[FloatArray, FloatArray]:
    """Colours and cover of a patch in its place, finer than encoders see it.

    Returns:
        2H×2W×3 in 0..255 and 2H×2W in 0..1.
    """
    from torch.nn.functional import grid_sample, interpolate

    def finer(values: "Tensor") -> "Tensor":
        return interpolate(values, scale_factor=FINE, mode="bilinear", align_corners=False)

    grid = finer(slot.grid.permute(2, 0, 1)[None]).permute(0, 2, 3, 1)
    colours = grid_sample(patch[None], grid, padding_mode="border", align_corners=False)[0]
    cover = grid_sample(slot.stencil[None, None], grid, align_corners=False)[0, 0]
    cover = (cover * finer(slot.allowed[None, None])[0, 0] * opacity).clamp(0, 1)
    return colours.permute(1, 2, 0).numpy() * 255, cover.numpy()


def on_photo(photo: Pixels, matrix: FloatArray, patch: "Tensor", slot: "Slot", opacity: float) -> Pixels:
    """The whole photo with the patch.

    Args:
        photo: H×W×3 uint8 RGB.
        matrix: 2×3, pixels of the photo -> pixels of the picture that encoders see.
        patch: 3×h×w in 0..1.
        slot: the place.
        opacity: 0..1.
    """
    import cv2

    colours, cover = layers(patch, slot, opacity)
    finer = FINE * np.asarray(matrix, np.float64)
    finer[:, 2] += (FINE - 1) / 2  # centres of pixels lie at whole numbers on both rasters
    size, flags = photo.shape[1::-1], cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    share = cv2.warpAffine(cover, finer, size, flags=flags)[..., None]
    paint = cv2.warpAffine(colours, finer, size, flags=flags)
    mixed = photo + share * (paint - photo)
    return np.asarray(np.rint(mixed).clip(0, 255), np.uint8)


def around(photo: Pixels, box: tuple[float, float, float, float], share: float = VIEW) -> Pixels:
    """The part of a photo around a face, with so much of its side on every side."""
    x0, y0, x1, y1 = box
    margin = share * max(x1 - x0, y1 - y0)
    height, width = photo.shape[:2]
    left, right = max(0, int(x0 - margin)), min(width, int(x1 + margin) + 1)
    top, bottom = max(0, int(y0 - margin)), min(height, int(y1 + margin) + 1)
    return np.ascontiguousarray(photo[top:bottom, left:right])


def enlarged(picture: Pixels, factor: int) -> Pixels:
    """For the screen."""
    import cv2

    height, width = picture.shape[:2]
    size = (width * factor, height * factor)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def upright(photo: Pixels, height: int, width: int) -> tuple[Pixels, FloatArray]:
    """A picture of one person cut about its middle to the encoders' shape, and the way there.

    Returns:
        height×width×3 and 2×3, pixels of the photo -> pixels of the result.
    """
    import cv2

    rows, columns = photo.shape[:2]
    scale = max(height / rows, width / columns)
    matrix = np.array([[scale, 0, 0], [0, scale, 0]], np.float64)
    shift = (np.array([width, height]) - scale * np.array([columns, rows])) / 2
    matrix[:, 2] = shift + (scale - 1) / 2  # centres of pixels at whole numbers
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    size = (max(width, round(columns * scale)), max(height, round(rows * scale)))
    grown = cv2.resize(photo, size, interpolation=method)
    top, left = (size[1] - height) // 2, (size[0] - width) // 2
    return np.ascontiguousarray(grown[top : top + height, left : left + width]), matrix
