"""A folder of people: one sub-folder each, named after the person, with that person's photos."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from core.errors import Code, UserError
from core.types import Pixels

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".pgm"})


@dataclass(frozen=True, slots=True)
class Photo:
    """One labelled picture of a data set, decoded only when asked for.

    Attributes:
        identity: whom it shows.
        name: identifies the picture in its data set.
        encoded: the file's bytes, or where they are.
    """

    identity: str
    name: str
    encoded: bytes | Path

    def pixels(self) -> Pixels:
        """Decode to H×W×3 uint8 RGB (grey pictures repeat their channel).

        Raises:
            UserError: ``FILE_UNREADABLE``.
        """
        try:
            data = self.encoded.read_bytes() if isinstance(self.encoded, Path) else self.encoded
        except OSError:
            data = b""
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB) if data else None
        if decoded is None:
            raise UserError(
                Code.FILE_UNREADABLE,
                f"The picture {self.name} cannot be decoded.",
                "Unpack the data set again, or take the file out of it.",
            )
        return np.asarray(decoded, np.uint8)


def people(folder: Path) -> tuple[Photo, ...]:
    """Photos of a folder of people, in the order of person and file name.

    Args:
        folder: holds one folder a person; hidden entries and other files are left out.

    Returns:
        Photos named ``person/file``.

    Raises:
        FileNotFoundError: no such folder.
    """
    return tuple(
        Photo(person.name, f"{person.name}/{file.name}", file)
        for person in sorted(folder.iterdir())
        if person.is_dir() and not person.name.startswith(".")
        for file in sorted(person.iterdir())
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")
    )
