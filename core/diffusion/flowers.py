"""The bundled prior: flowers, trained here (``python -m core train latent-diffusion``)."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from core import weights
from core.datasets.flowers import CLASSES
from core.diffusion import network
from core.diffusion.base import NOTHING, Card, Prior, cards, priors

CODER, DENOISER = "facet_flowers_autoencoder.safetensors", "facet_flowers_denoiser.safetensors"
CARD = Card(
    name="facet-flowers",
    title="Facet's flowers (960 photographs)",
    size=network.SIZE,
    latent=network.LATENT,
    classes=CLASSES,
    source="trained here; after arXiv 2112.10752",
    steps=20,
    guidance=4.0,
)


class Small(Prior):
    """A small latent-diffusion model with classes.

    Args:
        card: what is known of it.
        coder: ``AutoencoderKL``.
        denoiser: ``UNet2DModel`` with a class more than the card, the last for none.
        shift, scale: C each, the mean and deviation of the autoencoder's own latents.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, card: Card, coder: Any, denoiser: Any, shift: Tensor, scale: Tensor) -> None:
        super().__init__(card, network.noise())
        self.coder, self.denoiser = coder, denoiser
        self.register_buffer("shift", shift.view(1, -1, 1, 1))
        self.register_buffer("scale", scale.view(1, -1, 1, 1))
        self.eval().requires_grad_(False)

    def _decode(self, latents: Tensor) -> Tensor:
        return torch.as_tensor(self.coder.decode(latents * self.scale + self.shift).sample)

    def _encode(self, pixels: Tensor) -> Tensor:
        return torch.as_tensor((self.coder.encode(pixels).latent_dist.mean - self.shift) / self.scale)

    def _conditions(self, labels: list[str]) -> Tensor:
        known = self.classes
        return torch.tensor([len(known) if one == NOTHING else known.index(one) for one in labels])

    def _predict(self, noisy: Tensor, time: int, conditions: Tensor) -> Tensor:
        times = torch.full((len(noisy),), time)
        return torch.as_tensor(self.denoiser(noisy, times, class_labels=conditions).sample)


def read(folder: Path) -> Small:
    """The prior from its two files in ``folder``."""
    coder, denoiser = network.autoencoder(), network.denoiser(len(CLASSES))
    held = {name: value.float() for name, value in load_file(folder / CODER).items()}
    shift, scale = held.pop("shift"), held.pop("scale")
    coder.load_state_dict(held)
    denoiser.load_state_dict({name: value.float() for name, value in load_file(folder / DENOISER).items()})
    return Small(CARD, coder, denoiser, shift, scale)


cards[CARD.name] = CARD


@priors.register(CARD.name)
def load() -> Small:
    """The bundled prior.

    Raises:
        UserError: its weights are damaged.
    """
    return read(weights.resolve(CARD.name))
