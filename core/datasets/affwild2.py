"""AffWild2 as the ABAW challenges hand it out: annotations, cropped pictures and videos.

    EXPR_Recognition_Challenge/Train_Set/video5_left.txt    and Validation_Set, VA_Estimation_Challenge ...
    cropped_aligned/video5_left/00001.jpg                   frames without a face have no picture
    batch1/video5.mp4                                       two people in one video: _left and _right

Kollias and Zafeiriou, "Expression, Affect, Action Unit Recognition: Aff-Wild2, Multi-Task Learning and
ArcFace", arXiv 1910.04855.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from core.datasets.frame_labels import Annotation, Task, parse
from core.errors import Code, UserError

Part = Literal["training", "validation"]
FOLDERS: Final = {
    Task.EXPRESSION: "EXPR_Recognition_Challenge",
    Task.DIMENSIONS: "VA_Estimation_Challenge",
    Task.UNITS: "AU_Detection_Challenge",
}
PARTS: Final[dict[Part, str]] = {"training": "Train_Set", "validation": "Validation_Set"}
SIDES: Final = ("left", "right")
VIDEOS: Final = (".mp4", ".avi", ".mov", ".mkv", ".webm")


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """The cropped pictures of one person.

    Attributes:
        frames: N int, increasing: numbers of the frames that have a picture, from 0.
        files: where they are.
    """

    frames: NDArray[np.int64]
    files: tuple[Path, ...]


def read(root: Path, task: Task, part: Part) -> tuple[Annotation, ...]:
    """All annotation files of one challenge and part, in the order of their names.

    Args:
        root: the folder that holds the challenges' folders, or the one above it.
        task: expression, dimensions or units.
        part: training or validation.

    Raises:
        UserError: ``LABELS_INVALID``: no such folder, no file in it, or a file that cannot be used.
    """
    folder = find_folder(root, Path(FOLDERS[task]) / PARTS[part])
    return tuple(load(file, task) for file in _listed(folder, ".txt"))


def lengths(root: Path) -> dict[str, int]:
    """Rows of every annotation of all challenges and parts that are there, by name; the most of several.

    Raises:
        UserError: ``LABELS_INVALID``: there is none, or a file that cannot be used.
    """
    found: dict[str, int] = {}
    for task, challenge in FOLDERS.items():
        for part in PARTS.values():
            for above in (root, *_children(root)):
                for file in sorted((above / challenge / part).glob("[!.]*.txt")):
                    one = load(file, task)
                    found[one.name] = max(found.get(one.name, 0), len(one))
    if not found:
        raise UserError(
            Code.LABELS_INVALID,
            f"There are no annotations in {root.name}.",
            "Unpack them there with the names they were published with.",
        )
    return found


def load(file: Path, task: Task) -> Annotation:
    """Read one annotation file; errors as in :func:`core.datasets.frame_labels.parse`."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(
            Code.LABELS_INVALID,
            f"{file.name} is not a text file.",
            "Give the annotation as it was published.",
        ) from None
    return parse(text, file.name, task)


def base(name: str) -> str:
    """The video in which a person was annotated: ``video5_left`` -> ``video5``."""
    return name if side(name) is None else name.rpartition("_")[0]


def side(name: str) -> str | None:
    """Which of two people it is, by the place in the picture: ``left``, ``right``, or None for a lone one."""
    last = name.rpartition("_")[2]
    return last if last in SIDES and "_" in name else None


def videos(root: Path) -> dict[str, Path]:
    """Video files of ``root`` and the folders just below it, by name without suffix, in order.

    Raises:
        UserError: ``NO_VIDEO``: there is none.
    """
    found: dict[str, Path] = {}
    for folder in (root, *_children(root)):
        for file in sorted(folder.iterdir() if folder.is_dir() else ()):
            if file.suffix.lower() in VIDEOS and not file.name.startswith("."):
                found.setdefault(file.stem, file)
    if not found:
        raise UserError(
            Code.NO_VIDEO, f"The folder {root.name} holds no video.", f"Put files there: {', '.join(VIDEOS)}."
        )
    return dict(sorted(found.items()))


def video(root: Path, name: str) -> Path:
    """The video file of an annotation, searched in ``root`` and the folders just below it.

    Raises:
        UserError: ``NO_VIDEO``.
    """
    for folder in (root, *_children(root)):
        for suffix in VIDEOS:
            if (file := folder / (base(name) + suffix)).is_file():
                return file
    raise UserError(
        Code.NO_VIDEO, f"There is no video for {name}.", f"Put {base(name)}.mp4 below the folder of videos."
    )


def crops(folder: Path, name: str) -> Crops:
    """The pictures ``00001.jpg`` ... of one annotation; a face that was not found leaves a gap.

    Args:
        folder: ``cropped`` or ``cropped_aligned``.
        name: of the annotation, ``_left`` and ``_right`` included.

    Raises:
        UserError: ``NO_VIDEO``: no picture of this name.
    """
    place = folder / name
    found = sorted(
        (int(file.stem) - 1, file)
        for file in (place.iterdir() if place.is_dir() else ())
        if file.suffix.lower() in (".jpg", ".png") and file.stem.isdigit() and int(file.stem) > 0
    )
    if not found:
        raise UserError(
            Code.NO_VIDEO, f"There are no cropped pictures of {name}.", f"Unpack them into a folder {name}."
        )
    return Crops(np.array([number for number, _ in found]), tuple(file for _, file in found))


def find_folder(root: Path, wanted: Path) -> Path:
    """``wanted`` below ``root`` or below a folder in it.

    Raises:
        UserError: ``LABELS_INVALID``.
    """
    for above in (root, *_children(root)):
        if (above / wanted).is_dir():
            return above / wanted
    raise UserError(
        Code.LABELS_INVALID,
        f"There is no folder {wanted.as_posix()} in {root.name}.",
        "Unpack the annotations there with the names they were published with.",
    )


def _children(root: Path) -> list[Path]:
    return sorted(child for child in root.iterdir() if child.is_dir()) if root.is_dir() else []


def _listed(folder: Path, suffix: str) -> list[Path]:
    files = sorted(file for file in folder.glob(f"*{suffix}") if not file.name.startswith("."))
    if not files:
        raise UserError(
            Code.LABELS_INVALID,
            f"The folder {folder.name} holds no {suffix} file.",
            "Unpack the annotations.",
        )
    return files
