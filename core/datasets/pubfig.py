"""PubFig: faces of 200 public figures (Kumar et al., "Attribute and Simile Classifiers", ICCV 2009).

    dev_people.txt, eval_people.txt     a name a line; lines that begin with # are comments
    dev_urls.txt, eval_urls.txt         person, number, address, face as x0,y0,x1,y1, MD5; by tabs (MD5 since
                                        version 1.2)
    Abhishek Bachan/1.jpg               what was fetched: a folder a person, the picture's number last

Only addresses were ever handed out, so every copy holds other pictures; how the pictures are named is up to
whoever fetched them. The data were not at hand here, and the layout rests on the published description.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from core.datasets.folders import Photo, people
from core.errors import Code, UserError

Part = Literal["dev", "eval"]
FIELDS: Final = 4
NUMBER: Final = re.compile(r"(\d+)$")


@dataclass(frozen=True, slots=True)
class Figure:
    """One photo and where the person's face is in it.

    Attributes:
        photo: named ``person/file``, the person as in the lists.
        face: x0, y0, x1, y1 in pixels, or None where no list says so; other people may be there too.
    """

    photo: Photo
    face: tuple[int, int, int, int] | None


def read(root: Path, part: Part | None = None) -> tuple[Figure, ...]:
    """Photos in the order of person and file name.

    Args:
        root: the folder that holds the people's folders and, as far as there are, the lists.
        part: ``dev`` for the 60 people to develop with, ``eval`` for the other 140, None for everybody.

    Raises:
        UserError: ``LABELS_INVALID``: no photo, no list of the part's people, or a line that is not as
            published.
    """
    wanted = None if part is None else names(root / f"{part}_people.txt")
    faces: dict[tuple[str, int], tuple[int, int, int, int]] = {}
    for name in ("dev", "eval") if part is None else (part,):
        if (root / f"{name}_urls.txt").is_file():
            faces |= rectangles(root / f"{name}_urls.txt")
    found = []
    for photo in people(root) if root.is_dir() else ():
        person = _plain(photo.identity)
        if wanted is None or person in wanted:
            number = NUMBER.search(Path(photo.name).stem)
            face = faces.get((person, int(number[1]))) if number else None
            found.append(Figure(Photo(person, photo.name, photo.encoded), face))
    if not found:
        raise UserError(
            Code.LABELS_INVALID,
            f"There is no photo of these people in {root.name}.",
            "Its layout is person/photo.",
        )
    return tuple(found)


def names(path: Path) -> frozenset[str]:
    """The people of a list; errors as of :func:`read`."""
    if not path.is_file():
        raise UserError(
            Code.LABELS_INVALID,
            f"{path.parent.name} does not say who belongs to that part.",
            f"Put {path.name} there, with a name a line.",
        )
    return frozenset(_plain(line) for line in _content(path))


def rectangles(path: Path) -> dict[tuple[str, int], tuple[int, int, int, int]]:
    """Person and number of a photo -> the face; errors as of :func:`read`."""
    found = {}
    for line in _content(path):
        fields = line.split("\t")
        corners = fields[3].split(",") if len(fields) >= FIELDS else []
        if len(corners) != 4 or not all(part.strip().lstrip("-").isdigit() for part in [fields[1], *corners]):
            raise UserError(
                Code.LABELS_INVALID,
                f"A line of {path.name} is not as published.",
                "Its fields are person, number, address and face, separated by tabs.",
            )
        x0, y0, x1, y1 = (int(part) for part in corners)
        found[_plain(fields[0]), int(fields[1])] = (x0, y0, x1, y1)
    return found


def _content(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.rstrip() for line in lines if line.strip() and not line.startswith("#")]


def _plain(name: str) -> str:
    return name.replace("_", " ").strip()
