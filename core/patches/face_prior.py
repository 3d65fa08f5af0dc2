"""Face-like and make-up-like patches: the latent of the face generator as a prior beside latent diffusion.

It has a decoder only: what needs an encoder or a denoiser is refused. A latent is one style for the whole
picture, on the longest principal axes of the styles of drawn faces (as in arXiv 2004.02546) and over the
deviation along each. With a style for each modulation and all axes, an attack within a radius of 0.7 left no
face, only plain colours.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.diffusion.base import NOTHING, Card, Prior, Steer, cards, priors
from core.errors import Code, UserError
from core.faces import generate
from core.patches.apply import SIDE

DRAWN: Final = 512  # pixels of a whole face
FACE: Final = "face"
SAMPLES: Final = 4096  # whose axes and deviations are taken
AXES: Final = 64  # of 512
TRUNCATION: Final = 0.7

REGIONS: Final[Mapping[str, tuple[str, tuple[float, float, float, float]]]] = {
    "synthetic-face": ("the face", (0.14, 0.2, 0.86, 0.92)),
    "synthetic-eyes": ("the eyes and their make-up", (0.14, 0.32, 0.86, 0.6)),
}
"""Name of the prior: what it shows, and left, top, right and bottom as shares of the whole picture."""


class FacePrior(Prior):
    """Part of a synthetic face, 64×64.

    Args:
        card: what is known of it; the latent is the number of axes × 1 × 1.
        model: a face generator as ``core.faces.generate.FaceGenerator``.
        box: left, top, right and bottom of the part, shares of the whole picture.
        width: of a style.
    """

    axes: Tensor
    back: Tensor
    mean: Tensor

    def __init__(
        self,
        card: Card,
        model: nn.Module,
        box: tuple[float, float, float, float],
        width: int = generate.LATENT,
    ) -> None:
        super().__init__(card, None)
        self.model, self.box, self.width = model, box, width
        chance = torch.Generator().manual_seed(0)
        with torch.no_grad():
            styles = model.mapping(torch.randn(SAMPLES, width, generator=chance))  # type: ignore[operator]
        variances, axes = torch.linalg.eigh(styles.T.cov())
        longest = slice(width - card.latent[0], None)  # they come in ascending order
        deviations, axes = variances[longest].clamp_min(1e-12).sqrt(), axes[:, longest]
        self.register_buffer("mean", styles.mean(0))
        self.register_buffer("axes", (axes * deviations).T.contiguous())
        self.register_buffer("back", axes / deviations)
        self.eval().requires_grad_(False)

    @torch.no_grad()
    def sample(
        self,
        labels: Sequence[str],
        seed: int = 0,
        steps: int | None = None,
        guidance: float | None = None,
        steer: Steer | None = None,
    ) -> Tensor:
        """Draw faces: label n has the face of ``seed + n``, truncated to 0.7 (arXiv 1812.04948).

        Raises:
            UserError: ``OPTION_RANGE``: a label other than "face" and "", or steps, guidance or a steer, for
                which a prior needs a denoiser.
        """
        if steps is not None or guidance is not None or steer is not None:
            raise self._lacks("denoiser", "Draw it without steps and guidance, or optimise the offset.")
        if not labels or any(label not in (FACE, NOTHING) for label in labels):
            raise UserError(
                Code.OPTION_RANGE,
                "The face generator knows no classes.",
                f"Leave the label out or say {FACE!r}.",
            )
        chance = [torch.Generator().manual_seed(seed + number) for number in range(len(labels))]
        noise = torch.stack([torch.randn(self.width, generator=one) for one in chance])
        styles: Tensor = (self.model.mapping(noise) - self.mean) @ self.back  # type: ignore[operator]
        return TRUNCATION * styles[:, :, None, None]

    def _decode(self, latents: Tensor) -> Tensor:
        styles = latents[..., 0, 0] @ self.axes + self.mean
        whole = self.model(styles, DRAWN)
        side = whole.shape[2]
        left, top, right, bottom = (round(share * side) for share in self.box)
        part = whole[:, :, top:bottom, left:right]
        small: Tensor = functional.interpolate(part, (SIDE, SIDE), mode="bilinear", antialias=True)
        return small * 2 - 1

    def _encode(self, pixels: Tensor) -> Tensor:
        raise self._lacks("encoder", "Begin with a seed instead of a picture.")

    def _conditions(self, labels: list[str]) -> Tensor:
        raise self._lacks("denoiser", "Draw it without steps and guidance.")

    def _predict(self, noisy: Tensor, time: int, conditions: Tensor) -> Tensor:
        raise self._lacks("denoiser", "Draw it without steps and guidance.")

    def _lacks(self, part: str, hint: str) -> UserError:
        return UserError(Code.OPTION_RANGE, f"The face generator has no {part}.", hint)


def _register(name: str, shows: str, box: tuple[float, float, float, float]) -> None:
    card = Card(
        name=name,
        title=f"Synthetic faces (MobileStyleGAN): {shows}",
        size=SIDE,
        latent=(AXES, 1, 1),
        classes=(FACE,),
        source="arXiv 2104.04767",
        steps=1,
        guidance=1.0,
    )
    cards[name] = card

    @priors.register(name)
    def load() -> FacePrior:
        return FacePrior(card, generate.load(), box)


for _name, (_shows, _box) in REGIONS.items():
    _register(_name, _shows, _box)
