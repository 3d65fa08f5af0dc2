"""Walk the RIFF chunks of a WEBP file (RFC 9649) and rebuild it from those of its first picture."""

import struct
from collections.abc import Iterator

from core.media.container import MAX_PARTS, Container, damaged, interrupted

_ALPHA, _ANIMATION = 0x10, 0x02


def parse(data: bytes) -> Container:
    """Separate the first picture of a WEBP file from everything else in it.

    Args:
        data: the whole file, beginning with ``RIFF....WEBP``.

    Raises:
        UserError: the file ends early, or its chunks are not those of a WEBP picture.
    """
    (length,) = struct.unpack_from("<I", data, 4)
    if length + 8 > len(data):
        raise interrupted("WEBP")
    first: dict[bytes, bytes] = {}
    traits: set[str] = set()
    frames = 0
    for kind, body in _chunks(memoryview(data)[12 : length + 8]):
        frames += kind == b"ANMF"
        if kind not in first:
            first[kind] = bytes(body)
    if frames > 1:
        traits.add("first-frame")
    if b"XMP " in first:
        traits.add("metadata-text")
        if b"GPSLatitude" in first[b"XMP "]:
            traits.add("metadata-gps")
    if b"C2PA" in first:
        traits.add("metadata-provenance")
    if data[length + 8 :].strip(b"\0\r\n "):
        traits.add("metadata-extra")
    width, height, stream = _picture(first)
    exif = first.get(b"EXIF", b"").removeprefix(b"Exif\0\0")
    return Container("WEBP", width, height, stream, exif, first.get(b"ICCP", b""), frozenset(traits))


def _chunks(view: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    start = 0
    for _ in range(MAX_PARTS):
        if start + 8 > len(view):
            return
        kind, length = struct.unpack_from("<4sI", view, start)
        if start + 8 + length > len(view):
            raise interrupted("WEBP")
        yield kind, view[start + 8 : start + 8 + length]
        start += 8 + length + (length & 1)
    raise damaged("WEBP")


def _picture(first: dict[bytes, bytes]) -> tuple[int, int, bytes]:
    """Width, height and the rebuilt file."""
    extended = first.get(b"VP8X")
    if extended is None:
        kind = b"VP8L" if b"VP8L" in first else b"VP8 "
        width, height = _bitstream_size(kind, first.get(kind, b""))
        return width, height, _file((kind, first[kind]))
    if len(extended) < 10:
        raise damaged("WEBP")
    width = 1 + int.from_bytes(extended[4:7], "little")
    height = 1 + int.from_bytes(extended[7:10], "little")
    head = (b"VP8X", bytes([extended[0] & (_ALPHA | _ANIMATION), 0, 0, 0]) + extended[4:10])
    if extended[0] & _ANIMATION:
        if b"ANMF" not in first or b"ANIM" not in first:
            raise damaged("WEBP")
        return width, height, _file(head, (b"ANIM", first[b"ANIM"]), (b"ANMF", first[b"ANMF"]))
    kind = b"VP8L" if b"VP8L" in first else b"VP8 "
    if _bitstream_size(kind, first.get(kind, b"")) != (width, height):
        raise damaged("WEBP")
    alpha = [(b"ALPH", first[b"ALPH"])] if kind == b"VP8 " and b"ALPH" in first else []
    return width, height, _file(head, *alpha, (kind, first[kind]))


def _bitstream_size(kind: bytes, body: bytes) -> tuple[int, int]:
    """Width and height by the header of the coded picture itself."""
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a" and len(body) >= 10:
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L" and body[:1] == b"\x2f" and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    raise damaged("WEBP")


def _file(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(
        struct.pack("<4sI", kind, len(content)) + content + b"\0" * (len(content) & 1)
        for kind, content in chunks
    )
    return struct.pack("<4sI4s", b"RIFF", len(body) + 4, b"WEBP") + body
