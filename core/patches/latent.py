"""Natural patches: p = Dec(z0 + delta), with the offset held within a radius, or sampling that is steered.

Method card of arXiv 2603.15396 (naturalistic variant). The radius r bounds the root of the mean square over
a latent's values: RMS(delta) <= r RMS(z0), for each latent on its own. At 0 the patch is the prior's own
picture. The steps follow Dong et al., arXiv 1710.06081, with the length of the whole latent in place of the
sign.
"""

from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from core.diffusion import Prior, towards
from core.errors import Code, UserError
from core.patches.generator import PATCH
from core.patches.makers import Task
from core.patches.pgd import Cost, Objective, falling

RADIUS: Final = 0.5  # where nobody asks for one
LARGEST: Final = 4.0  # radius and rate; beyond that the prior has no say
INSIDE: Final = 1 - 1e-6  # so that rounding never leaves the radius


@dataclass(frozen=True, slots=True)
class Course:
    """How the offset is looked for.

    Attributes:
        radius: 0 to 4, a share of the RMS of z0.
        steps: of the descent, at least 1.
        draws: conditions a step, at least 1.
        rate: of the first step, a share of the radius; it falls to a tenth along a cosine.
        decay: of the momentum.
        objective: what is lowered.

    Raises:
        UserError: ``OPTION_RANGE``.
    """

    radius: float = RADIUS
    steps: int = 40
    draws: int = 2
    rate: float = 0.3
    decay: float = 0.9
    objective: Objective = field(default_factory=Objective)

    def __post_init__(self) -> None:
        check("radius", self.radius)
        if not (1 <= self.steps <= 5000 and 1 <= self.draws <= 64 and self.rate > 0):
            raise UserError(
                Code.OPTION_RANGE, "The budget is out of range.", "Use 1 to 5000 steps and 1 to 64 draws."
            )


def check(name: str, value: float) -> None:
    """A radius or a rate.

    Raises:
        UserError: ``OPTION_RANGE``: it is not in 0..4.
    """
    if not 0 <= value <= LARGEST:
        raise UserError(Code.OPTION_RANGE, f"The {name} is out of range.", f"Use 0 to {LARGEST:g}.")


def rms(latents: Tensor) -> Tensor:
    """N×C×h×w -> N×1×1×1, the root of the mean square of each; its slope at 0 is 0."""
    return latents.square().mean((1, 2, 3), keepdim=True).clamp_min(1e-24).sqrt()


def limited(offset: Tensor, start: Tensor, radius: float) -> Tensor:
    """The nearest offset within the radius, differentiable.

    Args:
        offset: N×C×h×w.
        start: N×C×h×w or 1×C×h×w, z0.
        radius: a share of the RMS of each z0.

    Returns:
        N×C×h×w; an offset that lies within comes back bit for bit.
    """
    length, limit = rms(offset), radius * rms(start)
    return torch.where(length <= limit, offset, offset * (INSIDE * limit / length))


def decoded(prior: Prior, latents: Tensor) -> Tensor:
    """Latents as patches, N×3×64×64 in 0..1, differentiable."""
    pictures = prior.decode(latents)
    if pictures.shape[2:] == (PATCH, PATCH):
        return pictures
    small = functional.interpolate(pictures, (PATCH, PATCH), mode="bilinear", antialias=True)
    return small.clamp(0, 1)


def encoded(prior: Prior, pictures: Tensor) -> Tensor:
    """N×3×h×w in 0..1 of any size -> latents to begin with, without a graph.

    Raises:
        UserError: the prior has no encoder.
    """
    side = prior.card.size
    with torch.no_grad():
        fitted = functional.interpolate(pictures, (side, side), mode="bilinear", antialias=True)
        return prior.encode(fitted.clamp(0, 1))


def descend(prior: Prior, start: Tensor, task: Task, course: Course) -> Tensor:
    """The offset with which one probe's patch lowers the objective.

    Args:
        prior: whose decoder shows the latents.
        start: 1×C×h×w, z0.
        task: for whom; its budget is not looked at.
        course: how.

    Returns:
        1×C×h×w, within the radius.

    Raises:
        UserError: ``OPTION_RANGE`` without victims.
    """
    cost = _cost(task, course.objective, course.draws)
    offset = torch.zeros_like(start)
    if course.radius == 0:
        return offset
    momentum = torch.zeros_like(offset)
    reach = course.radius * rms(start)
    for share in falling(course.steps):
        if task.stopped():
            break
        offset.requires_grad_(True)
        (slope,) = torch.autograd.grad(cost(decoded(prior, start + offset)), offset)
        momentum = course.decay * momentum + slope / rms(slope)
        step = course.rate * share * reach * momentum / rms(momentum)
        offset = limited(offset.detach() - step, start, course.radius)
    return offset.detach()


def guided(
    prior: Prior,
    label: str,
    task: Task,
    rate: float,
    objective: Objective,
    *,
    steps: int | None = None,
    guidance: float | None = None,
    draws: int = 2,
) -> Tensor:
    """A sample whose drawing the attack's gradient steers; 1×C×h×w.

    Args:
        prior: with a denoiser.
        label: one of its classes, or a sentence where it has none.
        task: for whom; its seed is the sample's. Once it is stopped the rest is drawn without steering.
        rate: RMS of the correction of the clean latent at each step; 0 is the plain sample.
        objective: what is lowered.
        steps, guidance: of sampling, None for the prior's own.
        draws: conditions a step.

    Raises:
        UserError: ``OPTION_RANGE``: options out of range, no victims, or a prior that cannot be steered.
    """
    check("rate", rate)
    if rate == 0:
        return prior.sample([label], task.seed, steps, guidance)
    cost = _cost(task, objective, draws)
    side = (PATCH, PATCH)

    def wanted(pictures: Tensor) -> Tensor:
        if pictures.shape[2:] != side:
            pictures = functional.interpolate(pictures, side, mode="bilinear", antialias=True).clamp(0, 1)
        return -cost(pictures)[None]

    steer = towards(prior, wanted, rate)

    def until_stopped(clean: Tensor) -> Tensor:
        return torch.zeros_like(clean) if task.stopped() else steer(clean)

    return prior.sample([label], task.seed, steps, guidance, until_stopped)


def _cost(task: Task, objective: Objective, draws: int) -> Cost:
    target = None if task.target is None else task.target.vectors
    return Cost(task.probe, task.source.vectors, target, task.slot, task.victims, objective, task.seed, draws)
