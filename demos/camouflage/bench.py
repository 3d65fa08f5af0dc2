"""One visitor's workbench in the camouflage tab: photos, whose face, the current pattern and its figures."""

import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from core.errors import Code, UserError
from core.types import Face, Image, Notice
from demos.turns import Turns

if TYPE_CHECKING:
    from core.camouflage.pattern import Pattern
    from core.camouflage.session import Judgement
    from core.camouflage.session import Session as Work
    from core.camouflage.system import Result

SLUG = "camouflage"
MAX_SHOTS = 12
CONTROLS = 20  # random patterns of equal area beside a pattern that no search has found

Origin = Literal["found", "ready", "hand"]


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
class Bench(Turns):
    """Everything the tab keeps for one visitor.

    Attributes:
        shots: the photos; the first is the one that is shown.
        pattern: what is painted now, None before there is any.
        origin: where the pattern comes from.
        optimised: the recognisers that it was found with.
        judgement: what was measured of it.
        result: the search that found it, None for patterns of other origin.
    """

    shots: tuple[Shot, ...] = ()
    pattern: "Pattern | None" = None
    origin: Origin = "hand"
    optimised: tuple[str, ...] = ()
    judgement: "Judgement | None" = None
    result: "Result | None" = None
    _work: "Work | None" = None

    def images(self) -> int:
        """Pictures held, see :class:`demos.sessions.Room`."""
        return len(self.shots) + (len(self.judgement.painted) if self.judgement else 0)

    def start(self, shots: Sequence[Shot]) -> None:
        """Begin anew with these photos; a search that still runs ends."""
        self.stop.set()
        self.stop = threading.Event()
        self.shots, self._work = tuple(shots), None
        self.pattern, self.origin, self.optimised = None, "hand", ()
        self.judgement, self.result = None, None

    def choose(self, index: int) -> None:
        """Take another face of the first photo; what was found for the last one goes."""
        self.start((replace(self.main(), chosen=index), *self.shots[1:]))

    def add(self, shots: Sequence[Shot]) -> None:
        """More photos of the same person; figures over the fewer photos go.

        Raises:
            UserError: more than a dozen photos.
        """
        if len(self.shots) + len(shots) > MAX_SHOTS:
            raise UserError(
                Code.OPTION_RANGE,
                f"That would be more than {MAX_SHOTS} photos.",
                "Keep those that differ most in light and pose.",
            )
        pattern, origin, optimised = self.pattern, self.origin, self.optimised
        self.start((*self.shots, *shots))
        self.pattern, self.origin, self.optimised = pattern, origin, optimised

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
        test = self.shots[2::3]
        return tuple(shot for shot in self.shots if shot not in test), test

    @property
    def measured(self) -> bool:
        """Whether recognisers have looked at these photos before, so that the next answer comes at once."""
        return self._work is not None

    def work(self) -> "Work":
        """The photos as the system takes them, measured once."""
        from core.camouflage.evaluate import Portrait
        from core.camouflage.session import PERSON, Session

        self.main()
        if self._work is None:
            search, test = (
                [Portrait(PERSON, shot.image.pixels, shot.face) for shot in part] for part in self.split()
            )
            self._work = Session(search, test)
        return self._work

    def put(self, pattern: "Pattern", origin: Origin, optimised: tuple[str, ...] = ()) -> None:
        """Take a pattern that no search has found for these photos."""
        self.pattern, self.origin, self.optimised = pattern, origin, optimised
        self.judgement, self.result = None, None

    def found(self, result: "Result") -> None:
        """Take what a search found."""
        self.pattern, self.origin, self.optimised = result.judgement.pattern, "found", result.optimised_on
        self.judgement, self.result = result.judgement, result

    def judge(self, *, live: bool = False, control: bool = False) -> "Judgement":
        """Measure the pattern with every recogniser that is here.

        Args:
            live: only on the shown photo, for a slider that moves.
            control: also random patterns of equal area.

        Raises:
            UserError: no photo, no pattern, or no recogniser.
        """
        from core.camouflage.session import usable

        work, pattern, names = self.work(), self._pattern(), usable()
        if not names:
            raise UserError(
                Code.WEIGHTS_MISSING, "No face recogniser is here.", "Fetch the missing models below."
            )
        randoms = self.control() if control else ()
        self.judgement = work.judge(pattern, names, self.optimised, randoms, probes=(0,) if live else None)
        return self.judgement

    def extend(self) -> bool:
        """Let recognisers judge that came after the last judgement; False when there are none."""
        from core.camouflage.session import usable
        from core.camouflage.verdict import verdict

        now = self.judgement
        if now is None:
            return False
        new = tuple(name for name in usable() if name not in {one.name for one in now.figures})
        if not new:
            return False
        later = self.work().judge(now.pattern, new, self.optimised, self.control())
        figures = (*now.figures, *later.figures)
        share = sum(now.detected) / len(now.detected)
        words = verdict(figures, detected=share, photos=len(now.detected), self_compared=len(self.shots) == 1)
        self.judgement = replace(now, figures=figures, verdict=words)
        return True

    def control(self) -> "list[Pattern]":
        """Random patterns that cover as much skin as the pattern, always the same ones."""
        import numpy as np

        from core.camouflage.matching import areas, random_matched
        from core.camouflage.space import SpaceOptions

        pattern = self._pattern()
        target = float(areas([pattern])[0])
        options = SpaceOptions(shapes=len(pattern.shapes))
        return random_matched(CONTROLS, target, options, np.random.default_rng(0))

    def report(self) -> dict[str, Any]:
        """What is known of the pattern as plain data, for a JSON file."""
        return judgement_report(self.judgement, self.result, self.origin)

    def _pattern(self) -> "Pattern":
        if self.pattern is None:
            raise UserError(
                Code.PATTERN_INVALID, "There is no pattern yet.", "Find, choose or design one first."
            )
        return self.pattern


def judgement_report(
    judgement: "Judgement | None", result: "Result | None", origin: Origin
) -> dict[str, Any]:
    """A judgement as plain data; a search's own report with it when there was one."""
    if judgement is None:
        raise UserError(Code.PATTERN_INVALID, "Nothing was measured yet.", "Find or choose a pattern first.")
    import json

    from core.camouflage.session import hashes

    return {
        **(result.report if result else {}),
        "origin": origin,
        "pattern": json.loads(judgement.pattern.to_json()),
        "verdict": judgement.verdict.text,
        "recognisers": [{**asdict(one), "beats_random": one.beats_random} for one in judgement.figures],
        "detected": list(judgement.detected),
        "area": judgement.area,
        "weights": hashes([one.name for one in judgement.figures]),
    }


def take(pictures: Sequence[tuple[str, Image]]) -> tuple[Shot, ...]:
    """Find the faces of named photos, all at once; the largest is taken until a person says otherwise.

    Raises:
        UserError: NO_FACE when one of them shows none.
    """
    from core import faces

    found = faces.find_batch([image.pixels for _, image in pictures])
    return tuple(
        Shot(image, faces.require(people, image.pixels), 0, name)
        for (name, image), people in zip(pictures, found, strict=True)
    )
