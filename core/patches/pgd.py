"""The slow way: a patch for one probe by projected gradient descent with momentum.

Dong et al., "Boosting Adversarial Attacks with Momentum", arXiv 1710.06081 (algorithm 1), with an expectation
over drawn conditions (arXiv 1707.07397) in place of the single gradient.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor

from core.errors import Code, UserError
from core.patches import apply, losses
from core.patches.apply import Conditions
from core.patches.base import Victim
from core.patches.generator import PATCH
from core.patches.palette import printable
from core.patches.slots import Slot

EASED: Final = 0.3
"""Share of the full conditions under which patches are made: under all of them much of the effect is lost."""


@dataclass(frozen=True, slots=True)
class Objective:
    """What a patch is made to lower; the iterative way and the training of a generator share it.

    Attributes:
        push_margin: m_s, a cosine.
        pull_margin: m_t, a cosine.
        push: lambda of impersonation.
        variation: weight of total variation.
        print: weight of printability.
        size: weight of the L2 size of the change.
        naturalness: weight of adversarial naturalness (training only).
        conditions: under which it has to hold; without them :data:`EASED` ones, as the bundled generators
            learnt under.

    Raises:
        UserError: ``OPTION_RANGE``: a margin that is no cosine, or a weight below 0.
    """

    push_margin: float = -0.3
    pull_margin: float = 0.7
    push: float = 0.3
    variation: float = 0.02
    print: float = 0.01
    size: float = 0.0
    naturalness: float = 0.0
    conditions: Conditions = field(default_factory=lambda: Conditions().eased(EASED))

    def __post_init__(self) -> None:
        if not (-1 <= self.push_margin <= 1 and -1 <= self.pull_margin <= 1):
            raise UserError(Code.OPTION_RANGE, "A margin is a cosine.", "Use -1 to 1.")
        if min(self.push, self.variation, self.print, self.size, self.naturalness) < 0:
            raise UserError(Code.OPTION_RANGE, "A weight is negative.", "Use 0 or more.")

    def attack(
        self,
        attacked: Mapping[str, Tensor],
        source: Mapping[str, Tensor],
        target: Mapping[str, Tensor] | None,
    ) -> Tensor:
        """Push or pull and push, the mean over the victims by whose names the vectors are given.

        Args:
            attacked: N×D unit vectors.
            source: N×G×D.
            target: N×G×D, or None for evasion.
        """
        each = [
            losses.attack(
                vectors,
                source[name],
                None if target is None else target[name],
                push_margin=self.push_margin,
                pull_margin=self.pull_margin,
                push_weight=self.push,
            )
            for name, vectors in attacked.items()
        ]
        return torch.stack(each).mean()

    def looks(self, patches: Tensor, attacked: Tensor, clean: Tensor) -> Tensor:
        """What the patches N×3×h×w and the pictures N×3×H×W that wear them cost by their looks."""
        total = self.variation * losses.total_variation(patches)
        total = total + self.print * losses.printability(patches, printable().to(patches))
        return total + self.size * losses.size(attacked, clean)


class Cost:
    """What a patch costs its attacker, under conditions that are drawn anew at each call.

    Args:
        probe: 3×H×W in 0..1.
        source: G×D unit vectors of the same person by victim.
        target: G×D unit vectors of the target, or None for evasion.
        slot: the place.
        victims: whose gradients are followed.
        objective: what is lowered.
        seed: of the conditions.
        draws: conditions a call.

    Attributes:
        chance: where the conditions come from.

    Raises:
        UserError: ``OPTION_RANGE`` without victims.
    """

    def __init__(
        self,
        probe: Tensor,
        source: Mapping[str, Tensor],
        target: Mapping[str, Tensor] | None,
        slot: Slot,
        victims: Sequence[Victim],
        objective: Objective,
        seed: int,
        draws: int,
    ) -> None:
        if not victims:
            raise UserError(Code.OPTION_RANGE, "There is nobody to attack.", "Choose at least one encoder.")
        self.chance = torch.Generator().manual_seed(seed)
        self._victims, self._slot, self._objective, self._draws = victims, slot, objective, draws
        self._pictures = probe.expand(draws, -1, -1, -1)
        names = [victim.name for victim in victims]
        self._source = {name: source[name].expand(draws, -1, -1) for name in names}
        self._target = None if target is None else {n: target[n].expand(draws, -1, -1) for n in names}

    def __call__(self, patch: Tensor) -> Tensor:
        """1×3×h×w in 0..1 -> one number without dimensions, differentiable."""
        drawn = apply.draw(self._objective.conditions, self._draws, self.chance)
        worn = apply.paste(self._pictures, patch, self._slot, drawn).pictures
        vectors = {victim.name: victim.embed(worn) for victim in self._victims}
        cost = self._objective.attack(vectors, self._source, self._target)
        return cost + self._objective.looks(patch, worn, self._pictures)


def falling(steps: int) -> list[float]:
    """Shares of the first step's length for each step: from 1 to a tenth along a cosine."""
    shares: list[float] = (0.55 + 0.45 * torch.linspace(0, torch.pi, steps).cos()).tolist()
    return shares


def descend(
    probe: Tensor,
    source: Mapping[str, Tensor],
    target: Mapping[str, Tensor] | None,
    slot: Slot,
    victims: Sequence[Victim],
    objective: Objective,
    seed: int,
    steps: int,
    draws: int,
    *,
    decay: float = 0.9,
    rate: float = 0.06,
    stopped: Callable[[], bool] = lambda: False,
) -> Tensor:
    """One probe's patch.

    Args:
        probe: 3×H×W in 0..1.
        source: G×D unit vectors of the same person by victim.
        target: G×D unit vectors of the target, or None for evasion.
        slot: the place.
        victims: whose gradients are followed.
        objective: what is lowered.
        seed: of the first patch and the conditions.
        steps: of the iteration.
        draws: conditions a step.
        decay: of the momentum.
        rate: largest change of a pixel a step; it falls to a tenth along a cosine.
        stopped: asked before every step; the patch so far comes back.

    Returns:
        3×64×64 in 0..1.

    Raises:
        UserError: ``OPTION_RANGE`` without victims.
    """
    cost = Cost(probe, source, target, slot, victims, objective, seed, draws)
    patch = torch.rand(3, PATCH, PATCH, generator=cost.chance).mul(0.2).add(0.4)
    momentum = torch.zeros_like(patch)
    for share in falling(steps):
        if stopped():
            break
        patch.requires_grad_(True)
        (slope,) = torch.autograd.grad(cost(patch[None]), patch)
        momentum = decay * momentum + slope / slope.abs().mean().clamp_min(1e-12)
        patch = (patch.detach() - rate * share * momentum.sign()).clamp(0, 1)
    return patch.detach()
