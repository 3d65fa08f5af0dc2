"""Bilinear sampling at fixed places, as weighted sums of four pixels each."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, slots=True, eq=False)
class Taps:
    """What N samples of a picture are made of.

    Many pictures that are sampled alike lie side by side: a row of numbers for each pixel, one number
    for each picture and channel. That is quicker than ``grid_sample``, which gathers plane by plane.

    Attributes:
        pixels: N×4 int32, indices of pixels, row by row.
        weights: N×4 float32.
    """

    pixels: Tensor
    weights: Tensor

    def sample(self, rows: Tensor) -> Tensor:
        """Pixels×C -> N×C."""
        return F.embedding_bag(self.pixels, rows, per_sample_weights=self.weights, mode="sum")


def taps(grid: Tensor, height: int, width: int) -> Taps:
    """Sample where a grid says; places beyond the picture repeat its border.

    Args:
        grid: N×2, x and y in -1..1 from edge to edge (``align_corners=False``).
        height: rows of the picture, at least 2.
        width: its columns, at least 2.
    """
    size = grid.new_tensor([width, height])
    at = (((grid + 1) * size - 1) / 2).clamp_min(0).minimum(size - 1)
    first = at.floor().minimum(size - 2)
    right, down = (at - first).unbind(1)
    column, row = first.to(torch.int32).unbind(1)
    corner = row * width + column
    pixels = torch.stack([corner, corner + 1, corner + width, corner + width + 1], 1)
    weights = [(1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down]
    return Taps(pixels, torch.stack(weights, 1))
