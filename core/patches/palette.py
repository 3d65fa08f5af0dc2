"""Colours that a printer can put on paper, and how a printed patch departs from the pixels that were sent."""

import torch
from torch import Tensor

# sRGB of the eight full overprints of cyan, magenta and yellow on coated paper under even light, in the order
# of their bits (cyan 1, magenta 2, yellow 4). Our readings of common printers' charts, not those of one.
SOLIDS = (
    (242, 240, 236),  # paper
    (0, 148, 206),  # cyan
    (208, 30, 116),  # magenta
    (48, 44, 118),  # cyan and magenta
    (246, 224, 20),  # yellow
    (12, 142, 72),  # cyan and yellow
    (214, 40, 38),  # magenta and yellow
    (42, 38, 40),  # all three
)
COVERAGES = (0.0, 0.5, 1.0)  # of each ink


def printable() -> Tensor:
    """27×3 sRGB in 0..1: what three inks give at three coverages each.

    Halftone dots of independent inks overlap by chance (Demichel's equations), and a raster of overprints is
    seen as their mean (Neugebauer's model), taken in sRGB for simplicity.
    """
    solids = torch.tensor(SOLIDS) / 255
    cover = torch.cartesian_prod(*[torch.tensor(COVERAGES)] * 3)
    weights = torch.ones(len(cover), 8)
    for ink in range(3):
        bit = (torch.arange(8) >> ink) & 1
        share = cover[:, ink, None]
        weights *= torch.where(bit.bool(), share, 1 - share)
    return weights @ solids


def nearest(patches: Tensor, colours: Tensor) -> tuple[Tensor, Tensor]:
    """The closest colour of a palette for every pixel.

    Args:
        patches: N×3×h×w in 0..1.
        colours: K×3.

    Returns:
        N×3×h×w colours without gradients, and N×h×w Euclidean distances, differentiable in the patches.
    """
    pixels = patches.movedim(1, -1)
    with torch.no_grad():
        chosen = colours[torch.cdist(pixels.reshape(-1, 3), colours).argmin(1)].reshape(pixels.shape)
    # the root has no slope at 0, where a pixel is printable already
    distance = ((pixels - chosen).square().sum(-1) + 1e-12).sqrt()
    return chosen.movedim(-1, 1), distance
