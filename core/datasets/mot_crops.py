"""Crops of people from the sample frames of MOT17 (arXiv 1603.00831), kept in one Parquet file.

The frames of a sequence follow one another closely and each sequence has one camera: whoever ranks these
crops ranks near copies.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from core.datasets.folders import Photo
from core.datasets.sightings import Sighting
from core.errors import Code, UserError

FILE: Final = "reid/mot17_mini_crops.parquet"
TRAINING: Final = ("MOT17-04", "MOT17-10", "MOT17-11")
HELD_OUT: Final = ("MOT17-02", "MOT17-05", "MOT17-09", "MOT17-13")


def read(root: Path, sequences: Sequence[str]) -> tuple[Sighting, ...]:
    """Crops of some sequences in the order of the file.

    Args:
        root: the folder of research data.
        sequences: for instance ``TRAINING``; the people of different sequences are different ones.

    Returns:
        Sightings whose identity is 1000 times the number of the sequence plus the one within it, and whose
        camera is the number of the sequence.

    Raises:
        UserError: the file is not there.
    """
    import pyarrow.parquet as parquet

    path = root / FILE
    if not path.is_file():
        raise UserError(
            Code.FILE_UNREADABLE,
            "The crops of MOT17 are not in the folder of data.",
            f"Put them there as {FILE}.",
        )
    found = []
    for row in parquet.read_table(path).to_pylist():
        if row["sequence"] in sequences:
            camera = int(row["sequence"].rpartition("-")[2])
            identity = 1000 * camera + row["identity"]
            name = f"{row['sequence']}/{row['identity']}/{row['frame']}"
            found.append(Sighting(identity, camera, Photo(str(identity), name, row["image"])))
    return tuple(found)
