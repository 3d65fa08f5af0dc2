"""How long judging takes on this machine, and what it leaves to the searches."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch

from core.camouflage import survival
from core.camouflage.evaluate import look
from core.camouflage.options import Options
from core.camouflage.search import Budget
from core.camouflage.session import Session, models

MARGIN = 1.3  # what is expected is multiplied by this
SPARE = 1.0  # seconds for what is not counted
SHORTEST = 4.0  # seconds that a search gets at least


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds of the steps of judging.

    Attributes:
        embed: one aligned face, by all the recognisers that judge.
        look: finding and aligning the face of one photo.
        probes: how many photos judge a pattern.
        photos: how many there are.
    """

    embed: float
    look: float
    probes: int
    photos: int

    @classmethod
    def measure(cls, session: Session, judges: Sequence[str]) -> Self:
        """Load and warm the judges, embed the clean photos, and time one more of each step."""
        session.evaluator(judges)
        probe = torch.rand(4, 3, 224, 224, generator=torch.Generator().manual_seed(0))
        before = time.perf_counter()
        with torch.inference_mode():
            for model in models(judges).values():
                model(probe)
        between = time.perf_counter()
        main = session.photos[0]
        look([main.pixels], [main.face])
        after = time.perf_counter()
        each = (between - before) / len(probe)
        return cls(each, after - between, len(session.probes), len(session.photos))

    def search(self, options: Options, spent: float, left_out: int) -> Budget:
        """What the search itself gets: all that judging leaves, half of it where others search too.

        Args:
            options: of the run; without a limit of seconds only evaluations are shared out.
            spent: seconds that the run has taken so far.
            left_out: how many more searches will follow, each without one recogniser.
        """
        share = 2 if left_out else 1
        seconds = options.seconds - spent - self._judgement(options) - self._others(left_out)
        return _budget(options, options.evaluations // share, seconds / share)

    def other_search(self, options: Options, spent: float, left_out: int) -> Budget:
        """What each search without one recogniser gets, when ``spent`` seconds are gone."""
        seconds = options.seconds - spent - self._others(left_out)
        return _budget(options, options.evaluations // (2 * left_out), seconds / left_out)

    def _judgement(self, options: Options) -> float:
        once = self.photos * len(survival.TREATMENTS) * options.survival
        embedded = self.probes * (options.randoms + 2) + once
        return MARGIN * (self.embed * embedded + self.look * (self.probes + once)) + SPARE

    def _others(self, searches: int) -> float:
        return MARGIN * searches * self.probes * (self.embed + self.look)


def _budget(options: Options, evaluations: int, seconds: float) -> Budget:
    count = max(evaluations, 1) if options.evaluations else 0
    return Budget(count, max(seconds, SHORTEST) if options.seconds else 0.0)
