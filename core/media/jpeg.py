"""Walk the markers of a JPEG file (ITU-T T.81, annex B) and rebuild it from those that carry the picture."""

import re
import struct
from dataclasses import dataclass, field

from core.media.container import MAX_PARTS, Container, damaged, interrupted

#: A progressive file has about ten scans; each one makes the decoder pass over all pixels (our choice).
MAX_SCANS = 64

# Any marker but the stuffed zero, fill bytes and restarts, which belong to the entropy-coded data.
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_SOI, _EOI, _SOS, _DNL, _COM = 0xD8, 0xD9, 0xDA, 0xDC, 0xFE
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_TABLES = frozenset({0xC4, 0xCC, 0xDB, 0xDD})
XMP = b"http://ns.adobe.com/xap/1.0/\0"
_JFIF = b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"


@dataclass(slots=True)
class _Found:
    parts: list[bytes] = field(default_factory=lambda: [b"\xff\xd8"])
    size: tuple[int, int] | None = None
    scans: int = 0
    exif: bytes = b""
    xmp: bytes = b""
    profile: dict[int, bytes] = field(default_factory=dict)
    profile_parts: int = 0
    traits: set[str] = field(default_factory=set)


def parse(data: bytes) -> Container:
    """Separate the picture of a JPEG file from everything else in it.

    Args:
        data: the whole file, beginning with the marker SOI.

    Raises:
        UserError: the file ends before its EOI marker, has no or two frame headers, or too many scans.
    """
    found = _Found()
    offset, in_scan = 2, False
    for _ in range(MAX_PARTS):
        match = _MARKER.search(data, offset)
        if match is None:
            raise interrupted("JPEG")
        if in_scan:
            found.parts.append(data[offset : match.start()])
        marker, offset, in_scan = data[match.end() - 1], match.end(), False
        if marker == _EOI:
            return _container(found, data[offset:])
        if marker in (0x01, _SOI):
            continue
        if offset + 2 > len(data):
            raise interrupted("JPEG")
        (length,) = struct.unpack_from(">H", data, offset)
        payload = data[offset + 2 : offset + length]
        offset += length
        if length < 2:
            raise damaged("JPEG")
        if offset > len(data):
            raise interrupted("JPEG")
        in_scan = marker == _SOS
        _take(found, marker, payload)
    raise damaged("JPEG")


def _take(found: _Found, marker: int, payload: bytes) -> None:
    """Keep what the decoder needs, note what the file carried, drop the rest."""
    if marker in _FRAMES:
        if found.size is not None or len(payload) < 6:
            raise damaged("JPEG")
        height, width = struct.unpack(">HH", payload[1:5])
        found.size = (width, height)
        found.parts.append(_segment(marker, payload))
    elif marker in _TABLES or marker in (_SOS, _DNL):
        found.scans += marker == _SOS
        if found.scans > MAX_SCANS:
            raise damaged("JPEG")
        found.parts.append(_segment(marker, payload))
    elif 0xE0 <= marker <= 0xEF:
        _application(found, marker - 0xE0, payload)
    elif marker == _COM:
        found.traits.add("metadata-text")


def _application(found: _Found, number: int, payload: bytes) -> None:
    if number == 0 and payload.startswith(b"JFIF\0"):
        found.parts.append(_segment(0xE0, _JFIF))  # says that the colours are YCbCr
        if len(payload) > 14 and payload[12] and payload[13]:
            found.traits.add("metadata-thumbnail")
    elif number == 14 and payload.startswith(b"Adobe") and len(payload) >= 12:
        found.parts.append(_segment(0xEE, payload[:12]))  # says whether they are RGB, YCbCr, CMYK or YCCK
    elif number == 0 and payload.startswith(b"JFXX\0"):
        found.traits.add("metadata-thumbnail")
    elif number == 1 and payload.startswith(b"Exif\0"):
        found.exif = found.exif or payload[6:]
    elif number == 1 and payload.startswith(b"http://ns.adobe.com/x"):
        found.traits.add("metadata-text")
        if payload.startswith(XMP):
            found.xmp = found.xmp or payload[len(XMP) :]
        if b"GPSLatitude" in payload:
            found.traits.add("metadata-gps")
    elif number == 2 and payload.startswith(b"ICC_PROFILE\0") and len(payload) > 14:
        found.profile.setdefault(payload[12], payload[14:])
        found.profile_parts = payload[13]
    elif number == 11:
        found.traits.add("metadata-provenance")
    elif number == 13:
        found.traits.add("metadata-text")
    else:
        found.traits.add("metadata-extra")


def _container(found: _Found, rest: bytes) -> Container:
    if found.size is None or not found.scans:
        raise damaged("JPEG")
    if rest.strip(b"\0\xff\r\n "):
        found.traits.add("metadata-extra")
    order = list(range(1, found.profile_parts + 1))
    complete = bool(order) and sorted(found.profile) == order
    if found.profile and not complete:
        found.traits.add("colour-profile-ignored")
    return Container(
        "JPEG",
        *found.size,
        b"".join([*found.parts, b"\xff\xd9"]),
        exif=found.exif,
        icc=b"".join(found.profile[index] for index in order) if complete else b"",
        traits=frozenset(found.traits),
        xmp=found.xmp,
    )


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload
