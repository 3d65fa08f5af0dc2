"""StressID: 65 people during eleven tasks, with what they said of their stress.

    Videos/2ea4/2ea4_Stroop.mp4         subject and task
    labels.csv                          columns "subject/task", "binary-stress", "affect3-class"

Chaptoukaev et al., "StressID: a Multimodal Dataset for Stress Identification", NeurIPS 2023 (data sets). The
layout rests on the authors' public code and on other code that reads it; the data set itself is handed out on
request and was not at hand here.
"""

import csv
from pathlib import Path
from typing import Final

from core.datasets.affwild2 import VIDEOS
from core.datasets.person_clips import PersonClip, some
from core.errors import Code, UserError

KEY: Final = "subject/task"
BINARY: Final = "binary-stress"
THREE: Final = "affect3-class"


def read(root: Path, column: str = BINARY) -> tuple[PersonClip, ...]:
    """Clips in the order of subject and task; recordings without a label or without a video are left out.

    Args:
        root: the folder that holds ``labels.csv`` and ``Videos``.
        column: of the labels.

    Raises:
        UserError: ``LABELS_INVALID``: no labels, no such column, a label that is no class, or no clip.
    """
    found = [
        PersonClip(name.split("_")[0], name, label, (video,))
        for name, label in sorted(labels(root / "labels.csv", column).items())
        if (video := _video(root / "Videos" / name.split("_")[0], name)) is not None
    ]
    return some(found, root, "labels.csv and Videos/subject/subject_task.mp4")


def labels(file: Path, column: str) -> dict[str, int]:
    """Recording -> class; empty cells are left out. Errors as in :func:`read`."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            if not {KEY, column} <= set(reader.fieldnames or ()):
                raise UserError(
                    Code.LABELS_INVALID,
                    f"{file.name} has no column {column}.",
                    f"Give the file as it was published, with the columns {KEY} and {column}.",
                )
            cells = {row[KEY]: (row[column] or "").strip() for row in reader}
        return {name: _whole(text) for name, text in cells.items() if text and text.lower() != "nan"}
    except FileNotFoundError:
        raise UserError(
            Code.LABELS_INVALID, f"There is no {file.name}.", "Put it beside the folder of videos."
        ) from None
    except (UnicodeDecodeError, ValueError):
        raise UserError(
            Code.LABELS_INVALID, f"{file.name} holds something else than classes.", "Give it as published."
        ) from None


def _whole(text: str) -> int:
    value = float(text)
    if value != int(value) or value < 0:
        raise ValueError("a class is a whole number from 0")
    return int(value)


def _video(folder: Path, name: str) -> Path | None:
    return next((path for suffix in VIDEOS if (path := folder / f"{name}{suffix}").is_file()), None)
