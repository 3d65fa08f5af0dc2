"""One visitor's people in the tab of TTA-CaP: their clips, what was read of them once, what is asked."""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import Code, UserError
from core.personalize.options import Options
from core.types import Clip, FloatArray, Pixels
from demos.personalize.readers import MODEL
from demos.personalize.task import Task, expressions
from demos.sessions import discard
from demos.turns import Turns

if TYPE_CHECKING:
    from core.personalize.types import Watched
    from demos.personalize.running import Peer, Run

SLUG = "personalize"
FIRST = "Person 1"
MAX_PEOPLE, MAX_CLIPS, NAME_LENGTH = 12, 8, 40


@dataclass(slots=True, eq=False)
class Piece:
    """A clip of a person, or a row of photos that is read like one.

    Attributes:
        name: for people.
        path: the clip in the visitor's own folder; None for photos.
        upload: where the browser put it, which holds a clean copy now; None for photos and examples.
        clip: what its header says; None for photos.
        photos: H×W×3 uint8 RGB.
        seen: what was read of it, by name of the model.
        trouble: why it could not be read, or None.
        truth: name of the class that the visitor says it shows, or nothing.
    """

    name: str
    path: Path | None = None
    clip: Clip | None = None
    upload: Path | None = None
    photos: tuple[Pixels, ...] = ()
    seen: "dict[str, Watched]" = field(default_factory=dict)
    trouble: UserError | None = None
    truth: str = ""

    def drop(self) -> None:
        """Delete its files."""
        for path in (self.path, self.upload):
            if path is not None:
                discard(path)


@dataclass(frozen=True, slots=True)
class Poison:
    """Frames to be mislabelled on purpose.

    Attributes:
        count: how many.
        label: class that they shall be taken for.
        in_a_row: one after the other instead of spread over all clips.
    """

    count: int
    label: int
    in_a_row: bool = False


@dataclass(frozen=True, slots=True)
class Saved:
    """A cache that came in as a file.

    Attributes:
        data: the file.
        classes, model: what it fits.
    """

    data: bytes
    classes: tuple[str, ...]
    model: str


@dataclass(slots=True, eq=False)
class Person:
    """One person, whose caches are nobody else's.

    Attributes:
        name: for people.
        pieces: clips, in the order in which they are read.
        model: name of the image-text model that read them last.
        saved: a cache to start from, or None.
        poison: frames to be mislabelled, or None.
        run: what the current settings made of what was read; None before.
        peers: other methods on the same frames, and what they were asked.
        cursor: frame that is looked at, over all clips.
        label: name of the class in the curve; nothing for the first answer.
    """

    name: str
    pieces: list[Piece] = field(default_factory=list)
    model: str = MODEL
    saved: Saved | None = None
    poison: Poison | None = None
    run: "Run | None" = None
    peers: "tuple[object, list[Peer]] | None" = None
    cursor: int = 0
    label: str = ""

    @property
    def at(self) -> int:
        """The frame that is looked at, within what was read."""
        return min(self.cursor, len(self.run) - 1) if self.run is not None else 0

    def read(self, model: str) -> list[Piece]:
        """The clips of which this model saw something."""
        return [piece for piece in self.pieces if model in piece.seen]

    def drop(self) -> None:
        """Delete the files of every clip."""
        for piece in self.pieces:
            piece.drop()

    def images(self) -> int:
        """Pictures held in memory: photos, and the faces that were read."""
        faces = sum(len(seen.thumbnails) for piece in self.pieces for seen in piece.seen.values())
        return faces + sum(len(piece.photos) for piece in self.pieces)


@dataclass(slots=True, eq=False)
class Desk(Turns):
    """Everything the tab keeps for one visitor.

    Attributes:
        people: by name.
        name: of the person who is looked at.
        task: what is asked of every frame.
        preset: which preset the options started from.
        options: of the method.
        texts: vectors of sentences, by model and sentence.
    """

    people: dict[str, Person] = field(default_factory=dict)
    name: str = FIRST
    task: Task = field(default_factory=expressions)
    preset: str = "ours"
    options: Options = field(default_factory=Options)
    texts: dict[tuple[str, str], FloatArray] = field(default_factory=dict)

    def images(self) -> int:
        """Pictures held, see :class:`demos.sessions.Room`; clips are files and counted as such."""
        return sum(person.images() for person in self.people.values())

    @property
    def person(self) -> Person:
        """The person who is looked at."""
        return self.people.setdefault(self.name, Person(self.name))

    @property
    def model(self) -> str:
        """Name of the image-text model that read this person last."""
        return self.person.model

    def halt(self) -> None:
        """A reading that still runs ends."""
        self.stop.set()
        self.stop = threading.Event()

    def meet(self, name: str) -> Person:
        """Turn to a person, or begin with a new one.

        Raises:
            UserError: OPTION_RANGE: no name, one that is too long, or too many people.
        """
        name = " ".join((name or "").split())
        if not 0 < len(name) <= NAME_LENGTH:
            raise UserError(
                Code.OPTION_RANGE,
                f"A person's name has 1 to {NAME_LENGTH} characters.",
                "Any word does: it only tells people apart here.",
            )
        if name not in self.people and len(self.people) >= MAX_PEOPLE:
            raise UserError(
                Code.OPTION_RANGE, f"There are {MAX_PEOPLE} people already.", "Forget one of them first."
            )
        if self.name != name and not self.person.pieces:
            del self.people[self.name]
        self.name = name
        return self.person

    def forget(self) -> Person:
        """Delete the person who is looked at with all files, turn to another one, and return the deleted."""
        gone = self.person
        gone.drop()
        del self.people[gone.name]
        self.name = next(iter(self.people), FIRST)
        return gone

    def add(self, piece: Piece) -> None:
        """Put a clip behind those of the person who is looked at.

        Raises:
            UserError: OPTION_RANGE: there are enough.
        """
        if len(self.person.pieces) >= MAX_CLIPS:
            raise UserError(
                Code.OPTION_RANGE, f"This person has {MAX_CLIPS} clips already.", "Take one away first."
            )
        self.person.pieces.append(piece)

    def source(self) -> Person:
        """The person, whose clips are to be read.

        Raises:
            UserError: NO_VIDEO when there is none.
        """
        if not self.person.pieces:
            raise UserError(
                Code.NO_VIDEO, "There is no clip of this person yet.", "Choose an example or upload your own."
            )
        return self.person

    def result(self) -> "Run":
        """What was made of the person's frames.

        Raises:
            UserError: NO_VIDEO when nothing was read yet.
        """
        if self.person.run is None:
            raise UserError(
                Code.NO_VIDEO, "Nothing of this person was read yet.", "Press “Read the clips” first."
            )
        return self.person.run
