"""What a generative prior of natural pictures is, and the registry of them.

prior = load("facet-flowers")
latents = prior.sample(["daisy"] * 4, seed=7)
pictures = prior.decode(latents)
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from core.errors import Code, UserError
from core.registry import Registry

Steer = Callable[[Tensor], Tensor]
NOTHING = ""  # the label that leaves the choice to the model


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a prior before it is loaded.

    Attributes:
        name: in the registry, and its entry in the weights manifest.
        title: for people, with the training data.
        size: side of its pictures in pixels.
        latent: channels, height and width of a latent.
        classes: what it can be asked for; empty where any sentence goes.
        source: paper or project.
        steps: of sampling, where nobody asks for a number.
        guidance: where nobody asks for a strength.
    """

    name: str
    title: str
    size: int
    latent: tuple[int, int, int]
    classes: tuple[str, ...]
    source: str
    steps: int
    guidance: float


class Prior(nn.Module, ABC):
    """An autoencoder and a denoiser of its latents, both frozen.

    Latents have a mean near 0 and a deviation near 1, so that a radius means the same in every prior.

    Attributes:
        card: what is known of it.
        noise: diffusers' scheduler, whose course of the noise and kind of prediction hold.
    """

    def __init__(self, card: Card, noise: Any) -> None:
        super().__init__()
        self.card = card
        self.noise = noise

    @property
    def name(self) -> str:
        """In the registry."""
        return self.card.name

    @property
    def classes(self) -> tuple[str, ...]:
        """What it can be asked for; empty where any sentence goes."""
        return self.card.classes

    def decode(self, latents: Tensor) -> Tensor:
        """N×C×h×w -> N×3×H×W RGB in 0..1, differentiable where it is not clamped."""
        return ((self._decode(latents) + 1) / 2).clamp(0, 1)

    def encode(self, pixels: Tensor) -> Tensor:
        """N×3×H×W RGB in 0..1 -> N×C×h×w, the mean of each latent, differentiable.

        Raises:
            ValueError: pictures of another shape.
        """
        if pixels.ndim != 4 or pixels.shape[1:] != (3, self.card.size, self.card.size):
            raise ValueError(f"pixels are N×3×{self.card.size}×{self.card.size}, not {tuple(pixels.shape)}")
        return self._encode(pixels * 2 - 1)

    def project(self, pixels: Tensor) -> Tensor:
        """The nearest that the decoder has: N×3×H×W in 0..1 -> the same through the latent and back."""
        return self.decode(self.encode(pixels))

    @torch.no_grad()
    def sample(
        self,
        labels: Sequence[str],
        seed: int = 0,
        steps: int | None = None,
        guidance: float | None = None,
        steer: Steer | None = None,
    ) -> Tensor:
        """Draw latents with DDIM (Song et al. 2021, arXiv 2010.02502); the same arguments give the same.

        Args:
            labels: N of ``card.classes``, or sentences where it has none; ``""`` for any.
            seed: of the noise that is begun with.
            steps: of the denoiser, from 1 on; None for the card's.
            guidance: how much further than without a label (arXiv 2207.12598): 0 ignores the labels, 1 takes
                the denoiser at its word; None for the card's.
            steer: called at each step with the predicted clean latents, N×C×h×w without a graph; what it
                returns is added to them before the next step's noise is put back (after He et al. 2024,
                arXiv 2311.16424). Gradients are on while it runs.

        Returns:
            N×C×h×w.

        Raises:
            UserError: ``OPTION_RANGE``: an unknown label, or steps or guidance out of their ranges.
        """
        steps = self.card.steps if steps is None else steps
        guidance = self.card.guidance if guidance is None else guidance
        self._check(labels, steps, guidance)
        chance = torch.Generator().manual_seed(seed)
        noisy = torch.stack([torch.randn(self.card.latent, generator=chance) for _ in labels])
        asked, nothing = self._conditions(list(labels)), self._conditions([NOTHING] * len(labels))
        course: Tensor = self.noise.alphas_cumprod
        times = torch.linspace(len(course) - 1, 0, steps + 1).round().long()[:-1].tolist()
        for time, following in zip(times, [*times[1:], None], strict=True):
            kept = float(course[time])
            clean, added = self._split(noisy, self._guided(noisy, time, asked, nothing, guidance), kept)
            if steer is not None:
                with torch.enable_grad():
                    clean = clean + steer(clean).detach()
            ahead = 1.0 if following is None else float(course[following])
            noisy = ahead**0.5 * clean + (1 - ahead) ** 0.5 * added
        return noisy

    def _check(self, labels: Sequence[str], steps: int, guidance: float) -> None:
        unknown = (
            [one for one in labels if one != NOTHING and one not in self.classes] if self.classes else []
        )
        if unknown:
            raise UserError(
                Code.OPTION_RANGE,
                f"{self.card.title} has never seen {unknown[0]!r}.",
                f"Choose one of: {', '.join(self.classes)}.",
            )
        if not labels or not 1 <= steps <= len(self.noise.alphas_cumprod) or guidance < 0:
            raise UserError(
                Code.OPTION_RANGE,
                "Sampling needs a label, at least one step and a guidance that is not negative.",
                "Give larger numbers.",
            )

    def _guided(self, noisy: Tensor, time: int, asked: Tensor, nothing: Tensor, guidance: float) -> Tensor:
        """The prediction, in the direction of what is asked."""
        if guidance == 1:
            return self._predict(noisy, time, asked)
        if guidance == 0:
            return self._predict(noisy, time, nothing)
        both = self._predict(torch.cat([noisy, noisy]), time, torch.cat([nothing, asked]))
        without, with_it = both.chunk(2)
        return torch.lerp(without, with_it, guidance)

    def _split(self, noisy: Tensor, predicted: Tensor, kept: float) -> tuple[Tensor, Tensor]:
        """The clean latent and the noise in it, from what the denoiser says at the share ``kept``."""
        signal, spread = kept**0.5, (1 - kept) ** 0.5
        match self.noise.config.prediction_type:
            case "v_prediction":
                return signal * noisy - spread * predicted, signal * predicted + spread * noisy
            case "epsilon":
                return (noisy - spread * predicted) / signal, predicted
            case kind:
                raise ValueError(f"no denoiser here predicts {kind}")

    @abstractmethod
    def _decode(self, latents: Tensor) -> Tensor:
        """N×C×h×w -> N×3×H×W in about -1..1."""

    @abstractmethod
    def _encode(self, pixels: Tensor) -> Tensor:
        """N×3×H×W in -1..1 -> N×C×h×w."""

    @abstractmethod
    def _conditions(self, labels: list[str]) -> Tensor:
        """N labels -> what the denoiser takes for them, N first."""

    @abstractmethod
    def _predict(self, noisy: Tensor, time: int, conditions: Tensor) -> Tensor:
        """The denoiser: N×C×h×w at a time of ``noise`` -> N×C×h×w."""


priors: Registry[Prior] = Registry("prior")
cards: dict[str, Card] = {}


def load(name: str) -> Prior:
    """The prior called ``name``, built at the first call and shared by the whole process.

    Raises:
        UserError: an unknown name, or weights that cannot be had.
    """
    return priors.shared(name)
