"""What a search strategy is: it proposes patterns (ask) and is told what they scored (tell)."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from core.camouflage.matching import limited, varied
from core.camouflage.pattern import Pattern
from core.camouflage.space import SpaceOptions, random_pattern
from core.registry import Registry


@dataclass(frozen=True, slots=True)
class Setting:
    """What every strategy is built with.

    Attributes:
        space: the searched part of the pattern space.
        population: candidates of one generation, at least 2.
        area_cap: share of the valid region; larger candidates are shrunk to it before they are tried.
        free_layout: mirror and repeat are searched too, else they stay as ``space`` has them.
        pool: mutants that a guided strategy draws and renders for each one it tries.
    """

    space: SpaceOptions
    population: int
    area_cap: float
    free_layout: bool = True
    pool: int = 8


class Strategy(ABC):
    """A search over patterns; lower scores are better.

    Attributes:
        guided: wants :meth:`guide` to be called before each ask.
    """

    guided = False

    def __init__(self, setting: Setting, rng: np.random.Generator) -> None:
        self.setting = setting
        self.rng = rng

    @abstractmethod
    def ask(self, progress: float) -> list[Pattern]:
        """Candidates to be scored next.

        Args:
            progress: share of the budget that is spent, 0..1, for steps that are annealed.
        """

    @abstractmethod
    def tell(self, patterns: Sequence[Pattern], scores: Sequence[float]) -> None:
        """The scores of the last asked candidates, in their order; also called once at the start with
        the initial population (random patterns and perhaps a given one)."""

    def guide(self, pattern: Pattern, texture: Tensor, slope: Tensor) -> None:
        """Learn the objective's slope at the incumbent: texture 4×S×S and gradient 4×S×S."""
        del pattern, texture, slope

    def refresh(self, score: float) -> None:
        """The incumbent's score under new conditions; strategies that keep scores forget the old ones."""
        del score

    def draw(self) -> Pattern:
        """A random pattern of the searched space."""
        space = self.setting.space
        return random_pattern(self.rng, varied(space, self.rng) if self.setting.free_layout else space)

    def fitted(self, patterns: Sequence[Pattern]) -> list[Pattern]:
        """Candidates shrunk to the area cap where they exceed it."""
        return limited(patterns, self.setting.area_cap)


strategies: Registry[Strategy] = Registry("search strategy")
