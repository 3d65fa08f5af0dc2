"""Market-1501: pedestrians by six cameras (Zheng et al., "Scalable Person Re-identification", ICCV 2015).

    bounding_box_train/0002_c1s1_000451_03.jpg      identity, camera and sequence, frame, detection
    query/0001_c1s1_001051_00.jpg
    bounding_box_test/-1_c1s1_000401_03.jpg         -1 is junk, 0000 a distractor

The data set was withdrawn by its authors and was not at hand here; the layout rests on its published
description and on public code that reads it.
"""

from pathlib import Path
from typing import Final

from core.datasets import sightings
from core.datasets.sightings import Split

FOLDERS: Final = ("Market-1501-v15.09.15", "market1501")


def read(root: Path) -> Split:
    """The set; arguments and errors as of ``core.datasets.sightings.read``.

    Args:
        root: the folder that holds ``bounding_box_train``, or one that holds that folder under one of
            ``FOLDERS``.
    """
    return sightings.read(next((root / name for name in FOLDERS if (root / name).is_dir()), root))
