"""Read from a TIFF block which kinds of Exif data it names, and the orientation; nothing else.

Pillow's reader copies every value before one can ask for a tag, and many tags may point to the same
megabytes. This one looks only at the directories' tag numbers (TIFF 6.0 section 2, Exif 2.32 section 4.6).
"""

import struct
from dataclasses import dataclass

_ORIENTATION, _EXIF, _GPS = 0x0112, 0x8769, 0x8825
# Description, artist, copyright, user comment, and the titles that Windows writes.
_TEXT = frozenset({0x010E, 0x013B, 0x8298, 0x9286, *range(0x9C9B, 0x9CA0)})
# What a program writes about the pixels rather than the person: sizes, resolution, colour space, layout.
_HARMLESS = frozenset(
    {0x0100, 0x0101, 0x0102, 0x0103, 0x0106, 0x0115, 0x011A, 0x011B, 0x011C, 0x0128, 0x0213}
)
_HARMLESS_EXIF = frozenset({0x9000, 0x9101, 0xA000, 0xA001, 0xA002, 0xA003})


@dataclass(frozen=True, slots=True)
class Exif:
    """What a block of Exif data tells.

    Attributes:
        orientation: 1 to 8 as in the tag of that name; 1 (upright) when it is absent or invalid.
        traits: codes of :data:`core.media.traits.MESSAGES`.
    """

    orientation: int
    traits: frozenset[str]


def read(block: bytes) -> Exif:
    """Read a TIFF block; one that makes no sense counts as camera data without an orientation."""
    if not block:
        return Exif(1, frozenset())
    try:
        return _read(block)
    except struct.error:
        return Exif(1, frozenset({"metadata-camera"}))


def _read(block: bytes) -> Exif:
    order = ">" if block[:2] == b"MM" else "<"
    (first,) = struct.unpack_from(order + "I", block, 4)
    tags, following = _directory(block, order, first)
    traits = set()
    if _GPS in tags:
        traits.add("metadata-gps")
    if following:
        traits.add("metadata-thumbnail")
    details: set[int] = set()
    if _EXIF in tags:
        (start,) = struct.unpack(order + "I", tags[_EXIF])
        details = set(_directory(block, order, start)[0]) - _HARMLESS_EXIF
    rest = (set(tags) - _HARMLESS - {_ORIENTATION, _EXIF, _GPS}) | details
    if rest & _TEXT:
        traits.add("metadata-text")
    if rest - _TEXT:
        traits.add("metadata-camera")
    (orientation,) = struct.unpack_from(order + "H", tags.get(_ORIENTATION, b"\0\0"))
    return Exif(orientation if 1 <= orientation <= 8 else 1, frozenset(traits))


def _directory(block: bytes, order: str, start: int) -> tuple[dict[int, bytes], int]:
    """Tags of one directory with their four value bytes, and the offset of the next directory."""
    (count,) = struct.unpack_from(order + "H", block, start)
    tags: dict[int, bytes] = {}
    for index in range(count):
        tag, value = struct.unpack_from(order + "H6x4s", block, start + 2 + 12 * index)
        tags.setdefault(tag, value)
    try:
        (following,) = struct.unpack_from(order + "I", block, start + 2 + 12 * count)
    except struct.error:  # some writers leave the last pointer out
        following = 0
    return tags, following
