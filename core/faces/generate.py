"""Synthetic faces: nobody's photo, drawn from a seed, differentiable with respect to the latent."""

import functools
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import numpy as np
import torch
from torch import Tensor, nn

from core import weights
from core.faces._stylegan import LATENT as LATENT
from core.faces._stylegan import STYLES as STYLES
from core.faces._stylegan_ir import load_mapping, load_synthesis
from core.types import Pixels

SIZES = (512, 1024)
MEAN_SEED, MEAN_SAMPLES = 0, 4096  # our choice: the published files carry no mean style
_lock = Lock()


class FaceGenerator(nn.Module):
    """MobileStyleGAN trained on FFHQ (Belousov 2021, arXiv:2104.04767).

    Attributes:
        mean: 1×512, the mean style latent over a fixed sample; truncation pulls towards it.
    """

    mean: Tensor

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.mapping = load_mapping(folder)
        self.synthesis = load_synthesis(folder)
        generator = torch.Generator().manual_seed(MEAN_SEED)
        with torch.inference_mode():
            samples = self.mapping(torch.randn(MEAN_SAMPLES, LATENT, generator=generator))
        self.register_buffer("mean", samples.mean(0, keepdim=True).clone())

    def latents(self, seeds: Sequence[int], truncation: float = 0.7) -> Tensor:
        """Style latents of seeds; a seed's latent does not depend on the others.

        Args:
            seeds: any integers that ``torch.Generator.manual_seed`` accepts.
            truncation: 1 keeps the latent, 0 gives the mean face (Karras et al. 2019,
                arXiv:1812.04948, appendix B).

        Returns:
            N×512.

        Raises:
            ValueError: ``truncation`` is outside 0..1.
        """
        if not 0 <= truncation <= 1:
            raise ValueError("truncation lies between 0 and 1")
        if not seeds:
            return torch.empty(0, LATENT)
        draws = [torch.randn(LATENT, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        with torch.no_grad():
            return torch.lerp(self.mean, self.mapping(torch.stack(draws)), truncation)

    def forward(self, w: Tensor, size: int = 1024) -> Tensor:
        """Draw faces.

        Args:
            w: N×512 (one style for the whole picture, W) or N×23×512 (one a modulation, coarse to
                fine, W+).
            size: 1024, or 512, which is the same picture averaged over 2×2 pixels before clamping.

        Returns:
            N×3×size×size RGB in 0..1, differentiable with respect to ``w`` where it is not clamped.

        Raises:
            ValueError: wrong shape of ``w`` or another size.
        """
        if size not in SIZES:
            raise ValueError(f"size is one of {SIZES}")
        if w.shape[1:] == (LATENT,):
            w = w[:, None].expand(-1, STYLES, -1)
        if w.shape[1:] != (STYLES, LATENT):
            raise ValueError(f"w is N×{LATENT} or N×{STYLES}×{LATENT}, not {tuple(w.shape)}")
        picture: Tensor = self.synthesis(w, half=size == 512)
        return ((picture + 1) / 2).clamp(0, 1)


def load() -> FaceGenerator:
    """The generator of this process, built on first use (40 MB of weights, fetched when absent).

    Raises:
        UserError: the weights are missing, damaged or cannot be fetched.
    """
    with _lock:
        return _build(weights.resolve("mobilestylegan"))


@functools.lru_cache(maxsize=1)
def _build(folder: Path) -> FaceGenerator:
    return FaceGenerator(folder).eval().requires_grad_(False)


def to_pixels(pictures: Tensor) -> list[Pixels]:
    """Round N×3×H×W values in 0..1 to H×W×3 uint8 pictures."""
    rounded = pictures.detach().mul(255).round().clamp(0, 255).byte()
    return [np.ascontiguousarray(picture) for picture in rounded.permute(0, 2, 3, 1).numpy()]
