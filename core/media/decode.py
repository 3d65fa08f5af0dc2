"""From a walked file to pixels: decode, make upright, small, 8-bit sRGB and opaque."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import numpy as np
import PIL.Image

from core.errors import Code, UserError
from core.media import color
from core.media.container import Container, Format, damaged, interrupted
from core.types import Pixels

# All that Pillow's three readers were seen to raise on damaged files.
_BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
    PIL.Image.DecompressionBombError,
)

_TURN = {
    2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
    3: PIL.Image.Transpose.ROTATE_180,
    4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
    5: PIL.Image.Transpose.TRANSPOSE,
    6: PIL.Image.Transpose.ROTATE_270,
    7: PIL.Image.Transpose.TRANSVERSE,
    8: PIL.Image.Transpose.ROTATE_90,
}


def decode(container: Container, orientation: int, max_pixels: int, max_side: int) -> tuple[Pixels, set[str]]:
    """Decode the picture, within about 9 bytes a pixel for PNG, 4 for JPEG and 17 for WEBP.

    Args:
        container: the picture, still coded.
        orientation: 1 to 8, the Exif orientation to undo.
        max_pixels: largest width x height that is decoded at all.
        max_side: longer side of the result, in pixels; a smaller picture is not enlarged.

    Returns:
        H×W×3 uint8 sRGB, and the codes of :data:`core.media.traits.MESSAGES` for what had to be changed.

    Raises:
        UserError: the picture is too large or cannot be decoded.
    """
    _check_size(container, max_pixels)
    with _decoding(container.format):
        image, changes = _convert(container, max_side)
        if orientation != 1:
            image = image.transpose(_TURN[orientation])
            changes.add("orientation")
        return np.array(image), changes


def _check_size(container: Container, limit: int) -> None:
    width, height = container.width, container.height
    if not width or not height:
        raise damaged(container.format)
    if width * height > limit:
        raise UserError(
            Code.IMAGE_TOO_LARGE,
            f"The picture has {width} x {height} pixels, more than the {limit / 1e6:.0f} million allowed.",
            "Make it smaller in a picture editor and upload that.",
        )


@contextmanager
def _decoding(name: Format) -> Iterator[None]:
    """Turn whatever Pillow raises on a bad stream into one sentence."""
    try:
        yield
    except MemoryError:
        raise UserError(
            Code.IMAGE_TOO_LARGE,
            "There is not enough memory to open the picture now.",
            "Make the picture smaller, or try again in a minute.",
        ) from None
    except _BROKEN as problem:
        raise (interrupted if "truncated" in str(problem) else damaged)(name) from None


def _convert(container: Container, max_side: int) -> tuple[PIL.Image.Image, set[str]]:
    """Decode, reduce, convert to sRGB and lay over white; the traits say which of these changed anything."""
    changes: set[str] = set()
    image: PIL.Image.Image = PIL.Image.open(BytesIO(container.stream), formats=[container.format])
    size = (container.width, container.height)
    if image.size != size:
        raise damaged(container.format)
    scale = min(1.0, max_side / max(size))
    target = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
    image.draft(image.mode, target)  # a JPEG is decoded at the nearest 1/2, 1/4 or 1/8 that is large enough
    image.load()
    image = color.eight_bit(image)
    if size != target:
        image = image.resize(target, PIL.Image.Resampling.LANCZOS, reducing_gap=3.0)
        changes.add("reduced")
    image, alpha = color.split_alpha(image)
    image, change = color.to_srgb(image, container.icc)
    changes.update(change)
    if alpha is not None:
        changes.add("alpha")
        image = PIL.Image.composite(image, PIL.Image.new("RGB", image.size, "white"), alpha)
    return image, changes
