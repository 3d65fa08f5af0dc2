"""Tell by its first bytes what a file is, and what to do when it is not an accepted picture."""

from core.errors import Code, UserError
from core.media import jpeg, png, webp
from core.media.container import Container, damaged

_SAVE_AS = "Open it in a picture viewer, save it as JPEG, PNG or WEBP, and upload that."
_PHONE = "Share or export it as JPEG (on an iPhone: Settings, Camera, Formats, Most Compatible)."
_FRAME = "Take one frame, for instance with a screenshot, and upload it as JPEG or PNG."
_PAGE = "Open the page or document, and save or screenshot the picture itself as JPEG or PNG."
_ARCHIVE = "Unpack it and upload the picture that lies inside."
_OTHER = "Upload a JPEG, PNG or WEBP picture."

# Offset, bytes, what it is called, what to do.
_OTHERS: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"GIF87a", "a GIF picture", _SAVE_AS),
    (0, b"GIF89a", "a GIF picture", _SAVE_AS),
    (0, b"II*\0", "a TIFF or camera raw picture", _SAVE_AS),
    (0, b"MM\0*", "a TIFF or camera raw picture", _SAVE_AS),
    (0, b"II+\0", "a TIFF picture", _SAVE_AS),
    (0, b"MM\0+", "a TIFF picture", _SAVE_AS),
    (0, b"BM", "a BMP picture", _SAVE_AS),
    (0, b"8BPS", "a Photoshop document", _SAVE_AS),
    (0, b"\0\0\1\0", "an icon", _SAVE_AS),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture", _SAVE_AS),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture", _SAVE_AS),
    (0, b"\xff\x0a", "a JPEG XL picture", _SAVE_AS),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture", _SAVE_AS),
    (4, b"ftypavi", "an AVIF picture", _SAVE_AS),
    (4, b"ftyphei", "a HEIC photo", _PHONE),
    (4, b"ftyphev", "a HEIC photo", _PHONE),
    (4, b"ftypmif1", "a HEIC photo", _PHONE),
    (4, b"ftypmsf1", "a HEIC photo", _PHONE),
    (4, b"ftyp", "a video", _FRAME),
    (8, b"AVI ", "a video", _FRAME),
    (0, b"\x1aE\xdf\xa3", "a video", _FRAME),
    (0, b"%PDF", "a PDF document", _PAGE),
    (0, b"%!PS", "a PostScript document", _PAGE),
    (0, b"\xc5\xd0\xd3\xc6", "a PostScript document", _PAGE),
    (0, b"PK\3\4", "a ZIP archive or an office document", _ARCHIVE),
    (0, b"\x1f\x8b", "a compressed archive", _ARCHIVE),
)


def parse(data: bytes) -> Container:
    """Walk a file of an accepted format, recognised by its content and never by its name.

    Raises:
        UserError: the file is empty, of another type (which is named), cut off, or damaged.
    """
    if data.startswith(png.SIGNATURE):
        return png.parse(data)
    if data.startswith(b"\xff\xd8\xff"):
        return jpeg.parse(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return webp.parse(data)
    if data.startswith(b"\x89PNG"):  # what a transfer as text leaves of the signature
        raise damaged("PNG")
    if not data.strip(b"\0"):
        raise UserError(Code.FILE_UNREADABLE, "The file is empty.", "Fetch it once more and try again.")
    name, hint = describe(data)
    raise UserError(Code.FILE_TYPE, f"This is {name}, not a JPEG, PNG or WEBP picture.", hint)


def describe(data: bytes) -> tuple[str, str]:
    """What a file that is not accepted seems to be, and what its owner may do."""
    for offset, magic, name, hint in _OTHERS:
        if data.startswith(magic, offset):
            return name, hint
    start = data[:1024].lower()
    if b"<svg" in start:
        return "an SVG drawing", _SAVE_AS
    if b"<!doctype html" in start or b"<html" in start:
        return "a web page", _PAGE
    try:
        printable = start.decode().isprintable() or not set(start) & {*range(9), *range(14, 32), 127}
    except UnicodeDecodeError:
        printable = False
    return ("a text file", _OTHER) if printable else ("a file of an unknown type", _OTHER)
