"""Say in a picture file what its picture is, in fields that other programs show, and read that again.

The label stands in the file twice: as PNG text or Exif (description, software), and as an XMP packet
(ISO 16684-1) with Dublin Core's description, IPTC's digital source type and facts of our own. It holds no
date and nothing about the file that a person gave.
"""

import html
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from core.media import formats, jpeg, png

PROGRAM: Final = "Facet"
SOURCE_TYPES: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"
LONGEST: Final = 2000  # characters of all that a label says

_DESCRIPTION, _SOFTWARE, _ASCII = 0x010E, 0x0131, 2  # Exif 2.32, section 4.6.4
_NAME = re.compile(r"[A-Za-z]+")
_FACT = re.compile(r'\sfacet:([A-Za-z]+)="([^"]*)"')
_SENTENCE = re.compile(r'<rdf:li xml:lang="x-default">([^<]*)</rdf:li>')
_SOURCE = re.compile(rf'\sIptc4xmpExt:DigitalSourceType="{re.escape(SOURCE_TYPES)}([A-Za-z]+)"')


@dataclass(frozen=True, slots=True)
class Label:
    """What a file says of its picture.

    Attributes:
        description: one sentence, ASCII.
        source: a term of IPTC's digital source types, for instance ``compositeSynthetic``.
        facts: further names (letters only) and values, ASCII.

    Raises:
        ValueError: text that is not ASCII or too long, or a name of other signs than letters.
    """

    description: str
    source: str
    facts: Mapping[str, str]

    def __post_init__(self) -> None:
        everything = [self.description, self.source, *self.facts, *self.facts.values()]
        if not all(one.isascii() and one.isprintable() for one in everything):
            raise ValueError("a label is printable ASCII")
        if not all(_NAME.fullmatch(name) for name in (self.source, *self.facts)):
            raise ValueError("names in a label are letters")
        if sum(map(len, everything)) > LONGEST:
            raise ValueError("a label is short")


def put(data: bytes, label: Label) -> bytes:
    """Add a label to a PNG or JPEG file without one, as :func:`core.media.images.save` writes them.

    The picture's own bytes stay as they are; the same arguments give the same bytes.

    Raises:
        ValueError: another kind of file.
    """
    packet = _packet(label)
    if data.startswith(png.SIGNATURE):
        texts = (("Description", label.description), ("Software", PROGRAM))
        parts = [_chunk(b"tEXt", f"{name}\0{text}".encode("latin-1")) for name, text in texts]
        parts.append(_chunk(b"iTXt", png.XMP + b"\0" * 4 + packet))  # not compressed, no language
        head = len(png.SIGNATURE) + 25  # after IHDR
    elif data.startswith(b"\xff\xd8\xff\xe0"):
        parts = [_segment(b"Exif\0\0" + _exif(label.description)), _segment(jpeg.XMP + packet)]
        head = 4 + struct.unpack_from(">H", data, 4)[0]  # after the JFIF segment
    else:
        raise ValueError("labels go into PNG and JPEG files")
    return b"".join([data[:head], *parts, data[head:]])


def get(data: bytes) -> Label | None:
    """The label of a file, None where it has none of ours.

    Args:
        data: a PNG, JPEG or WEBP file from anywhere; only its structure is read, no picture is decoded.

    Raises:
        UserError: it is no picture file, or its structure is damaged.
    """
    packet = formats.parse(data).xmp.decode("utf-8", "replace")
    facts = {name: html.unescape(value) for name, value in _FACT.findall(packet)}
    sentence, source = _SENTENCE.search(packet), _SOURCE.search(packet)
    if not facts or sentence is None or source is None:
        return None
    try:
        return Label(html.unescape(sentence[1]), source[1], facts)
    except ValueError:
        return None  # somebody else's


def _packet(label: Label) -> bytes:
    facts = "".join(
        f' facet:{name}="{escape(value, {chr(34): "&quot;"})}"' for name, value in label.facts.items()
    )
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:facet="urn:x-facet:label"'
        f' xmp:CreatorTool="{PROGRAM}" Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPES}{label.source}"{facts}>'
        f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{escape(label.description)}</rdf:li>'
        '</rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()


def _exif(description: str) -> bytes:
    """A TIFF block of one directory with description and software (TIFF 6.0, section 2)."""
    texts = [text.encode() + b"\0" for text in (description, PROGRAM)]
    entries, after, start = b"", b"", 8 + 2 + 12 * len(texts) + 4
    for tag, text in zip((_DESCRIPTION, _SOFTWARE), texts, strict=True):
        near = len(text) <= 4  # then it stands in the entry itself
        place = text.ljust(4, b"\0") if near else struct.pack(">I", start + len(after))
        entries += struct.pack(">HHI", tag, _ASCII, len(text)) + place
        after += b"" if near else text
    return struct.pack(">2sHIH", b"MM", 42, 8, len(texts)) + entries + b"\0" * 4 + after


def _chunk(kind: bytes, body: bytes) -> bytes:
    check = zlib.crc32(body, zlib.crc32(kind))
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", check)


def _segment(payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, 0xE1, len(payload) + 2) + payload
