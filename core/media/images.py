"""The door for pictures: ``load`` takes a file in, ``save`` gives one out; no metadata passes either way."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Literal, cast

import numpy as np
import PIL.Image
import PIL.PngImagePlugin

from core.errors import Code, UserError
from core.media import exif, formats
from core.media.container import Container
from core.media.decode import decode
from core.media.traits import notices
from core.settings import settings
from core.types import Image, Notice, Pixels

# A second fence, for code that opens pictures without this door.
PIL.Image.MAX_IMAGE_PIXELS = settings().max_pixels

SaveFormat = Literal["png", "jpeg", "webp"]
_LONGEST_SIDE = {"png": 2**31 - 1, "jpeg": 65500, "webp": 16383}


def load(source: bytes | str | Path) -> Image:
    """Read one upright sRGB picture from a JPEG, PNG or WEBP file.

    Bytes and the header's width x height are checked against ``core.settings`` before anything is decoded.
    The longer side is reduced to ``max_side``. Everything in the file but its (first) picture is dropped;
    what that was, and every change made to the picture, is told in ``notices``.

    Args:
        source: the file's bytes, or where it lies.

    Raises:
        UserError: the file cannot be found or read, is of another type, too large, cut off or damaged.
    """
    limits = settings()
    container = formats.parse(_bytes(source, limits.max_upload_bytes))
    described = exif.read(container.exif)
    pixels, changes = decode(container, described.orientation, limits.max_pixels, limits.max_side)
    told = notices(container.traits | described.traits | changes)
    return Image(pixels, tuple(_with_sizes(told, container, pixels)))


def save(pixels: Pixels, format: SaveFormat = "png", quality: int = 92, comment: str | None = None) -> bytes:
    """Write a clean file: sRGB, no metadata; these are the very bytes that the person will get.

    Args:
        pixels: H×W×3 uint8 RGB.
        format: ``png`` and lossless, or ``jpeg`` or ``webp`` at ``quality``.
        quality: 1 to 100, of the two lossy formats; from 90 on JPEG keeps the full colour resolution.
        comment: one sentence to write into the file, for instance that the face is synthetic; WEBP has no
            place for it.

    Raises:
        UserError: the format is unknown, the quality out of range, or the picture too large for the format.
        ValueError: the pixels are not H×W×3 uint8, or a comment is given for WEBP.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise ValueError("save() takes H×W×3 uint8 RGB pixels")
    if format not in _LONGEST_SIDE:
        known = ", ".join(_LONGEST_SIDE)
        raise UserError(
            Code.OPTION_RANGE, f"Pictures cannot be saved as {format!r}.", f"Choose one of: {known}."
        )
    if not 1 <= quality <= 100:
        raise UserError(Code.OPTION_RANGE, f"The quality {quality} is out of range.", "Choose 1 to 100.")
    longest = _LONGEST_SIDE[format]
    if max(pixels.shape) > longest:
        message = f"A {format.upper()} file holds at most {longest} pixels a side."
        raise UserError(Code.IMAGE_TOO_LARGE, message, "Save it as PNG.")
    if format == "webp" and comment is not None:
        raise ValueError("WEBP has no field for a comment")
    image = PIL.Image.fromarray(np.ascontiguousarray(pixels))
    out = BytesIO()
    if format == "png":
        extra = PIL.PngImagePlugin.PngInfo()
        extra.add(b"sRGB", b"\0")
        if comment is not None:
            extra.add_text("Comment", comment)
        image.save(out, "PNG", pnginfo=extra, compress_level=6)
    elif format == "jpeg":
        chroma = "4:4:4" if quality >= 90 else "4:2:0"
        options = {"quality": quality, "subsampling": chroma, "comment": comment or b""}
        try:
            image.save(out, "JPEG", optimize=True, **options)
        except OSError:  # Pillow's buffer for that is too small for noise: more than a byte a pixel
            out = BytesIO()
            image.save(out, "JPEG", **options)
    else:
        image.save(out, "WEBP", quality=quality, method=4)
    return out.getvalue()


def _bytes(source: bytes | str | Path, limit: int) -> bytes:
    """The file's content, at most ``limit`` bytes."""
    if isinstance(source, bytes):
        data = source[: limit + 1]
    else:
        try:
            path = Path(source)
            if not path.is_file():
                raise FileNotFoundError
            with path.open("rb") as file:
                data = file.read(limit + 1)
        except (OSError, ValueError):
            raise UserError(
                Code.FILE_UNREADABLE, "The file is gone or cannot be opened.", "Upload it once more."
            ) from None
    if len(data) > limit:
        raise UserError(
            Code.FILE_TOO_LARGE,
            f"The file is larger than {limit / 1e6:.0f} MB.",
            "Save the picture smaller, for instance as JPEG, and upload that.",
        )
    return data


def _with_sizes(told: Iterable[Notice], container: Container, pixels: Pixels) -> Iterator[Notice]:
    for notice in told:
        if notice.code != "reduced":
            yield notice
            continue
        height, width = cast(tuple[int, int], pixels.shape[:2])
        yield replace(
            notice,
            message=f"The picture of {container.width} x {container.height} pixels was reduced; "
            f"{width} x {height} are used.",
        )
