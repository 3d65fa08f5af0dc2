"""Small drawing on photos for the screen: reduced previews and numbered faces."""

import base64
import colorsys
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from core.types import Face, Mask, Pixels

PREVIEW_SIDE = 900  # longer side in pixels of what is only looked at
RIM = (15, 122, 109)  # sRGB, the page's accent


def preview(pixels: Pixels, side: int = PREVIEW_SIDE) -> Pixels:
    """The picture reduced so that its longer side is at most ``side`` pixels."""
    import cv2

    factor = side / max(pixels.shape[:2])
    if factor >= 1:
        return pixels
    size = max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def inlined(pixels: Pixels, format: Literal["jpeg", "webp"], quality: int) -> str:
    """A picture as a data address: it goes to the visitor without being written to the disk.

    Args:
        pixels: H×W×3 uint8 RGB.
        format: "jpeg" or "webp".
        quality: 1 to 100.
    """
    from core.media import images

    return embedded(images.save(pixels, format, quality), format)


def embedded(data: bytes, format: Literal["jpeg", "webp"]) -> str:
    """A picture's file as a data address."""
    return f"data:image/{format};base64,{base64.b64encode(data).decode()}"


def numbered(pixels: Pixels, faces: Sequence[Face], chosen: int) -> Pixels:
    """A copy with a box around every face: its number, and a thick rim on the chosen one."""
    import cv2

    copy = pixels.copy()
    line = max(2, max(pixels.shape[:2]) // 300)
    for index, face in enumerate(faces):
        x0, y0, x1, y1 = (round(value) for value in face.box)
        cv2.rectangle(copy, (x0, y0), (x1, y1), (255, 255, 255), 3 * line if index == chosen else 2 * line)
        cv2.rectangle(copy, (x0, y0), (x1, y1), RIM, 2 * line if index == chosen else line)
        scale = max((y1 - y0) / 160, 0.7)
        for color, width in (((255, 255, 255), 5 * line), (RIM, 2 * line)):
            place = (x0 + 2 * line, y0 + round(34 * scale))
            cv2.putText(copy, str(index + 1), place, cv2.FONT_HERSHEY_DUPLEX, scale, color, width)
    return copy


def portrait(pixels: Pixels, face: Face, side: int = 320) -> Pixels:
    """The face with some surroundings, as a small square-ish picture."""
    x0, y0, x1, y1 = face.box
    margin = 0.45 * max(x1 - x0, y1 - y0)
    height, width = pixels.shape[:2]
    left, right = max(0, int(x0 - margin)), min(width, int(x1 + margin) + 1)
    top, bottom = max(0, int(y0 - margin)), min(height, int(y1 + margin) + 1)
    return preview(np.ascontiguousarray(pixels[top:bottom, left:right]), side)


def tinted(pixels: Pixels, masks: Mapping[str, Mask]) -> tuple[Pixels, dict[str, str]]:
    """The picture with each region in a colour of its own.

    Returns:
        The tinted picture and each region's colour as ``#rrggbb``, for a legend.
    """
    mixed = pixels.astype(np.float32)
    colors: dict[str, str] = {}
    for index, (name, mask) in enumerate(masks.items()):
        red, green, blue = colorsys.hsv_to_rgb(index / max(len(masks), 1), 0.75, 0.9 - 0.25 * (index % 2))
        color = np.array([red, green, blue], np.float32) * 255
        mixed[mask] = 0.55 * mixed[mask] + 0.45 * color
        colors[name] = "#" + "".join(f"{int(value):02x}" for value in color)
    return mixed.astype(np.uint8), colors
