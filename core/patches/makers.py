"""The ways to make a patch, in one registry: all take the same task and tell what they cost.

Random colours, noise, a natural crop and, for impersonation, the target's own picture are what any attack
has to beat. The camouflage of ``core.camouflage`` is a system beside this one and cannot be called from
here: ``core.training.patch_camouflage`` may import both and registers it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.errors import Code, UserError
from core.patches import apply
from core.patches import victims as encoders
from core.patches.base import Victim
from core.patches.generator import PATCH, PatchGenerator, one_pass
from core.patches.pgd import Objective, descend
from core.patches.slots import Slot
from core.patches.victims import Counted
from core.registry import Registry

CELLS = 8  # a random patch's squares a side


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """Clean pictures of one person, with what the victims say of them.

    Attributes:
        pictures: G×3×H×W in 0..1.
        vectors: G×D unit vectors by victim.
    """

    pictures: Tensor
    vectors: Mapping[str, Tensor]

    @classmethod
    def of(cls, pictures: Tensor, victims: Sequence[Victim]) -> "Gallery":
        """A person's gallery, embedded."""
        return cls(pictures, encoders.embed(victims, pictures))


@dataclass(frozen=True, slots=True)
class Budget:
    """What an iterative attack may spend; the others need one pass or none.

    Attributes:
        steps: of the iteration.
        draws: conditions a step.

    Raises:
        UserError: ``OPTION_RANGE``.
    """

    steps: int = 40
    draws: int = 2

    def __post_init__(self) -> None:
        if not (1 <= self.steps <= 5000 and 1 <= self.draws <= 64):
            raise UserError(
                Code.OPTION_RANGE, "The budget is out of range.", "Use 1 to 5000 steps and 1 to 64 draws."
            )


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A patch and what it cost.

    Attributes:
        patch: 3×64×64 in 0..1.
        seconds: of wall time.
        cpu_seconds: of processor time over all threads of the process.
        victim_passes: pictures that went through victims.
    """

    patch: Tensor
    seconds: float
    cpu_seconds: float
    victim_passes: int


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What every way to make a patch is given.

    Attributes:
        probe: 3×H×W RGB in 0..1, who is to wear it.
        source: clean pictures of the same person that the attacker has.
        target: of whom the person is to be taken for; None for evasion.
        slot: where it sits.
        victims: the encoders that may be looked at (white box); none need be for those that do not look.
        seed: same seed, same patch.
        budget: of the iterative ones.
        stopped: asked at every step of the iterative ones, which then end with what they have.
    """

    probe: Tensor
    source: Gallery
    target: Gallery | None
    slot: Slot
    victims: Sequence[Victim]
    seed: int = 0
    budget: Budget = Budget()
    stopped: Callable[[], bool] = lambda: False


Maker = Callable[[Task], Tensor]
"""From a task to a patch, 3×64×64 in 0..1."""

makers: Registry[Maker] = Registry("way to make a patch")


def make(maker: Maker, task: Task) -> Made:
    """Make one patch with one of :data:`makers` (created), and count what it takes."""
    watched = [Counted(victim) for victim in task.victims]
    wall, processor = time.perf_counter(), time.process_time()
    patch = maker(replace(task, victims=watched)).detach()
    spent = time.perf_counter() - wall, time.process_time() - processor
    return Made(patch, *spent, sum(victim.pictures for victim in watched))


def blind(name: str, probes: Tensor, slot: Slot, seed: int = 0) -> Tensor:
    """Patches by one of the ways that look at no network, one a probe.

    Args:
        name: in :data:`makers`.
        probes: N×3×H×W in 0..1.
        slot: where they will sit.
        seed: of the first; each probe adds its number.

    Returns:
        N×3×64×64 in 0..1.
    """
    maker, nothing = makers.create(name), Gallery(probes[:0], {})
    return torch.stack(
        [maker(Task(probe, nothing, None, slot, (), seed + row)) for row, probe in enumerate(probes)]
    )


@makers.register("random")
def _random() -> Maker:
    """Squares of random colours."""

    def run(task: Task) -> Tensor:
        cells = torch.rand(1, 3, CELLS, CELLS, generator=torch.Generator().manual_seed(task.seed))
        return functional.interpolate(cells, PATCH, mode="nearest")[0]

    return run


@makers.register("noise")
def _noise() -> Maker:
    """Every pixel a random colour."""
    return lambda task: torch.rand(3, PATCH, PATCH, generator=torch.Generator().manual_seed(task.seed))


@makers.register("natural crop")
def _natural() -> Maker:
    """A square out of a photograph without people."""
    return lambda task: natural_crops(1, np.random.default_rng(task.seed))[0]


@makers.register("target crop")
def _target() -> Maker:
    """What the target's first picture shows at the same place: no network is looked at."""

    def run(task: Task) -> Tensor:
        if task.target is None:
            raise UserError(
                Code.OPTION_RANGE, "This way to make a patch needs a target.", "Choose impersonation."
            )
        return apply.cut(task.target.pictures[:1], task.slot)[0]

    return run


@makers.register("pgd")
def _pgd(objective: Objective | None = None) -> Maker:
    """Projected gradient descent with momentum under drawn conditions, for each probe anew."""
    aim = objective or Objective()

    def run(task: Task) -> Tensor:
        target = None if task.target is None else task.target.vectors
        return descend(
            task.probe,
            task.source.vectors,
            target,
            task.slot,
            task.victims,
            aim,
            task.seed,
            task.budget.steps,
            task.budget.draws,
            stopped=task.stopped,
        )

    return run


@makers.register("generator")
def _generator(model: PatchGenerator) -> Maker:
    """One forward pass of a trained generator; for impersonation it sees the target's first picture."""

    def run(task: Task) -> Tensor:
        target = None if task.target is None else task.target.pictures[:1]
        return one_pass(model, task.probe[None], task.slot, target, task.victims)[0]

    return run


def natural_crops(count: int, chance: np.random.Generator) -> Tensor:
    """N×3×64×64 squares in 0..1, one to three times reduced, of scikit-learn's two photographs."""
    crops = []
    for _ in range(count):
        picture = _photographs()[chance.integers(2)]
        side = int(chance.integers(PATCH, 3 * PATCH))
        y, x = (int(chance.integers(length - side + 1)) for length in picture.shape[1:])
        part = picture[None, :, y : y + side, x : x + side]
        crops.append(functional.interpolate(part, PATCH, mode="bilinear", antialias=True)[0])
    return torch.stack(crops)


@lru_cache(maxsize=1)
def _photographs() -> tuple[Tensor, ...]:
    """A Chinese palace and a flower, 3×427×640 in 0..1; scikit-learn brings them along."""
    from sklearn.datasets import load_sample_images

    return tuple(torch.tensor(p).permute(2, 0, 1).float() / 255 for p in load_sample_images().images)
