"""How a decoded frame becomes upright RGB pixels: square pixels, size, colours, and the turn asked for."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import numpy as np
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter

from core.types import Pixels

_UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED
_HD_HEIGHT = 720  # from here on, and without a word in the file, colours are BT.709


@dataclass(frozen=True, slots=True)
class Turn:
    """The display matrix's part that matters.

    Attributes:
        clockwise: 0, 90, 180 or 270 degrees.
        mirrored: columns are reversed before the turn.
    """

    clockwise: int = 0
    mirrored: bool = False


def turn_of(frame: VideoFrame) -> Turn:
    """What the file asks for, to the nearest quarter turn."""
    for data in cast(Iterable[SideData], frame.side_data):
        if data.type.name == "DISPLAYMATRIX":
            a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].astype(float)
            mirrored = a * d - b * c < 0
            # A mirrored matrix is that of a turn with its first row negated.
            angle = np.degrees(np.arctan2(-b if mirrored else b, -a if mirrored else a))
            return Turn(round(float(angle) / 90) % 4 * 90, mirrored)
    return Turn()


def size_of(width: int, height: int, aspect: Fraction | None, max_side: int | None) -> tuple[int, int]:
    """Columns and rows before the turn, with square pixels and no side longer than ``max_side``."""
    wide, high = float(width), float(height)
    if aspect and Fraction(1, 4) <= aspect <= 4:
        wide *= float(aspect)
    scale = min(1.0, max_side / max(wide, high)) if max_side else 1.0
    return max(round(wide * scale), 1), max(round(high * scale), 1)


class Uprighter:
    """Turns decoded frames into pixels; it keeps the scaler between them.

    The first frame settles size and turn; frames of another size later in the clip are fitted to it.

    Args:
        aspect: width of a stored pixel over its height, None when unknown (square).
        max_side: longest side of the result in pixels, None to keep the size.
    """

    def __init__(self, aspect: Fraction | None, max_side: int | None = None) -> None:
        self._aspect = aspect
        self._max_side = max_side
        self._scaler = VideoReformatter()
        self._settled: tuple[int, int, Turn] | None = None

    def __call__(self, frame: VideoFrame) -> Pixels:
        """H×W×3 uint8 RGB, contiguous."""
        if self._settled is None:
            size = size_of(frame.width, frame.height, self._aspect, self._max_side)
            self._settled = (*size, turn_of(frame))
        width, height, turn = self._settled
        hd = frame.colorspace == _UNSPECIFIED and frame.height >= _HD_HEIGHT
        rgb = self._scaler.reformat(
            frame,
            width=width,
            height=height,
            format="rgb24",
            src_colorspace=Colorspace.ITU709 if hd else None,
            interpolation="AREA" if width < frame.width else "BILINEAR",
        )
        pixels = np.asarray(rgb.to_ndarray(), np.uint8)
        if turn.mirrored:
            pixels = pixels[:, ::-1]
        if turn.clockwise:
            pixels = np.rot90(pixels, -turn.clockwise // 90)
        return np.ascontiguousarray(pixels)
