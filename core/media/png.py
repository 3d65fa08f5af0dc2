"""Walk the chunks of a PNG file (ISO/IEC 15948) and rebuild it from the critical ones."""

import struct
import zlib
from collections.abc import Iterator

from core.media.container import MAX_PARTS, MAX_XMP, Container, damaged, interrupted

SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: Largest colour profile that is unpacked, in bytes; print profiles take 0.5 to 3 MB (our choice).
MAX_ICC = 4 << 20
XMP = b"XML:com.adobe.xmp\0"

_TRAITS = {
    b"tEXt": "metadata-text",
    b"zTXt": "metadata-text",
    b"iTXt": "metadata-text",
    b"tIME": "metadata-camera",
    b"caBX": "metadata-provenance",
    b"acTL": "first-frame",
}


def parse(data: bytes) -> Container:
    """Separate the picture of a PNG file from everything else in it.

    Args:
        data: the whole file, beginning with :data:`SIGNATURE`.

    Raises:
        UserError: the file ends early, a needed checksum is wrong, or its structure is not a PNG's.
    """
    single: dict[bytes, bytes] = {}
    image_data: list[memoryview] = []
    traits: set[str] = set()
    for kind, body, checksum, rest in _chunks(data):
        if kind in _TRAITS:
            traits.add(_TRAITS[kind])
            if kind == b"iTXt" and b"GPSLatitude" in bytes(body):
                traits.add("metadata-gps")
            if kind == b"iTXt" and bytes(body[: len(XMP)]) == XMP and len(body) <= MAX_XMP:
                single.setdefault(b"xmp", bytes(body[len(XMP) :]))
        elif kind == b"IDAT":
            _verify(kind, body, checksum)
            image_data.append(body)
        elif kind in (b"IHDR", b"PLTE", b"tRNS"):
            _verify(kind, body, checksum)
            single.setdefault(kind, bytes(body))
        elif kind in (b"eXIf", b"iCCP"):
            single.setdefault(kind, bytes(body))
        elif kind == b"IEND" and bytes(rest).strip(b"\0\r\n "):
            traits.add("metadata-extra")
    header = single.get(b"IHDR", b"")
    if len(header) != 13 or not image_data:
        raise damaged("PNG")
    width, height, depth, colour = struct.unpack(">IIBB", header[:10])
    if depth == 16:
        traits.add("depth")
    if b"iCCP" in single and not (icc := _profile(single[b"iCCP"])):
        traits.add("colour-profile-ignored")
    return Container(
        "PNG",
        width,
        height,
        _rebuild(single, image_data, depth, colour),
        exif=single.get(b"eXIf", b""),
        icc=icc if b"iCCP" in single else b"",
        traits=frozenset(traits),
        xmp=single.get(b"xmp", b""),
    )


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, int, memoryview]]:
    """Yield kind, body and checksum of every chunk up to and with IEND, and what follows it."""
    view, start = memoryview(data), len(SIGNATURE)
    for _ in range(MAX_PARTS):
        if start + 12 > len(data):
            raise interrupted("PNG")
        length, kind = struct.unpack_from(">I4s", data, start)
        end = start + 12 + length
        if not kind.isalpha() or (start == len(SIGNATURE)) != (kind == b"IHDR"):
            raise damaged("PNG")
        if end > len(data):
            raise interrupted("PNG")
        yield kind, view[start + 8 : end - 4], struct.unpack_from(">I", data, end - 4)[0], view[end:]
        if kind == b"IEND":
            return
        start = end
    raise damaged("PNG")


def _verify(kind: bytes, body: memoryview, checksum: int) -> None:
    if zlib.crc32(body, zlib.crc32(kind)) != checksum:
        raise damaged("PNG")


def _rebuild(single: dict[bytes, bytes], image_data: list[memoryview], depth: int, colour: int) -> bytes:
    """One file of IHDR, PLTE, tRNS and a single IDAT: thousands of small IDATs would cost seconds."""
    parts = [SIGNATURE, *_chunk(b"IHDR", single[b"IHDR"])]
    if colour == 3 and b"PLTE" in single:
        parts += _chunk(b"PLTE", single[b"PLTE"])
    if b"tRNS" in single:
        parts += _chunk(b"tRNS", _colour_key(single[b"tRNS"], depth, colour))
    parts += _chunk(b"IDAT", b"".join(image_data))
    parts += _chunk(b"IEND", b"")
    return b"".join(parts)


def _chunk(kind: bytes, body: bytes) -> tuple[bytes, bytes, bytes]:
    return (
        struct.pack(">I4s", len(body), kind),
        body,
        struct.pack(">I", zlib.crc32(body, zlib.crc32(kind))),
    )


def _colour_key(body: bytes, depth: int, colour: int) -> bytes:
    """Bring the transparent colour to the 8 bits at which Pillow compares it.

    The file states it at its own depth; Pillow spreads 2 and 4 bits over 0..255 and cuts 16-bit RGB to the
    high byte, but leaves the key as it was, so that transparency would be lost or land on other colours.
    """
    if colour == 0 and depth in (2, 4) and len(body) >= 2:
        return struct.pack(">H", struct.unpack(">H", body[:2])[0] * 255 // (2**depth - 1) & 0xFFFF)
    if colour == 2 and depth == 16 and len(body) >= 6:
        return struct.pack(">3H", *(value >> 8 for value in struct.unpack(">3H", body[:6])))
    return body


def _profile(body: bytes) -> bytes:
    """Unpack an iCCP chunk up to :data:`MAX_ICC` bytes; nothing when it is broken or larger."""
    _, separator, rest = body.partition(b"\0")
    if not separator or rest[:1] != b"\0":
        return b""
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(rest[1:], MAX_ICC)
    except zlib.error:
        return b""
    return profile if unpacker.eof else b""
