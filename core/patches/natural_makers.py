"""Natural patches in the registry of makers; importing this module puts them there.

All take a prior of ``core.diffusion`` (or of :mod:`core.patches.face_prior`) by its name. The task's seed
is that of the sample, so that all of them start from the same picture as "natural sample" shows.
"""

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import torch
from torch import Tensor

from core import diffusion
from core.diffusion import Prior
from core.patches import face_prior, latent
from core.patches.latent import RADIUS, Course
from core.patches.latent_generator import LatentGenerator
from core.patches.makers import Maker, Task, makers
from core.patches.pgd import Objective

FLOWERS: Final = diffusion.flowers.CARD.name
LABEL: Final = "daisy"
NAMES: Final = ("natural sample", "latent offset", "guided sample", "latent generator")
QUICK: Final[Mapping[str, int]] = {FLOWERS: 40, **dict.fromkeys(face_prior.REGIONS, 8)}
"""Steps of "latent offset" that take at most a minute on two cores with three recognisers, by prior."""


def _prior(given: str | Prior) -> Prior:
    return diffusion.load(given) if isinstance(given, str) else given


def _label(prior: Prior, label: str | None) -> str:
    """What is asked for: by default a daisy of the flowers, of other priors anything."""
    if label is not None:
        return label
    return LABEL if LABEL in prior.classes else diffusion.NOTHING


def _start(prior: Prior, label: str | None, picture: Tensor | None, seed: int) -> Tensor:
    """z0, 1×C×h×w."""
    if picture is not None:
        return latent.encoded(prior, picture[None])
    return prior.sample([_label(prior, label)], seed)


@makers.register("natural sample")
def _sample(prior: str | Prior = FLOWERS, label: str | None = None, picture: Tensor | None = None) -> Maker:
    """The prior's own picture: what the attack on the latent has to beat.

    Args:
        prior: or its name.
        label: one of its classes.
        picture: 3×h×w in 0..1, shown through the autoencoder in place of a sample.
    """

    def run(task: Task) -> Tensor:
        model = _prior(prior)
        with torch.no_grad():
            return latent.decoded(model, _start(model, label, picture, task.seed))[0]

    return run


@makers.register("latent offset")
def _offset(
    prior: str | Prior = FLOWERS,
    label: str | None = None,
    radius: float = RADIUS,
    steps: int | None = None,
    picture: Tensor | None = None,
    objective: Objective | None = None,
) -> Maker:
    """An offset of the latent within a radius, looked for by gradient steps for each probe anew.

    Args:
        prior: or its name.
        label: one of its classes.
        radius: 0 to 4, a share of the RMS of z0.
        steps: None for the task's budget.
        picture: 3×h×w in 0..1 to begin with in place of a sample.
        objective: what is lowered.

    Raises:
        UserError: ``OPTION_RANGE``.
    """
    course = Course(radius, steps or 1, objective=objective or Objective())

    def run(task: Task) -> Tensor:
        model = _prior(prior)
        own = replace(course, steps=steps or task.budget.steps, draws=task.budget.draws)
        start = _start(model, label, picture, task.seed)
        offset = latent.descend(model, start, task, own)
        with torch.no_grad():
            return latent.decoded(model, start + offset)[0]

    return run


@makers.register("guided sample")
def _guided(
    prior: str | Prior = FLOWERS,
    label: str | None = None,
    rate: float = 0.2,
    steps: int | None = None,
    guidance: float | None = None,
    objective: Objective | None = None,
) -> Maker:
    """A sample whose drawing the attack's gradient steers.

    Args:
        prior: or its name.
        label: one of its classes.
        rate: 0 to 4, RMS of the correction at each step.
        steps: of sampling, None for the prior's own number.
        guidance: towards the label, None for the prior's own strength.
        objective: what is lowered.

    Raises:
        UserError: ``OPTION_RANGE``.
    """
    latent.check("rate", rate)
    aim = objective or Objective()

    def run(task: Task) -> Tensor:
        model = _prior(prior)
        found = latent.guided(
            model,
            _label(model, label),
            task,
            rate,
            aim,
            steps=steps,
            guidance=guidance,
            draws=task.budget.draws,
        )
        with torch.no_grad():
            return latent.decoded(model, found)[0]

    return run


@makers.register("latent generator")
def _generator(model: LatentGenerator, radius: float | None = None) -> Maker:
    """One forward pass of a generator that predicts the offset.

    Args:
        model: trained, with a sample of its own to begin with.
        radius: of the offset, a share of the RMS of z0; None for that of the training, which is the largest.

    Raises:
        UserError: ``OPTION_RANGE``: below 0.
    """
    if radius is None:
        return makers.create("generator", model)
    latent.check("radius", radius)
    near = copy.copy(model)  # shares the weights
    near.about = replace(model.about, radius=min(radius, model.about.radius))
    return makers.create("generator", near)
