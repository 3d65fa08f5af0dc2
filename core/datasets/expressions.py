"""Still photos labelled with an expression, kept as bytes in Parquet: FER2013, CK+ and LFW/film.

Goodfellow et al., "Challenges in representation learning", arXiv 1307.0414 (FER2013 and its three parts);
Lucey et al., "The Extended Cohn-Kanade dataset", CVPR workshops 2010. CK+ and LFW/film come without parts:
``part`` makes them by person, so that nobody is in two of them.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Part = Literal["training", "validation", "test"]
PARTS_OF_FER = {"Training": "training", "PublicTest": "validation", "PrivateTest": "test"}


@dataclass(frozen=True, slots=True)
class LabelledFaces:
    """Grey face crops of one size with their classes.

    Attributes:
        pixels: N×S×S uint8.
        labels: N int64, index into the classes asked for.
        people: N names of identities; empty strings where the data set has none.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    people: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)


def part(person: str) -> Part:
    """The part of a data set to which a person belongs, the same on every machine.

    Half of the people are for training, a tenth for validation and two fifths for tests (our choice).
    """
    share = int.from_bytes(hashlib.sha256(person.encode()).digest()[:4], "big") / 2**32
    return "training" if share < 0.5 else "validation" if share < 0.6 else "test"


def read(
    path: Path, classes: tuple[str, ...], wanted: Part, size: int, spelling: dict[str, str]
) -> LabelledFaces:
    """Read one part of a Parquet file with the columns ``expression`` and ``image`` (encoded bytes).

    Args:
        path: the file. A column ``usage`` gives the part (FER2013); else ``subject`` or ``identity`` does.
        classes: names of the classes to keep, in the order of the labels; other rows are left out.
        wanted: which part.
        size: side of the crops in pixels; pictures of another size are resampled.
        spelling: the file's class names -> names in ``classes`` where they differ.

    Returns:
        The part's faces in the order of the file.
    """
    import pyarrow.parquet as parquet

    table = parquet.read_table(path)
    person = next((name for name in ("subject", "identity") if name in table.schema.names), None)
    index = {name: number for number, name in enumerate(classes)}
    pixels, labels, people = [], [], []
    for row in table.to_pylist():
        owner = row[person] if person else ""
        label = index.get(spelling.get(row["expression"].lower(), row["expression"].lower()))
        if label is None or (part(owner) if person else PARTS_OF_FER[row["usage"]]) != wanted:
            continue
        face = cv2.imdecode(np.frombuffer(row["image"], np.uint8), cv2.IMREAD_GRAYSCALE)
        if face is None:
            raise ValueError(f"a picture of {path.name} cannot be decoded")
        if face.shape != (size, size):
            # enlarged as core.expression.crop does it
            way = cv2.INTER_AREA if face.shape[0] > size else cv2.INTER_LINEAR
            face = cv2.resize(face, (size, size), interpolation=way)
        pixels.append(face)
        labels.append(label)
        people.append(owner)
    stacked = np.stack(pixels) if pixels else np.zeros((0, size, size))
    return LabelledFaces(stacked.astype(np.uint8), np.asarray(labels, np.int64), tuple(people))
