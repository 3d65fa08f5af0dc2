"""CMA-ES for mixed variables: CatCMA with margin from the kept library ``cmaes``.

Continuous genes (opacity, centre, size, angle) follow a multivariate normal, families, colours, mirror
and repeat categorical distributions that are learnt together with it (Hamano et al., CatCMA,
arXiv:2405.09962).
"""

from collections.abc import Sequence

import numpy as np
from cmaes import CatCMAwM
from numpy.typing import NDArray

from core.camouflage.pattern import Pattern
from core.camouflage.search.base import Setting, Strategy, strategies
from core.camouflage.search.vectors import REPEATS, few_colors
from core.camouflage.space import GENES, decode, encode

SIGMA = 0.2  # first step of the genes, which live in 0..1
LEAN = 0.6  # weight of the start pattern's families and colours in the first distributions


@strategies.register("cmaes")
class CmaEs(Strategy):
    """CatCMA with margin, started at the best of the initial population."""

    def __init__(self, setting: Setting, rng: np.random.Generator) -> None:
        super().__init__(setting, rng)
        space = setting.space
        self.sizes = [len(space.families), len(space.colors)] * space.shapes
        self.sizes += [2, REPEATS] if setting.free_layout else []
        self.single = [index for index, size in enumerate(self.sizes) if size < 2]
        self.optimizer: CatCMAwM | None = None
        self.asked: list[object] = []

    def ask(self, progress: float) -> list[Pattern]:
        """See :meth:`Strategy.ask`."""
        del progress
        if self.optimizer is None:
            self._start(self.draw())
        assert self.optimizer is not None
        self.asked = [self.optimizer.ask() for _ in range(self.setting.population)]
        return self.fitted([self._pattern(solution.x, solution.c) for solution in self.asked])  # type: ignore[attr-defined]

    def tell(self, patterns: Sequence[Pattern], scores: Sequence[float]) -> None:
        """See :meth:`Strategy.tell`."""
        if self.optimizer is None:
            self._start(patterns[int(np.argmin(scores))])
            return
        self.optimizer.tell([(one, float(score)) for one, score in zip(self.asked, scores, strict=True)])

    def _start(self, pattern: Pattern) -> None:
        space = self.setting.space
        genes = encode(pattern, space, categorical=True)
        rows = genes[1:].reshape(space.shapes, GENES + 2)
        continuous = np.append(genes[:1], rows[:, :GENES].ravel())
        chosen = [
            value
            for shape in pattern.shapes
            for value in (space.families.index(shape.family), space.colors.index(shape.color))
        ]
        if self.setting.free_layout:
            chosen += [int(pattern.mirror), min(pattern.repeat, REPEATS) - 1]
        sizes = [size for size in self.sizes if size > 1]
        widest = max(sizes, default=1)
        lean = np.zeros((len(sizes), widest))
        kept = [value for value, size in zip(chosen, self.sizes, strict=True) if size > 1]
        for row, (value, size) in enumerate(zip(kept, sizes, strict=True)):
            lean[row, :size] = (1 - LEAN) / size
            lean[row, value] += LEAN
        self.optimizer = CatCMAwM(
            x_space=[[0.0, 1.0]] * len(continuous),
            c_space=sizes or None,
            population_size=self.setting.population,
            mean=np.clip(continuous, 0.02, 0.98),
            sigma=SIGMA,
            cat_param=lean if sizes else None,
            seed=int(self.rng.integers(2**31)),
        )

    def _pattern(self, genes: NDArray[np.float64], categories: NDArray[np.bool_] | None) -> Pattern:
        picks = iter([] if categories is None else [int(np.argmax(row)) for row in categories])
        chosen = [next(picks) if size > 1 else 0 for size in self.sizes]
        space = self.setting.space
        rows = np.empty((space.shapes, GENES + 2))
        rows[:, :GENES] = genes[1:].reshape(space.shapes, GENES)
        rows[:, GENES] = (np.array(chosen[0 : 2 * space.shapes : 2]) + 0.5) / len(space.families)
        rows[:, GENES + 1] = (np.array(chosen[1 : 2 * space.shapes : 2]) + 0.5) / len(space.colors)
        pattern = decode(np.append(genes[:1], rows.ravel()), space)
        if self.setting.free_layout:
            mirror, repeat = chosen[-2:]
            pattern = Pattern(pattern.shapes, pattern.opacity, bool(mirror), repeat + 1)
        return few_colors(pattern, space.max_colors)
