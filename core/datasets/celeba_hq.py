"""CelebA-HQ (Karras et al., arXiv 1710.10196) as CelebAMask-HQ hands it out, with the identities of CelebA.

    CelebA-HQ-img/0.jpg
    CelebA-HQ-identity.txt              "0.jpg 7423" a line; or instead of it the two files
    CelebA-HQ-to-CelebA-mapping.txt     a heading, then "0 119613 119614.jpg" a line
    identity_CelebA.txt                 "119614.jpg 7423" a line

CelebA hands its identities out on request; the data were not at hand here, and the layout rests on its
published description and on public code that reads it.
"""

from pathlib import Path
from typing import Final

from core.datasets.folders import SUFFIXES, Photo
from core.errors import Code, UserError

IMAGES: Final = "CelebA-HQ-img"
IDENTITIES: Final = "CelebA-HQ-identity.txt"
MAPPING: Final = "CelebA-HQ-to-CelebA-mapping.txt"
ORIGINAL: Final = "identity_CelebA.txt"


def read(root: Path, least: int = 2) -> tuple[Photo, ...]:
    """Labelled photos in the order of their numbers.

    Args:
        root: the folder that holds the files above.
        least: people with fewer photos are left out; one photo of a person can be looked for by nobody.

    Returns:
        Photos named ``CelebA-HQ-img/0.jpg`` whose identity is CelebA's number.

    Raises:
        UserError: ``LABELS_INVALID``: the files that say who is who are missing or broken, or nobody has so
            many photos.
    """
    who = identities(root)
    folder = root / IMAGES
    files = [file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES] if folder.is_dir() else []
    known = sorted((file for file in files if file.stem in who), key=lambda file: int(file.stem))
    photos = [Photo(who[file.stem], f"{IMAGES}/{file.name}", file) for file in known]
    counts: dict[str, int] = {}
    for photo in photos:
        counts[photo.identity] = counts.get(photo.identity, 0) + 1
    kept = tuple(photo for photo in photos if counts[photo.identity] >= least)
    if not kept:
        raise UserError(
            Code.LABELS_INVALID,
            f"Nobody in {root.name} has {least} photos.",
            f"It holds the photos in {IMAGES}, named by number.",
        )
    return kept


def identities(root: Path) -> dict[str, str]:
    """Number of a photo of CelebA-HQ -> number of the person; errors as of :func:`read`."""
    if (root / IDENTITIES).is_file():
        return {_number(name): person for name, person in _lines(root / IDENTITIES, 2)}
    of_original = dict(_lines(root / ORIGINAL, 2))
    mapping = _lines(root / MAPPING, 3, skip=1)
    return {number: of_original[name] for number, _, name in mapping if name in of_original}


def _number(name: str) -> str:
    return name.partition(".")[0]


def _lines(path: Path, fields: int, skip: int = 0) -> list[list[str]]:
    """Fields of the lines that are not empty."""
    if not path.is_file():
        raise UserError(
            Code.LABELS_INVALID,
            f"{path.parent.name} does not say who is who.",
            f"Put {IDENTITIES} there, or {MAPPING} and {ORIGINAL}.",
        )
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines()[skip:] if line.strip()]
    if any(len(row) != fields or not _number(row[0]).isdigit() for row in rows):
        raise UserError(
            Code.LABELS_INVALID,
            f"A line of {path.name} is not as published.",
            f"Each has {fields} fields and begins with the number of a photo.",
        )
    return rows
