"""What the walkers of PNG, JPEG and WEBP files hand on: one picture, separated from all it carried along.

The decoder is given only ``Container.stream``, a file rebuilt from the parts that make up the first picture.
Text, profiles, previews and further frames never reach it, so a bomb hidden in them has nothing to explode
in, and what the walker measured is what the decoder will see.
"""

from dataclasses import dataclass
from typing import Literal

from core.errors import Code, UserError

Format = Literal["JPEG", "PNG", "WEBP"]

#: A file of more parts than this is an attack on whoever walks it, not a photo (our choice).
MAX_PARTS = 100_000
#: Longer XMP packets are not read; a JPEG segment holds no more.
MAX_XMP = 65_535


@dataclass(frozen=True, slots=True)
class Container:
    """One picture as found in a file, not yet decoded.

    Attributes:
        format: Pillow's name of the format.
        width: columns by the header, before any rotation.
        height: rows by the header, before any rotation.
        stream: a complete file of the same format that holds the first picture and nothing else.
        exif: the TIFF block that the file carried, or nothing.
        icc: the colour profile that the file carried, or nothing.
        xmp: the XMP packet of a PNG or JPEG file, or nothing; only ``core.media.labels`` looks at it.
        traits: codes of :data:`core.media.traits.MESSAGES` that apply to the file.
    """

    format: Format
    width: int
    height: int
    stream: bytes
    exif: bytes = b""
    icc: bytes = b""
    traits: frozenset[str] = frozenset()
    xmp: bytes = b""


def interrupted(name: Format) -> UserError:
    """The error for a file that ends too early."""
    return UserError(
        Code.FILE_UNREADABLE,
        f"The {name} file ends before its picture is complete: its download or upload was interrupted.",
        "Fetch or copy the file once more and try again.",
    )


def damaged(name: Format) -> UserError:
    """The error for a file of the right format that cannot be decoded."""
    return UserError(
        Code.FILE_UNREADABLE,
        f"The {name} file is damaged or of a rare variant, and cannot be read.",
        "Open it in a picture viewer, save it again as JPEG or PNG, and upload that.",
    )
