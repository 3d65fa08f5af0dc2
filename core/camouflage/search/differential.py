"""Differential evolution, rand-to-best/1/bin, on the vector of all genes (Storn and Price 1997).

Families and colours are thresholds of a continuous gene. The generation's trial vectors are asked
together, so one forward pass serves them all (the synchronous variant).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.camouflage.pattern import Pattern
from core.camouflage.search.base import Setting, Strategy, strategies
from core.camouflage.search.vectors import Code

WEIGHT = (0.4, 0.9)  # of a difference, drawn for each trial (dither)
CROSSOVER = 0.7


@strategies.register("differential-evolution")
class DifferentialEvolution(Strategy):
    """A population of vectors; a trial replaces its target when it is not worse."""

    def __init__(self, setting: Setting, rng: np.random.Generator) -> None:
        super().__init__(setting, rng)
        self.code = Code(setting.space, free_layout=setting.free_layout)
        self.members: NDArray[np.float64] = np.empty((0, self.code.dimension))
        self.scores: NDArray[np.float64] = np.empty(0)
        self.trials: NDArray[np.float64] | None = None

    def ask(self, progress: float) -> list[Pattern]:
        """See :meth:`Strategy.ask`."""
        del progress
        count = self.setting.population
        while len(self.members) < count:  # too small an initial population is filled up with unknowns
            self.members = np.vstack([self.members, self.rng.random(self.code.dimension)[None]])
            self.scores = np.append(self.scores, np.inf)
        best = self.members[int(np.argmin(self.scores))]
        trials = np.empty_like(self.members)
        for index, target in enumerate(self.members):
            first, second = self.members[self.rng.choice(count, 2, replace=False)]
            weight = self.rng.uniform(*WEIGHT)
            donor = target + weight * (best - target) + weight * (first - second)
            taken = self.rng.random(len(target)) < CROSSOVER
            taken[self.rng.integers(len(target))] = True
            trials[index] = np.where(taken, donor, target)
        outside = (trials < 0) | (trials > 1)
        self.trials = np.where(outside, self.rng.random(trials.shape), trials)
        return self.fitted([self.code.decode(trial) for trial in self.trials])

    def tell(self, patterns: Sequence[Pattern], scores: Sequence[float]) -> None:
        """See :meth:`Strategy.tell`."""
        told = np.asarray(scores, np.float64)
        if self.trials is None:
            keep = np.argsort(told)[: self.setting.population]
            self.members = np.stack([self.code.encode(patterns[int(index)]) for index in keep])
            self.scores = told[keep]
            return
        better = told <= self.scores
        self.members = np.where(better[:, None], self.trials, self.members)
        self.scores = np.where(better, told, self.scores)

    def refresh(self, score: float) -> None:
        """See :meth:`Strategy.refresh`: the others' scores are shifted as the incumbent's was."""
        self.scores = self.scores + (score - float(self.scores.min(initial=np.inf)))
