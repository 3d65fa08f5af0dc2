"""Tiny priors with made-up weights, in the manner of the bundled one and of the face generator."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from core.diffusion import flowers, network
from core.diffusion.base import NOTHING, Prior

CARD = replace(
    flowers.CARD, name="tiny", size=32, latent=(2, 8, 8), classes=("rose", "tulip"), steps=3, guidance=1.0
)


GAIN = 3.0


class TinyPrior(Prior):
    """A linear autoencoder of 4×4 blocks, and a denoiser that knows a colour for each class."""

    def __init__(self) -> None:
        super().__init__(CARD, network.noise())
        chance = torch.Generator().manual_seed(0)
        columns = torch.linalg.qr(torch.randn(48, 2, generator=chance))[0]
        self.register_buffer("columns", columns)
        self.eval().requires_grad_(False)

    def _decode(self, latents: Tensor) -> Tensor:
        rows = GAIN * torch.einsum("kc,nchw->nkhw", self.columns, latents)
        return nn.functional.pixel_shuffle(rows, 4)

    def _encode(self, pixels: Tensor) -> Tensor:
        return torch.einsum("kc,nkhw->nchw", self.columns, nn.functional.pixel_unshuffle(pixels, 4)) / GAIN

    def _conditions(self, labels: list[str]) -> Tensor:
        return torch.tensor([{"rose": 0.5, "tulip": -0.5, NOTHING: 0.0}[label] for label in labels])

    def _predict(self, noisy: Tensor, time: int, conditions: Tensor) -> Tensor:
        kept = float(self.noise.alphas_cumprod[time])
        clean = conditions.view(-1, 1, 1, 1) + 0.5 * kept**0.5 * noisy
        added = (noisy - kept**0.5 * clean) / (1 - kept) ** 0.5
        return kept**0.5 * added - (1 - kept) ** 0.5 * clean


class TinyFaces(nn.Module):
    """A face generator with styles of eight values, 32 px."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.mapping = nn.Linear(8, 8)
        self.synthesis = nn.Linear(8, 3 * 32 * 32)

    def forward(self, w: Tensor, size: int) -> Tensor:
        picture: Tensor = self.synthesis(w).view(-1, 3, 32, 32)
        return (picture / 4 + 0.5).clamp(0, 1)
