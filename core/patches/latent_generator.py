"""A natural patch in one forward pass: a generator predicts the offset of a latent, a frozen prior shows it.

Encoder, decoder and common part are those of :class:`core.patches.generator.PatchGenerator`, put out at the
latent's size: the common part is an offset for each place, which no picture changes. z0 is one sample of the
prior and lies in the generator's file.
"""

import torch
from torch import Tensor

from core import diffusion
from core.diffusion import Prior
from core.errors import Code, UserError
from core.patches import latent
from core.patches.generator import About, PatchGenerator
from core.patches.slots import Slot

SIDES = (4, 8, 16, 32, 64)  # that the decoder can reach


class LatentGenerator(PatchGenerator):
    """G(x_s, x_t, place) -> Dec(z0 + delta), RMS(delta) <= radius RMS(z0).

    Args:
        about: with prior, radius, label and sample.
        prior: None for the one that ``about`` names.
        start: z0, 1×C×h×w; None to sample it.

    Raises:
        UserError: ``OPTION_RANGE``: no such prior or label, a radius out of range, or latents that are no
            small square pictures.
    """

    start: Tensor

    def __init__(self, about: About, prior: Prior | None = None, start: Tensor | None = None) -> None:
        latent.check("radius", about.radius)
        prior = prior or diffusion.load(about.prior)
        _, height, width = prior.card.latent
        if height != width or height not in SIDES:
            raise UserError(
                Code.OPTION_RANGE,
                f"The latents of {prior.card.title} are no square pictures, which this generator draws.",
                "Choose another prior, or optimise the offset.",
            )
        super().__init__(about, prior.card.latent)
        self._prior = (prior,)  # in a tuple, so that its weights are no part of this module's
        if start is None:
            start = prior.sample([about.label], about.sample)
        self.register_buffer("start", start.clone())

    @property
    def prior(self) -> Prior:
        """Whose decoder shows the latents."""
        return self._prior[0]

    def forward(
        self, source: Tensor, slot: Slot, target: Tensor | None = None, told: Tensor | None = None
    ) -> Tensor:
        """One pass; as :meth:`core.patches.generator.PatchGenerator.forward`."""
        offset = self.offset(source, slot, target, told)
        return latent.decoded(self.prior.to(source.device), self.start + offset)

    def offset(
        self, source: Tensor, slot: Slot, target: Tensor | None = None, told: Tensor | None = None
    ) -> Tensor:
        """N×C×h×w within the radius; arguments as :meth:`forward`."""
        return latent.limited(self.drawn(source, slot, target, told), self.start, self.about.radius)

    @torch.no_grad()
    def natural(self) -> Tensor:
        """The prior's own picture, with which it begins, 1×3×64×64."""
        return latent.decoded(self.prior.to(self.start.device), self.start)
