"""(1 + lambda) evolution with an annealed step.

Gene-wise resets and jitters as in CamoPatch (NeurIPS 2023), applied to whole shapes; acceptance is
strict, the step shrinks geometrically over the budget. Our choice of details.
"""

from collections.abc import Sequence

import numpy as np

from core.camouflage.pattern import Pattern
from core.camouflage.search.base import Setting, Strategy, strategies
from core.camouflage.search.moves import mutated

FIRST_STEP, LAST_STEP = 0.35, 0.03


def annealed(progress: float) -> float:
    """The step's size after a share of the budget."""
    return float(FIRST_STEP * (LAST_STEP / FIRST_STEP) ** min(max(progress, 0.0), 1.0))


@strategies.register("evolution")
class Evolution(Strategy):
    """The best pattern so far and its mutants, the parent replaced as soon as a child is better."""

    def __init__(self, setting: Setting, rng: np.random.Generator) -> None:
        super().__init__(setting, rng)
        self.parent: Pattern | None = None
        self.score = np.inf

    def ask(self, progress: float) -> list[Pattern]:
        """See :meth:`Strategy.ask`."""
        step = annealed(progress)
        parent = self.parent or self.draw()
        layout, space = self.setting.free_layout, self.setting.space
        children = [
            mutated(parent, step, space, self.rng, layout=layout) for _ in range(self.setting.population)
        ]
        return self.fitted(children)

    def tell(self, patterns: Sequence[Pattern], scores: Sequence[float]) -> None:
        """See :meth:`Strategy.tell`."""
        best = int(np.argmin(scores))
        if scores[best] < self.score:
            self.parent, self.score = patterns[best], float(scores[best])

    def refresh(self, score: float) -> None:
        """See :meth:`Strategy.refresh`."""
        self.score = score
