"""BioVid Heat Pain, part A: faces of 87 people under heat of four levels and none.

    video/081617_m_27/081617_m_27-BL1-081.mp4       subject, then stimulus (BL1, PA1 to PA4) and number

The layout rests on public code that reads the data set (its index ``starting_point/samples.csv`` repeats what
the names say); the data set itself is handed out on request and was not at hand here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from core.datasets.person_clips import PersonClip, folders, inside, some

BINARY: Final = {"BL1": 0, "PA4": 1}
"""No pain against the strongest, as commonly reported; the levels between are left out."""
LEVELS: Final = {"BL1": 0, "PA1": 1, "PA2": 2, "PA3": 3, "PA4": 4}


def read(root: Path, labels: Mapping[str, int] = BINARY) -> tuple[PersonClip, ...]:
    """Clips in the order of subject and name.

    Args:
        root: the folder that holds ``video``, or that folder. A clip may also be a folder of its pictures.
        labels: stimulus -> class; clips of another stimulus are left out.

    Raises:
        UserError: ``LABELS_INVALID``: no such clip.
    """
    below = root / "video"
    found = []
    for person in folders(below if below.is_dir() else root):
        for name, files in inside(person):
            label = labels.get(stimulus(name))
            if label is not None:
                found.append(PersonClip(person.name, name, label, files))
    return some(found, root, "video/subject/subject-stimulus-number.mp4")


def stimulus(name: str) -> str:
    """``081617_m_27-PA4-081`` -> ``PA4``; empty where the name has no such part."""
    parts = name.split("-")
    return parts[-2] if len(parts) >= 3 else ""
