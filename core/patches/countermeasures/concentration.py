"""A patch localised by where activation gathers: it draws more of it than its place is used to.

A patch wins by large activations in few places, which PatchGuard (arXiv 2005.10884) finds by a sliding window
and masks. Here the window is compared with what clean pictures show in the same place, which is our choice.

It need not hold for every encoder: on MobileFaceNet's last map a square of 6 % that took the cosine from 0.84
to 0.13 was found no better than by chance (50 synthetic portraits: mean IoU 0.06).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.errors import Code, UserError
from core.patches.activation import placed, plain
from core.patches.base import Victim
from core.patches.countermeasures.base import BATCH, Purifier, References, detectors

GRID = 28  # places a side on which windows are compared
REACH = 5.0  # pixels about a mask from which a purified picture is filled


@dataclass(frozen=True)
class Concentration(Purifier):
    """The largest share of activation in one window, over the share that is usual there.

    Attributes:
        side: of the window, as a share of the picture's sides, 0.1..0.6.
        usual: by victim GRID×GRID, the clean pictures' mean density, sums to one; an even one where the
            detector was not fitted.

    Raises:
        UserError: ``OPTION_RANGE``.
    """

    side: float = 0.3
    usual: Mapping[str, Tensor] = field(default_factory=dict)
    name = "concentration"
    title = "activation concentration"
    source = "after arXiv 2005.10884"

    def __post_init__(self) -> None:
        if not 0.1 <= self.side <= 0.6:
            raise UserError(Code.OPTION_RANGE, "The window is out of range.", "Use 0.1 to 0.6.")

    def fit(self, pictures: Tensor, victims: Sequence[Victim], references: References | None = None) -> Self:
        """Keep the mean density of clean pictures, at least one."""
        with torch.no_grad():
            usual = {victim.name: density(victim, pictures).mean(0) for victim in victims}
        return replace(self, usual=usual)

    def excess(self, pictures: Tensor, victims: Sequence[Victim]) -> Tensor:
        """Log of each window's share of activation over the usual share, mean over the victims.

        Args:
            pictures: N×3×H×W RGB in 0..1.
            victims: whose activation.

        Returns:
            N×places×places, windows from border to border, differentiable; 0 where all is as usual.
        """
        total = []
        for victim in victims:
            found = self._shares(density(victim, pictures))
            usual = self.usual.get(victim.name)
            if usual is None:
                usual = torch.full((GRID, GRID), GRID**-2)
            # a floor, so that a corner that is never looked at does not decide
            floor = 0.1 * (self._side / GRID) ** 2
            total.append(((found + floor) / (self._shares(usual[None].to(found)) + floor)).log())
        return torch.stack(total).mean(0)

    def masks(self, pictures: Tensor, victims: Sequence[Victim]) -> Tensor:
        """The most suspicious window of every picture, N×1×H×W of 0 and 1."""
        with torch.no_grad():
            excess = self.excess(pictures, victims)
        height, width = pictures.shape[2:]
        places = excess.shape[2]
        found = pictures.new_zeros(len(pictures), 1, height, width)
        for mask, place in zip(found, excess.flatten(1).argmax(1).tolist(), strict=True):
            top, left = divmod(place, places)
            rows, columns = (
                slice(round(start * length / GRID), round((start + self._side) * length / GRID))
                for start, length in ((top, height), (left, width))
            )
            mask[0, rows, columns] = 1
        return found

    def clean(self, pictures: Tensor, victims: Sequence[Victim]) -> Tensor:
        """The suspicious window filled from its border (Telea 2004, "An Image Inpainting Technique ...")."""
        masks = self.masks(pictures, victims)[:, 0].byte().cpu().numpy()
        shown = pictures.detach().movedim(1, -1).mul(255).round().byte().cpu().numpy()
        filled = [
            cv2.inpaint(np.ascontiguousarray(picture), mask, REACH, cv2.INPAINT_TELEA)
            for picture, mask in zip(shown, masks, strict=True)
        ]
        result = torch.from_numpy(np.stack(filled)).movedim(-1, 1).to(pictures) / 255
        return torch.where(
            torch.from_numpy(masks).bool()[:, None].to(pictures.device), result, pictures
        ).detach()

    def _score(self, pictures: Tensor, victims: Sequence[Victim], references: References | None) -> Tensor:
        return self.excess(pictures, victims).flatten(1).amax(1)

    @property
    def _side(self) -> int:
        return round(self.side * GRID)

    def _shares(self, densities: Tensor) -> Tensor:
        """N×GRID×GRID -> N×places×places, what of each density lies in the window at each place."""
        return functional.avg_pool2d(densities[:, None], self._side, 1)[:, 0] * self._side**2


def density(victim: Victim, pictures: Tensor) -> Tensor:
    """Where in the picture a victim's activation lies, N×GRID×GRID, each summing to one, differentiable."""
    parts = [placed(plain(victim.maps(part)), victim) for part in torch.split(pictures, BATCH)]
    coarse = functional.adaptive_avg_pool2d(torch.cat(parts)[:, None], GRID)[:, 0]
    return coarse / coarse.sum((1, 2), keepdim=True).clamp_min(1e-12)


detectors.register(Concentration.name)(Concentration)
