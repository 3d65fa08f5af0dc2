"""Files made by hand, so that no test needs a stored picture."""

import struct
import zlib
from io import BytesIO

import numpy as np
import PIL.Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><exif:GPSLatitude>52,31.2N</exif:GPSLatitude></x:xmpmeta>'


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))


def ihdr(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def png(rows: list[bytes], width: int, depth: int, colour: int, *extra: bytes) -> bytes:
    """A PNG of unfiltered rows, with further chunks before its pixels."""
    packed = zlib.compress(b"".join(b"\0" + row for row in rows))
    head = SIGNATURE + ihdr(width, len(rows), depth, colour)
    return head + b"".join(extra) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def with_chunks(data: bytes, *extra: bytes) -> bytes:
    """A PNG with further chunks behind its IHDR."""
    return data[:33] + b"".join(extra) + data[33:]


def segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def with_segments(data: bytes, *extra: bytes) -> bytes:
    """A JPEG with further segments behind its SOI."""
    return data[:2] + b"".join(extra) + data[2:]


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(struct.pack("<4sI", k, len(b)) + b + b"\0" * (len(b) % 2) for k, b in chunks)
    return struct.pack("<4sI4s", b"RIFF", len(body) + 4, b"WEBP") + body


def riff_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, start = [], 12
    while start < len(data):
        kind, length = struct.unpack_from("<4sI", data, start)
        found.append((kind, data[start + 8 : start + 8 + length]))
        start += 8 + length + length % 2
    return found


def exif(orientation: int = 1, gps: bool = False, order: str = "<", preview: bool = False) -> bytes:
    """A TIFF block with orientation, camera maker, artist and, if asked, GPS and a preview."""
    tags = [(0x010F, 2, 4, b"Cam\0"), (0x0112, 3, 1, struct.pack(order + "HH", orientation, 0))]
    tags.append((0x013B, 2, 4, b"Ann\0"))
    if gps:
        after = 8 + 2 + 12 * 4 + 4
        tags.append((0x8825, 4, 1, struct.pack(order + "I", after)))
    block = struct.pack(order + "H", len(tags))
    block += b"".join(
        struct.pack(order + "HHI", tag, kind, count) + value for tag, kind, count, value in tags
    )
    block += struct.pack(order + "I", 8 if preview else 0)
    if gps:
        block += struct.pack(order + "HHHI4sI", 1, 1, 2, 2, b"N\0\0\0", 0)
    return (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8) + block


def photo(height: int = 48, width: int = 64) -> np.ndarray:
    """A smooth picture whose four corners differ: dark, red, green, blue."""
    y, x = np.mgrid[0:height, 0:width] / max(height - 1, width - 1, 1)
    return np.stack([220 * x, 200 * y, 240 * x * y], axis=2).astype(np.uint8)


def encoded(pixels: np.ndarray, format: str, **options: object) -> bytes:
    out = BytesIO()
    PIL.Image.fromarray(pixels).save(out, format, **options)
    return out.getvalue()


def loaded_with(format: str, *, orientation: int = 1) -> bytes:
    """A file of the format that carries GPS, camera, comment, XMP and an unrelated trailer."""
    block = exif(orientation, gps=True)
    if format == "PNG":
        text = chunk(b"tEXt", b"Comment\0private words")
        data = encoded(photo(), "PNG")
        return (
            with_chunks(data, chunk(b"eXIf", block), text, chunk(b"iTXt", b"XML\0\0\0\0\0" + XMP)) + b"tail"
        )
    if format == "JPEG":
        data = encoded(photo(), "JPEG", quality=95, subsampling=0)
        xmp = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)
        words = segment(0xFE, b"private words")
        return with_segments(data, segment(0xE1, b"Exif\0\0" + block), xmp, words) + b"tail"
    return encoded(photo(), "WEBP", quality=95, exif=block, xmp=XMP)
