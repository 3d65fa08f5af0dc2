"""DVD, the violence data set of the ABAW challenge: one CSV file of 0 and 1 a video.

    Training/annotations/0001.csv     Frame_Number,Label with frames numbered from 1
    Training/videos/0001.mp4          and Validation beside Training

Kollias et al., "DVD: A Comprehensive Dataset for Advancing Violence Detection in Real-World Scenarios",
arXiv 2506.05372. The layout is the one that the challenge's participants document; ``labels/Training`` is
read as well.
"""

from pathlib import Path
from typing import Final

from core.datasets.affwild2 import Part, find_folder, load
from core.datasets.frame_labels import Annotation, Task
from core.errors import Code, UserError

PARTS: Final[dict[Part, str]] = {"training": "Training", "validation": "Validation"}


def read(root: Path, part: Part) -> tuple[Annotation, ...]:
    """All annotation files of one part, in the order of their names.

    Args:
        root: the folder that holds ``Training`` and ``Validation`` (or ``labels``), or the one above it.
        part: training or validation.

    Raises:
        UserError: ``LABELS_INVALID``: no such folder, no file in it, or a file that cannot be used.
    """
    name = PARTS[part]
    second = root / "labels" / name
    folder = second if second.is_dir() else find_folder(root, Path(name) / "annotations")
    files = sorted(file for file in folder.glob("*.csv") if not file.name.startswith("."))
    if not files:
        raise UserError(
            Code.LABELS_INVALID,
            f"The folder {name}/{folder.name} holds no CSV file.",
            "Unpack the annotations there.",
        )
    return tuple(load(file, Task.VIOLENCE) for file in files)
