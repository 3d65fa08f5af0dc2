"""Gradient-guided evolution: many mutants are drawn, the objective's slope picks which are tried. Ours.

The slope of the objective with respect to the painted texture costs about three evaluations. Its inner
product with the change that a mutant makes to the texture predicts the mutant's gain to first order,
also for moves that are not continuous (another colour, another family), and rendering is cheap. So a
generation draws a large pool of mutants, renders them all, and spends recogniser time only on the most
promising; the best of those that truly improve becomes the parent.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.camouflage.matching import shrunk
from core.camouflage.pattern import Pattern
from core.camouflage.render import render
from core.camouflage.search.base import Setting, strategies
from core.camouflage.search.evolution import Evolution, annealed
from core.camouflage.search.moves import mutated

SCREEN_SIZE = 84  # texels a side at which the pool is rendered: half the texture's
BLIND = 0.25  # share of the candidates taken without looking at the slope


@strategies.register("gradient")
class GradientGuided(Evolution):
    """(1 + lambda) evolution whose candidates are screened by the objective's slope."""

    guided = True

    def __init__(self, setting: Setting, rng: np.random.Generator) -> None:
        super().__init__(setting, rng)
        self.slope: tuple[Pattern, Tensor, Tensor] | None = None

    def guide(self, pattern: Pattern, texture: Tensor, slope: Tensor) -> None:
        """See :meth:`Strategy.guide`."""
        self.slope = pattern, texture, slope

    def ask(self, progress: float) -> list[Pattern]:
        """See :meth:`Strategy.ask`."""
        if self.parent is None or self.slope is None or self.slope[0] != self.parent:
            return super().ask(progress)
        step, setting = annealed(progress), self.setting
        pool: list[Pattern] = []
        for index in range(max(setting.pool, 2) * setting.population):
            scale = step * (1.0, 0.5, 0.25)[index % 3]
            pool.append(mutated(self.parent, scale, setting.space, self.rng, layout=setting.free_layout))
        pool = shrunk(pool, setting.area_cap)
        _, _, slope = self.slope
        with torch.inference_mode():
            # the parent's own term is the same for all and left out
            coarse = functional.avg_pool2d(slope, slope.shape[-1] // SCREEN_SIZE)
            gains = torch.einsum("bchw,chw->b", render(pool, SCREEN_SIZE), coarse).numpy()
        blind = max(1, round(BLIND * setting.population))
        chosen = [int(index) for index in np.argsort(gains)[: setting.population - blind]]
        rest = [index for index in range(len(pool)) if index not in set(chosen)]
        chosen += [int(index) for index in self.rng.choice(rest, blind, replace=False)]
        return self.fitted([pool[index] for index in chosen])
