"""One visitor's desk in the video tab: a clip, what was measured of it once, and what the sliders ask."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.abaw.types import ClipScores, Options, Timeline
from core.errors import Code, UserError
from core.types import Clip, Mask
from demos.turns import Turns

if TYPE_CHECKING:
    from core.abaw.analyse import Analysis
    from core.datasets.frame_labels import Annotation

SLUG = "abaw"


def placed(scores: ClipScores) -> Mask:
    """F bool: where the person is known to be, measured there or between two measurements."""
    return np.asarray(scores.seen | ~np.isnan(scores.boxes).any(1))


@dataclass(slots=True, eq=False)
class Desk(Turns):
    """Everything the tab keeps for one visitor.

    Attributes:
        path: the clip, without metadata, in the visitor's own folder; None before there is one.
        clip: what its header says.
        name: what it is called in files.
        shown: the player shows it; a player must be emptied before another clip can be chosen, and until that
            one is accepted the results of the last one stay.
        analysis: the pass over the clip, None until there was one.
        people: what the networks said, by number of the person.
        track: whose scores are shown.
        options: the steps after the networks.
        timeline: what those made of the scores.
        labels: what the visitor says is right, to be scored against.
        cursor: number of the frame that is looked at.
    """

    path: Path | None = None
    clip: Clip | None = None
    name: str = ""
    shown: bool = False
    analysis: "Analysis | None" = None
    people: dict[int, ClipScores] = field(default_factory=dict)
    track: int = 0
    options: Options = field(default_factory=Options)
    timeline: Timeline | None = None
    labels: "Annotation | None" = None
    cursor: int = 0

    def images(self) -> int:
        """Pictures held, see :class:`demos.sessions.Room`; the clip is a file and counted as such."""
        return len(self.analysis.thumbnails) if self.analysis else 0

    def start(self, path: Path | None, clip: Clip | None, name: str = "") -> None:
        """Begin anew with this clip, or with none; an analysis that still runs ends."""
        self.stop.set()
        self.stop = threading.Event()
        self.path, self.clip, self.name = path, clip, name
        self.shown = path is not None
        self.analysis, self.timeline, self.labels = None, None, None
        self.people = {}
        self.track, self.cursor = 0, 0

    def source(self) -> Path:
        """The clip that is to be analysed.

        Raises:
            UserError: when there is none.
        """
        if self.path is None or not self.shown:
            raise UserError(
                Code.NO_VIDEO, "There is no clip yet.", "Choose an example, record or upload your own."
            )
        return self.path

    def found(self, analysis: "Analysis") -> None:
        """Take what a pass over the clip found."""
        self.take(analysis.scores)
        self.analysis = analysis

    def take(self, people: Mapping[int, ClipScores]) -> None:
        """Take what the networks said; the first is the main person, and looked at first.

        Raises:
            UserError: NO_FACE when nobody was seen.
        """
        if not people:
            from core.faces.track import nobody

            raise nobody()
        self.people, self.labels = dict(people), None
        self.track = next(iter(people))
        self.cursor = int(placed(self.scores()).argmax())
        self.decide(self.options)

    def scores(self) -> ClipScores:
        """The scores of the person who is looked at.

        Raises:
            UserError: nothing was measured yet.
        """
        if not self.people:
            raise UserError(
                Code.NO_VIDEO, "Nothing was measured yet.", "Choose a clip and press “Analyse the clip”."
            )
        return self.people[self.track]

    def decide(self, options: Options) -> Timeline:
        """Take the steps after the networks anew, on the scores that are there."""
        from core.abaw.decide import decide

        timeline = decide(self.scores(), options)
        self.options, self.timeline = options, timeline
        return timeline

    def decided(self) -> Timeline:
        """The timeline of the current options."""
        return self.timeline or self.decide(self.options)

    def controls(self) -> dict[str, Timeline]:
        """What stands beside the method, by name: each branch alone, and the method without smoothing."""
        from core.abaw.decide import decide

        scores, options = self.scores(), self.options
        found = {"pretrained only": decide(scores, replace(options, confidence=0.0))}
        if scores.mlp is not None:
            found["head only"] = decide(scores, replace(options, confidence=1.0))
        return found | {"no smoothing": decide(scores, replace(options, window=0))}

    def look(self, track: int) -> None:
        """Turn to another person.

        Raises:
            UserError: OPTION_RANGE for a number that nobody has.
        """
        self.scores()
        if track not in self.people:
            raise UserError(
                Code.OPTION_RANGE, "There is no such person in this clip.", "Choose one of those listed."
            )
        self.track, self.labels = track, None
        self.decide(self.options)
