"""A photo prepared for many patterns: only its skin changes, so only its skin is painted."""

from dataclasses import replace

import torch
from torch import Tensor

from core.camouflage.project import Surface, area, painted
from core.camouflage.render import TEXTURE_SIZE


class Stage:
    """The skin of a surface as a picture of one row, and what is left of the photo.

    Attributes:
        places: n, indices of the skin's pixels in the photo, row by row.
        shares: S×S, what each texel of a pattern's alpha adds to the painted share of the skin.
    """

    def __init__(self, surface: Surface) -> None:
        self.surface = surface
        x0, y0, _, _ = surface.window
        with torch.inference_mode(False):  # kept for later calls, which may want gradients
            rows, columns = torch.nonzero(surface.mask, as_tuple=True)
            self.places = (rows + y0) * surface.pixels.shape[1] + columns + x0
            self.skin = replace(
                surface,
                base=surface.base[:, None, rows, columns],
                grid=surface.grid[:, None, rows, columns],
                mask=surface.mask[None, rows, columns],
                gain=surface.gain[None, rows, columns],
                sheen=surface.sheen[None, rows, columns],
            )
            self.shares = _shares(self.skin)

    def background(self) -> Tensor:
        """3×H×W in 0..1, the photo."""
        return torch.from_numpy(self.surface.pixels.transpose(2, 0, 1).copy()).float().div_(255)

    def paint(self, textures: Tensor) -> Tensor:
        """The skin with each of B textures (B×4×S×S): B×3×n in 0..1."""
        return painted(self.skin, textures).flatten(2)

    def whole(self, values: Tensor) -> Tensor:
        """The photo with other values of the skin, B×3×n: B×3×H×W."""
        photo = self.background()
        images = photo.flatten(1).repeat(len(values), 1, 1).index_copy(2, self.places, values)
        return images.reshape(-1, *photo.shape)

    def areas(self, textures: Tensor, opacity: Tensor) -> Tensor:
        """:func:`core.camouflage.project.area` of B textures, as one product."""
        return textures[:, 3].flatten(1) @ self.shares.flatten() / opacity.clamp_min(1e-6)


def _shares(skin: Surface) -> Tensor:
    """The area is linear in the texture's alpha, so its derivative is the whole of it."""
    with torch.enable_grad():
        texture = torch.zeros(1, 4, TEXTURE_SIZE, TEXTURE_SIZE, requires_grad=True)
        return torch.autograd.grad(area(skin, texture, 1.0).sum(), texture)[0][0, 3]
