"""What an upload may have carried or needed, and the sentence that tells the person."""

from collections.abc import Iterable

from core.types import Notice

MESSAGES = {
    "metadata-gps": "The file told where the photo was taken (GPS); this was removed.",
    "metadata-camera": "The file told about the camera, its settings or the time; this was removed.",
    "metadata-thumbnail": "The file held a preview, which may show what was cropped away; it was removed.",
    "metadata-text": "The file held text such as a caption, a comment or an editing history; it was removed.",
    "metadata-provenance": "The file held signed content credentials; they were removed.",
    "metadata-extra": "The file held further data beside its picture; only the picture was kept.",
    "first-frame": "The file is an animation; only its first frame is used.",
    "orientation": "The photo was turned upright, as its camera had noted.",
    "colour-profile": "The colours were converted to sRGB from the profile in the file.",
    "colour-profile-ignored": "The colour profile in the file cannot be used; its colours are taken as sRGB.",
    "colour-cmyk": "The picture is in printing inks (CMYK) without a profile; its colours are approximate.",
    "depth": "The picture has 16 bits per colour; they were reduced to 8.",
    "alpha": "The transparent parts of the picture were laid over white.",
    "reduced": "The picture was made smaller, for speed.",
}


def notices(traits: Iterable[str]) -> tuple[Notice, ...]:
    """The notices for these codes, in the order of :data:`MESSAGES`; an unknown code is a KeyError."""
    wanted = set(traits)
    if unknown := wanted - MESSAGES.keys():
        raise KeyError(*unknown)
    return tuple(Notice(code, message) for code, message in MESSAGES.items() if code in wanted)
