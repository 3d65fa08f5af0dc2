"""What an attack may be aimed at, and what leaves: rules that hold on the screen and in the API alike.

Nobody is to be made to pass for a person who did not agree. So targets of impersonation are the synthetic
people who come with Facet, by their files' SHA-256 (nobody's faces), or a second photo for which the visitor
has said that its person consents. Pictures leave labelled as adversarial. A patch for impersonation never
leaves alone, and nothing of it in a size to print.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, get_args

import cv2
import numpy as np
from torch import Tensor
from torch.nn import functional

from core.errors import Code, UserError
from core.media import images, labels
from core.media.labels import PROGRAM, Label
from core.patches.generator import MODES, Mode
from core.settings import ROOT
from core.types import Pixels

TargetKind = Literal["synthetic", "photo"]
SaveFormat = Literal["png", "jpeg"]

FACES: Final = ROOT / "demos" / "examples" / "faces"
PICTURES: Final = Path(__file__).with_name("synthetic_people.json")  # file name -> SHA-256
SCREEN: Final = 256  # pixels a side: an icon on a screen, 2 cm on paper at 300 dots an inch
SOURCE: Final = "compositeSynthetic"  # IPTC: a composite of which at least one part is synthetic
PURPOSE: Final = {
    "evasion": "so that recognisers do not know who is in the picture",
    "impersonation": "so that recognisers take who is in the picture for somebody else",
}
_METHOD = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ()_-]{0,59}")


def allow(target_kind: TargetKind | None, consent: bool, mode: Mode) -> None:
    """Whether an attack may be aimed at such a target: it returns, or says why not.

    Args:
        target_kind: "synthetic" for one of :func:`people`, whose picture :func:`portrait` gives; "photo" for
            a second photo; None without a target.
        consent: that the person in the second photo agrees. Only True itself is consent.
        mode: evasion has no target and is always allowed.

    Raises:
        UserError: ``CONSENT_MISSING``: a photo without consent; ``OPTION_RANGE``: no such mode, no or no such
            target in impersonation.
    """
    if _known(mode) == "evasion":
        return
    if target_kind not in get_args(TargetKind):
        raise UserError(
            Code.OPTION_RANGE,
            "Impersonation needs a target.",
            "Choose a synthetic person, or give a second photo and say that its person agrees.",
        )
    if target_kind == "photo" and consent is not True:
        raise UserError(
            Code.CONSENT_MISSING,
            "A photo can be the target only if the person in it agrees.",
            "Tick that this person consents, or choose a synthetic person.",
        )


def people() -> tuple[str, ...]:
    """Names of the synthetic people who come with Facet."""
    return tuple(dict.fromkeys(name.split("_")[0] for name in _digests()))


def views(person: str) -> tuple[str, ...]:
    """Names of a synthetic person's pictures; none for an unknown person."""
    files = (Path(name).stem.split("_") for name in _digests())
    return tuple(view for owner, view in files if owner == person)


def portrait(person: str, view: str = "frontal") -> Pixels:
    """A synthetic person's picture, H×W×3 uint8 RGB, if it is the one that was drawn for Facet.

    Raises:
        UserError: ``OPTION_RANGE``: no such person or view; ``FILE_UNREADABLE``: the file is gone or another.
    """
    if view not in views(person):
        raise UserError(
            Code.OPTION_RANGE,
            "There is no such picture of a synthetic person.",
            f"Choose one of: {', '.join(people())}.",
        )
    path = FACES / f"{person}_{view}.jpg"
    data = path.read_bytes() if path.is_file() else b""
    if recognised(data) != person:
        raise UserError(
            Code.FILE_UNREADABLE,
            "This synthetic person's picture is gone or was changed.",
            "Install Facet's example pictures again.",
        )
    return images.load(data).pixels


def recognised(data: bytes) -> str | None:
    """The synthetic person whose very picture file this is, None for any other file."""
    digest = hashlib.sha256(data).hexdigest()
    return next((name.split("_")[0] for name, known in _digests().items() if known == digest), None)


def digests(folder: Path = FACES) -> dict[str, str]:
    """What :data:`PICTURES` holds: SHA-256 of every picture of a person in a folder, by file name.

    After the examples were drawn again:
    ``PICTURES.write_text(json.dumps(digests(), indent=1) + chr(10))``.
    """
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob("person-*_*.jpg"))
    }


