"""Photographs of flowers with their species, kept as bytes in Parquet.

Nilsback and Zisserman, "A visual vocabulary for flower classification", CVPR 2006. The file says for every
photograph whether it is for training or for tests.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import Code, UserError

Part = Literal["train", "test"]
FILE = "natural/flowers12.parquet"
CLASSES: Final = (
    "bluebell", "buttercup", "colts-foot", "daisy", "dandelion", "fritillary",
    "iris", "lily-valley", "pansy", "sunflower", "tigerlily", "windflower",
)  # fmt: skip
"""The species of ``FILE``, in alphabetical order."""


@dataclass(frozen=True, slots=True)
class Photographs:
    """Colour photographs of one size with their classes.

    Attributes:
        pixels: N×S×S×3 uint8 RGB.
        labels: N int64, index into the classes asked for.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


def read(root: Path, classes: tuple[str, ...], wanted: Part) -> Photographs:
    """Read one part of ``FILE`` below a folder of data (columns ``split``, ``species``, ``image``).

    Args:
        root: the folder of data.
        classes: names of the species to keep, in the order of the labels; others are left out.
        wanted: which part.

    Returns:
        The part's photographs in the order of the file.

    Raises:
        UserError: the file is not there, or has none of these species.
    """
    import pyarrow.parquet as parquet

    path = root / FILE
    if not path.is_file():
        raise UserError(
            Code.FILE_UNREADABLE,
            "The photographs of flowers are not in the folder of data.",
            f"Put {FILE} there.",
        )
    rows = parquet.read_table(path, filters=[("split", "=", wanted), ("species", "in", classes)]).to_pylist()
    if not rows:
        raise UserError(
            Code.FILE_UNREADABLE, f"{path.name} has no such species.", f"Expected are: {', '.join(classes)}."
        )
    pictures, labels = [], []
    for row in rows:
        picture = cv2.imdecode(np.frombuffer(row["image"], np.uint8), cv2.IMREAD_COLOR_RGB)
        if picture is None:
            raise ValueError(f"a picture of {path.name} cannot be decoded")
        pictures.append(picture)
        labels.append(classes.index(row["species"]))
    return Photographs(np.stack(pictures).astype(np.uint8), np.asarray(labels, np.int64))
