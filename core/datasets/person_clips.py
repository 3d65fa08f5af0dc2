"""Clips of people with one class each: what the readers of BioVid, StressID, BAH and of folders give.

The folder layout is one folder a person, in it one a class, and in that a video or a folder of pictures:

    ann/happy/first.mp4
    ann/happy/second/00001.jpg
    ann/sad/third.mov

It is also that of the test subjects in the code of TTA-CaP (arXiv 2603.21309), with people called 1, 2, ...
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.datasets.affwild2 import VIDEOS
from core.datasets.folders import SUFFIXES
from core.errors import Code, UserError


@dataclass(frozen=True, slots=True)
class PersonClip:
    """One labelled clip, not opened yet.

    Attributes:
        subject: whom it shows.
        name: identifies the clip among those of the subject.
        label: index into the classes asked for.
        files: one video, or the pictures of the clip in order.
    """

    subject: str
    name: str
    label: int
    files: tuple[Path, ...]

    @property
    def video(self) -> Path | None:
        """The video, or None where the clip is pictures."""
        return self.files[0] if self.files[0].suffix.lower() in VIDEOS else None


def read(root: Path, classes: tuple[str, ...]) -> tuple[PersonClip, ...]:
    """Clips of a folder of people, in the order of person, class and clip.

    Pictures that lie in the class's folder itself are one clip. Folders of other names than the classes, and
    hidden files, are left out.

    Args:
        root: the folder.
        classes: names of the class folders, case ignored.

    Raises:
        UserError: ``LABELS_INVALID``: no folder, or no clip of any class in it.
    """
    places = {name.lower(): label for label, name in enumerate(classes)}
    found = []
    for person in folders(root):
        for folder in folders(person):
            label = places.get(folder.name.lower())
            if label is not None:
                loose = pictures(folder)
                clips = [*inside(folder), (folder.name, loose)] if loose else inside(folder)
                found += [PersonClip(person.name, name, label, files) for name, files in clips]
    return some(found, root, "people/class/clip")


def some(found: Iterable[PersonClip], root: Path, layout: str) -> tuple[PersonClip, ...]:
    """The clips; a UserError where there are none."""
    clips = tuple(found)
    if not clips:
        raise UserError(
            Code.LABELS_INVALID, f"There is no labelled clip in {root.name}.", f"Its layout is {layout}."
        )
    return clips


def folders(root: Path) -> list[Path]:
    """Visible folders in the order of their names; none where ``root`` is no folder."""
    inside = sorted(root.iterdir()) if root.is_dir() else []
    return [path for path in inside if path.is_dir() and not path.name.startswith(".")]


def inside(folder: Path) -> list[tuple[str, tuple[Path, ...]]]:
    """Names and files of the clips in a folder: its videos, and its folders of pictures; by name."""
    clips: list[tuple[str, tuple[Path, ...]]] = []
    clips += [(path.stem, (path,)) for path in _of_kind(folder, frozenset(VIDEOS))]
    clips += [(one.name, files) for one in folders(folder) if (files := pictures(one))]
    return sorted(clips)


def pictures(folder: Path) -> tuple[Path, ...]:
    """Pictures in a folder, in the order of their names."""
    return _of_kind(folder, SUFFIXES)


def _of_kind(folder: Path, suffixes: frozenset[str]) -> tuple[Path, ...]:
    return tuple(
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()
    )
