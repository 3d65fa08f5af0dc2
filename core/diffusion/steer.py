"""Corrections that steer the sampling of a prior towards what an objective wants."""

from collections.abc import Callable

import torch
from torch import Tensor

from core.diffusion.base import Prior, Steer

Objective = Callable[[Tensor], Tensor]


def towards(prior: Prior, objective: Objective, rate: float) -> Steer:
    """Steps of a fixed length up the gradient of an objective of the pictures.

    Args:
        prior: whose decoder shows the latents.
        objective: N×3×H×W in 0..1 -> N numbers that are to grow, differentiable.
        rate: length of a step, as the root of the mean square over a latent's values.

    Returns:
        For :meth:`core.diffusion.base.Prior.sample`. A latent without a gradient stays where it is.
    """

    def correction(clean: Tensor) -> Tensor:
        latents = clean.detach().requires_grad_()
        (slope,) = torch.autograd.grad(objective(prior.decode(latents)).sum(), latents)
        length = slope.square().mean((1, 2, 3), keepdim=True).sqrt()
        return rate * slope / length.clamp_min(1e-12)

    return correction
