"""BAH: people who answer seven questions before their own camera, with ambivalence or hesitancy or not.

    dataset-splits/video-level/BAH_DB/split-0/test.txt      one line a video: path, class, what was said
    Videos/82711/Visite_1/82711_Question_1_2024-11-18_16-07-42_Video.mp4

González-González et al., "BAH Dataset for Ambivalence/Hesitancy Recognition in Videos", arXiv 2505.19328. The
layout rests on the split files that the authors publish; the videos are handed out on request and were not at
hand here. What people said is not read any further than to its comma.
"""

from pathlib import Path
from typing import Final

from core.datasets.person_clips import PersonClip, some
from core.errors import Code, UserError

SPLITS: Final = Path("dataset-splits/video-level/BAH_DB/split-0")


def read(root: Path, split: Path) -> tuple[PersonClip, ...]:
    """Clips of one part in the order of its file; videos that are not there are left out.

    Args:
        root: the folder that holds ``Videos``.
        split: a file of the published splits, for instance ``SPLITS / "test.txt"`` in the authors' code.

    Raises:
        UserError: ``LABELS_INVALID``: no such file, a line without a video and a class, or no clip.
    """
    try:
        lines = split.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, UnicodeDecodeError):
        raise UserError(
            Code.LABELS_INVALID, f"{split.name} is not a list of videos.", "Give the file as published."
        ) from None
    found = [parse(line, root) for line in lines if line.strip()]
    return some((clip for clip in found if clip.files[0].is_file()), root, "Videos/subject/visit/video.mp4")


def parse(line: str, root: Path) -> PersonClip:
    """One line of a split file.

    Raises:
        UserError: ``LABELS_INVALID``: not of the form ``Videos/subject/visit/name.mp4,0 or 1,...``, or a path
            that leads out of the data set.
    """
    path, label, *_ = (*line.split(",", 2), "", "")
    place = Path(path)
    fits = len(place.parts) == 4 and place.parts[0] == "Videos" and ".." not in place.parts
    if not fits or label.strip() not in ("0", "1"):
        raise UserError(
            Code.LABELS_INVALID,
            "A line of the list does not name a video and a class.",
            "Give the file as published.",
        )
    return PersonClip(place.parts[1], f"{place.parts[2]}/{place.stem}", int(label), (root / place,))
