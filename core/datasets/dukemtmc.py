"""DukeMTMC-reID: pedestrians by eight cameras (Ristani et al., arXiv 1609.01775; Zheng et al., 1701.07717).

    bounding_box_train/0001_c2_f0046182.jpg         identity, camera, frame
    query/0005_c2_f0046985.jpg
    bounding_box_test/0002_c1_f0044158.jpg          among them people whom nobody looks for

The data set was withdrawn by its authors and was not at hand here; the layout rests on its published
description and on public code that reads it.
"""

from pathlib import Path
from typing import Final

from core.datasets import sightings
from core.datasets.sightings import Split

FOLDERS: Final = ("DukeMTMC-reID", "dukemtmc-reid")


def read(root: Path) -> Split:
    """The set; arguments and errors as of ``core.datasets.sightings.read``.

    Args:
        root: the folder that holds ``bounding_box_train``, or one that holds that folder under one of
            ``FOLDERS``.
    """
    return sightings.read(next((root / name for name in FOLDERS if (root / name).is_dir()), root))