@dataclass(frozen=True, slots=True)
class Export:
    """What may leave.

    Attributes:
        patch: the patch alone may, at :data:`SCREEN` pixels a side at most.
        side: longest side of the whole attacked picture, pixels; None for any.
    """

    patch: bool
    side: int | None


def exportable(mode: Mode) -> Export:
    """What of an attack may leave: in impersonation the whole picture at screen size and nothing else.

    Raises:
        UserError: ``OPTION_RANGE``: no such mode.
    """
    return Export(True, None) if _known(mode) == "evasion" else Export(False, SCREEN)


def export_picture(
    pixels: Pixels, mode: Mode, method: str, format: SaveFormat = "png", quality: int = 92
) -> bytes:
    """The whole attacked picture as it may leave: labelled, no larger than :func:`exportable` says."""
    side, longest = exportable(mode).side, max(pixels.shape[:2])
    if side is not None and longest > side:
        height, width = (max(round(length * side / longest), 1) for length in pixels.shape[:2])
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return watermark(pixels, mode, method, format, quality)


def export_patch(patch: Tensor, mode: Mode, method: str) -> bytes:
    """A patch alone as a labelled PNG; small ones are enlarged by repeating pixels, up to screen size.

    Args:
        patch: 3×h×w in 0..1.
        mode: what it was made for.
        method: a maker's name.

    Raises:
        UserError: ``OPTION_RANGE``: in impersonation no patch leaves alone.
    """
    if not exportable(mode).patch:
        raise UserError(
            Code.OPTION_RANGE,
            "A patch that makes one person pass for another is not given out alone.",
            "Take the whole picture along instead.",
        )
    longest = max(patch.shape[1:])
    if longest > SCREEN:
        size = [max(round(length * SCREEN / longest), 1) for length in patch.shape[1:]]
        sized = functional.interpolate(patch[None], size, mode="bilinear", antialias=True)[0]
    else:
        times = SCREEN // longest
        sized = patch.repeat_interleave(times, 1).repeat_interleave(times, 2)
    pixels = sized.clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).cpu().numpy()
    return watermark(pixels, mode, method)


def watermark(
    pixels: Pixels, mode: Mode, method: str, format: SaveFormat = "png", quality: int = 92
) -> bytes:
    """A picture as a file that says of itself what it is; for exports use the two functions above.

    The label is in the file's metadata (``core.media.labels``), where viewers show it, and is lost where
    metadata are removed. There is no date in it, no resolution, and nothing of the file that was uploaded.

    Args:
        pixels: H×W×3 uint8 RGB.
        mode: what the patch is for.
        method: a maker's name: letters, digits, blanks, hyphens, underscores and parentheses, at most 60.
        format: "png" or "jpeg".
        quality: of JPEG, 1 to 100.

    Raises:
        UserError: ``OPTION_RANGE``: no such mode, method or format; ``IMAGE_TOO_LARGE``.
    """
    if _METHOD.fullmatch(method) is None:
        raise UserError(Code.OPTION_RANGE, "The method has no such name.", "Use letters, digits and blanks.")
    if format not in get_args(SaveFormat):
        raise UserError(
            Code.OPTION_RANGE, f"Attacked pictures cannot be saved as {format!r}.", "Choose png or jpeg."
        )
    purpose = PURPOSE[_known(mode)]
    sentence = f"Adversarial picture made by {PROGRAM}: a patch ({method}) was put in {purpose}."
    label = Label(sentence, SOURCE, {"adversarial": "yes", "mode": mode, "method": method})
    return labels.put(images.save(pixels, format, quality), label)


def marked(data: bytes) -> dict[str, str] | None:
    """What :func:`watermark` wrote into a file, None for a file without it.

    Args:
        data: a picture file from anywhere.

    Returns:
        "made by", "mode", "method", "description" and "source type" (IPTC's term).

    Raises:
        UserError: it is no picture file, or its structure is damaged.
    """
    label = labels.get(data)
    if label is None or label.facts.get("adversarial") != "yes":
        return None
    told = {name: label.facts.get(name, "") for name in ("mode", "method")}
    return {"made by": PROGRAM, **told, "description": label.description, "source type": label.source}


def _known(mode: Mode) -> Mode:
    if mode not in MODES:
        raise UserError(Code.OPTION_RANGE, f"There is no mode {mode!r}.", f"Choose {' or '.join(MODES)}.")
    return mode


@lru_cache(maxsize=1)
def _digests() -> dict[str, str]:
    known: dict[str, str] = json.loads(PICTURES.read_text(encoding="utf-8"))
    return known
