"""Pictures of whole people with identity and camera: what the readers of re-identification sets give."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.datasets.folders import SUFFIXES, Photo
from core.errors import Code, UserError

JUNK: Final = -1
"""Identity of pictures that are neither right nor wrong answers: bad detections of people in the set."""
DISTRACTOR: Final = 0
"""Identity of gallery pictures that are wrong answers for every query."""
NAME: Final = re.compile(r"(-1|\d{4})_c(\d+)")


@dataclass(frozen=True, slots=True)
class Sighting:
    """One person in one picture of one camera.

    Attributes:
        identity: who; ``DISTRACTOR`` for nobody who is looked for.
        camera: which.
        photo: the picture, decoded only when asked for.
    """

    identity: int
    camera: int
    photo: Photo


@dataclass(frozen=True, slots=True)
class Split:
    """A re-identification set.

    Attributes:
        training: of people who are in no other part.
        query: who is looked for.
        gallery: where; without the junk.
    """

    training: tuple[Sighting, ...]
    query: tuple[Sighting, ...]
    gallery: tuple[Sighting, ...]


def read(root: Path) -> Split:
    """The three folders that Market-1501 and DukeMTMC-reID share, in the order of file names.

    Pictures of junk are dropped wherever they lie, as the protocol drops them from every ranking;
    distractors stay in the gallery and are dropped from the training.

    Args:
        root: the folder that holds ``bounding_box_train``, ``query`` and ``bounding_box_test``.

    Raises:
        UserError: ``LABELS_INVALID``: a folder is missing, it has no picture, or a name says neither who
            nor which camera.
    """
    training, query, gallery = (
        [seen for seen in _folder(root / name) if seen.identity != JUNK]
        for name in ("bounding_box_train", "query", "bounding_box_test")
    )
    known = tuple(seen for seen in training if seen.identity != DISTRACTOR)
    return Split(some(known, root), some(query, root), some(gallery, root))


def some(found: Iterable[Sighting], root: Path) -> tuple[Sighting, ...]:
    """The sightings; a UserError where there are none."""
    sightings = tuple(found)
    if not sightings:
        raise UserError(
            Code.LABELS_INVALID,
            f"{root.name} lacks labelled pictures of people.",
            "It holds the folders bounding_box_train, query and bounding_box_test.",
        )
    return sightings


def _folder(folder: Path) -> list[Sighting]:
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return [
        _sighting(file)
        for file in files
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file()
    ]


def _sighting(file: Path) -> Sighting:
    found = NAME.match(file.name)
    if found is None:
        raise UserError(
            Code.LABELS_INVALID,
            f"The name {file.name} says neither who is in the picture nor which camera took it.",
            "Names are like 0002_c1s1_000451_03.jpg or 0002_c1_f0044158.jpg.",
        )
    identity = int(found[1])
    name = f"{file.parent.name}/{file.name}"
    return Sighting(identity, int(found[2]), Photo(str(identity), name, file))
