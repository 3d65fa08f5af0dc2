"""Train the bundled latent diffusion: ``python -m core train latent-diffusion``.

First the autoencoder on crops of the training photographs at all scales (absolute differences of values and
of neighbours, a little of the divergence from a normal distribution); then, in the latents of crops that show
the flower, the denoiser (v-prediction, arXiv 2202.00512; a tenth of the labels left out, arXiv 2207.12598).
Of both an exponential mean of the weights is kept.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

from core.datasets import flowers as photographs
from core.datasets.flowers import CLASSES, Photographs
from core.diffusion import network
from core.diffusion.flowers import CODER, DENOISER
from core.training import bundled, latent_bank, loop
from core.training.loop import Options, Outcome, Recipe
from core.types import Progress

DIVERGENCE = 2e-4
UNLABELLED = 0.1
SCALES = (64, 160)  # sides of crops in pixels of the photographs, for the autoencoder
PIXELS = Options(epochs=7, batch=16, clip=1.0, drop_last=True, every=200, precision="bf16")
LATENTS = Options(epochs=14, batch=32, clip=1.0, drop_last=True, every=200, precision="bf16")


class Averaged(nn.Module):
    """A network and the exponential mean of its weights, which answers outside training.

    The mean lags by the step that follows; it is a part of the state, so a checkpoint holds it.

    Args:
        net: what is trained.
        decay: of the mean, a step, at most; it begins lower.
    """

    count: Tensor

    def __init__(self, net: nn.Module, decay: float = 0.998) -> None:
        super().__init__()
        self.net, self.mean, self.decay = net, deepcopy(net).requires_grad_(False), decay
        self.register_buffer("count", torch.zeros(()))

    def forward(self, *inputs: Tensor) -> Any:
        """As the network; in training the mean moves first."""
        if not self.training:
            return self.mean(*inputs)
        with torch.no_grad():
            self.count += 1
            share = min(self.decay, float((1 + self.count) / (10 + self.count)))
            for kept, fresh in zip(self.mean.parameters(), self.net.parameters(), strict=True):
                kept.lerp_(fresh, 1 - share)
        return self.net(*inputs)


class Reconstruct(nn.Module):
    """Pixels to their reconstruction from a drawn latent, and its distribution."""

    def __init__(self, coder: nn.Module) -> None:
        super().__init__()
        self.coder = coder

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """N×3×S×S in -1..1 -> the same again, N×4×S/4×S/4 means and logarithms of variances."""
        spread = self.coder.encode(pixels).latent_dist  # type: ignore[operator]
        drawn = spread.mean + spread.std * torch.randn_like(spread.mean)
        return self.coder.decode(drawn).sample, spread.mean, spread.logvar  # type: ignore[operator]


class Denoise(nn.Module):
    """A noisy latent, its time and its class to v."""

    def __init__(self, unet: nn.Module) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, noisy: Tensor, times: Tensor, labels: Tensor) -> Tensor:
        """N×4×16×16, N, N -> N×4×16×16."""
        found: Tensor = self.unet(noisy, times, class_labels=labels).sample
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A batch."""

    inputs: Tensor | tuple[Tensor, ...]
    labels: Tensor | tuple[Tensor, ...]


class Crops:
    """Crops of photographs for the autoencoder, drawn anew each time.

    Args:
        found: the photographs.
        each: how often an epoch shows a photograph.
    """

    def __init__(self, found: Photographs, each: int = 4) -> None:
        self.pictures = latent_bank.as_pictures(found)
        self.each = each

    def __len__(self) -> int:
        return len(self.pictures) * self.each

    def rows(self, numbers: NDArray[np.int64]) -> Rows:
        """See :class:`core.training.loop.Source`."""
        pixels = latent_bank.crops(self.pictures[torch.from_numpy(numbers % len(self.pictures))], SCALES)
        return Rows(pixels, pixels)


class Noisy:
    """Latents with noise for the denoiser.

    Args:
        latents: N×4×16×16, scaled.
        labels: N.
    """

    def __init__(self, latents: Tensor, labels: Tensor) -> None:
        self.latents, self.labels, self.noise = latents, labels, network.noise()

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, numbers: NDArray[np.int64]) -> Rows:
        """See :class:`core.training.loop.Source`."""
        picked = torch.from_numpy(numbers)
        clean, count = self.latents[picked].float(), len(picked)
        added, times = torch.randn_like(clean), torch.randint(0, network.TIMES, (count,))
        labels = self.labels[picked].masked_fill(torch.rand(count) < UNLABELLED, len(CLASSES))
        inputs = (self.noise.add_noise(clean, added, times), times, labels)
        return Rows(inputs, self.noise.get_velocity(clean, added, times))


def reconstruction_loss(outputs: tuple[Tensor, Tensor, Tensor], pixels: Tensor) -> Tensor:
    """Absolute differences of values and of neighbours, and the divergence of the latents."""
    found, mean, logvar = outputs
    off = found - pixels
    edges = off.diff(dim=2).abs().mean() + off.diff(dim=3).abs().mean()
    divergence = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
    return off.abs().mean() + 0.5 * edges + DIVERGENCE * divergence


def train_autoencoder(data: Path, out: Path, options: Options = PIXELS) -> Iterator[Progress | Outcome]:
    """Train the autoencoder in ``out/autoencoder``, or go on; see :func:`core.training.loop.run`."""
    torch.manual_seed(options.seed)
    model = Averaged(Reconstruct(network.autoencoder()), 0.995)
    source = Crops(photographs.read(data, CLASSES, "train"))
    recipe = Recipe(model, source, reconstruction_loss, _optimiser(2e-3), _cycle(2e-3))
    return loop.run(recipe, out / "autoencoder", options)


def train_denoiser(data: Path, out: Path, options: Options = LATENTS) -> Iterator[Progress | Outcome]:
    """Train the denoiser in ``out/denoiser`` with the autoencoder of ``out``, or go on.

    Raises:
        UserError: the data is not there, or no autoencoder was trained in ``out``.
    """
    kept = latent_bank.bank(data, out)
    torch.manual_seed(options.seed)
    model = Averaged(Denoise(network.denoiser(len(CLASSES))))
    recipe = Recipe(
        model, Noisy(kept["latents"], kept["labels"]), nn.functional.mse_loss, _optimiser(8e-4), _cycle(8e-4)
    )
    return loop.run(recipe, out / "denoiser", options)


def install(out: Path, weights: Path) -> list[str]:
    """Put what was trained in ``out`` into the folder of weights, in half precision.

    Returns:
        The lines of the two files in the manifest.

    Raises:
        UserError: a part was not trained.
        ValueError: a file would be larger than ten megabytes.
    """
    kept = load_file(out / latent_bank.FILE)
    parts = {
        CODER: latent_bank.trained(out / "autoencoder", "coder")
        | {name: kept[name] for name in ("shift", "scale")},
        DENOISER: latent_bank.trained(out / "denoiser", "unet"),
    }
    return [
        bundled.install({name: value.half() for name, value in held.items()}, weights / file)
        for file, held in parts.items()
    ]


def _optimiser(rate: float) -> Any:
    return lambda parameters: torch.optim.AdamW(
        [one for one in parameters if one.requires_grad], rate, weight_decay=1e-4
    )


def _cycle(rate: float) -> Any:
    return lambda optimiser, steps: OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.1)
