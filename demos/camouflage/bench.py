"""One visitor's workbench in the camouflage tab: photos, whose face, the current pattern and its figures."""

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import Code, UserError
from core.types import Face, Image, Notice, Pixels

if TYPE_CHECKING:
    from core.camouflage.pattern import Pattern

SLUG = "camouflage"
MAX_SHOTS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One photo of the person.

    Attributes:
        image: the picture, without metadata.
        faces: all faces in it, largest first.
        chosen: which of them is the person.
        name: what it is called on the screen.
    """

    image: Image
    faces: tuple[Face, ...]
    chosen: int
    name: str

    @property
    def face(self) -> Face:
        """The person's face."""
        return self.faces[self.chosen]

    @property
    def advice(self) -> tuple[Notice, ...]:
        """What was changed while loading and what may spoil results on this face."""
        return (*self.image.notices, *self.face.advice)


@dataclass(slots=True, eq=False)
class Bench:
    """Everything the tab keeps for one visitor.

    Attributes:
        shots: the photos; the first is the one that is shown.
        pattern: what is painted now.
        painted: the first photo with it, None without a pattern.
        stop: set to end a running search early.
    """

    shots: tuple[Shot, ...] = ()
    pattern: "Pattern | None" = None
    painted: Pixels | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    def images(self) -> int:
        """Pictures held, see :class:`demos.sessions.Room`."""
        return len(self.shots) + (self.painted is not None)

    def start(self, shot: Shot) -> None:
        """Begin anew with this photo."""
        self.clear()
        self.shots = (shot,)

    def clear(self) -> None:
        """Drop all; a search that still runs ends."""
        self.stop.set()
        self.shots, self.pattern, self.painted = (), None, None
        self.stop = threading.Event()

    def choose(self, index: int) -> None:
        """Take another face of the first photo; what was found for the last one goes."""
        shots = (replace(self.main(), chosen=index), *self.shots[1:])
        self.clear()
        self.shots = shots

    def add(self, shots: list[Shot]) -> None:
        """More photos of the same person.

        Raises:
            UserError: more than a dozen photos.
        """
        if len(self.shots) + len(shots) > MAX_SHOTS:
            raise UserError(
                Code.OPTION_RANGE,
                f"That would be more than {MAX_SHOTS} photos.",
                "Keep those that differ most in light and pose.",
            )
        self.shots = (*self.shots, *shots)

    def main(self) -> Shot:
        """The photo that is shown.

        Raises:
            UserError: when there is none.
        """
        if not self.shots:
            raise UserError(
                Code.FILE_UNREADABLE, "There is no photo yet.", "Choose an example or upload your own."
            )
        return self.shots[0]

    def split(self) -> tuple[tuple[Shot, ...], tuple[Shot, ...]]:
        """The photos that a search may paint, and those that only test its pattern.

        With one or two photos all are painted; from three on every third only tests.
        """
        if len(self.shots) < 3:
            return self.shots, ()
        test = self.shots[2::3]
        return tuple(shot for shot in self.shots if shot not in test), test


def take(image: Image, name: str) -> Shot:
    """Find the faces of a photo; the largest is taken until a person says otherwise.

    Raises:
        UserError: NO_FACE.
    """
    from core import faces

    found = faces.find(image.pixels)
    if not found:
        raise UserError(
            Code.NO_FACE,
            "No face was found in this photo.",
            "Use a photo in which a face is at least 60 pixels wide, looks roughly at the camera and is lit.",
        )
    return Shot(image, found, 0, Path(name).stem)
