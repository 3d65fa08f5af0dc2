"""The native crop of a recogniser, cut out of the canonical frame by two small matrices.

A box in the canonical frame differs from it by a scale and a shift only, so resampling is separable:
rows times columns. Both matrices are constant, the product is differentiable, and fractional boxes
(and boxes that reach over the border) need no special case.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.faces.align import CANONICAL_SIZE, MARGIN, SCALE
from core.recognition.banded import Banded


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the canonical frame, in its pixels; pixel i covers i to i + 1.

    Attributes:
        x0: left edge.
        y0: upper edge.
        width: from left to right.
        height: from top to bottom; the native crop is square all the same (FaceNet's is squeezed).
    """

    x0: float
    y0: float
    width: float
    height: float

    def __post_init__(self) -> None:
        if not all(16 <= side <= 2 * CANONICAL_SIZE for side in (self.width, self.height)):
            raise ValueError("a native crop shows between 16 and 448 canonical pixels")

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """``(x0, y0, x1, y1)``, half-open canonical pixels."""
        return self.x0, self.y0, self.x0 + self.width, self.y0 + self.height


# Landmark templates put the centre of pixel i at i, boxes its left edge, hence the halves.
_EDGE = MARGIN + 0.5 - SCALE / 2
ARCFACE_BOX = Box(_EDGE, _EDGE, 112 * SCALE, 112 * SCALE)


def resampling_matrix(start: float, length: float, count: int, source: int = CANONICAL_SIZE) -> Tensor:
    """Weights that resample an interval of a line of pixels to ``count`` pixels.

    A triangle filter as wide as the larger of the two pixel sizes (bilinear when enlarging,
    anti-aliased when reducing, as in Pillow); what lies beyond the line repeats its ends.

    Args:
        start: where the interval begins, in source pixels.
        length: the interval's length in source pixels.
        count: output pixels.
        source: pixels of the line.

    Returns:
        count×source float32; rows sum to one.
    """
    step = length / count
    support = max(step, 1.0)
    centres = start + (torch.arange(count, dtype=torch.float64) + 0.5) * step
    first = int(torch.floor(centres[0] - support).item()) - 1
    last = int(torch.ceil(centres[-1] + support).item()) + 1
    positions = torch.arange(first, last + 1)
    weights = (1 - ((positions + 0.5)[None] - centres[:, None]).abs() / support).clamp_min(0)
    weights /= weights.sum(1, keepdim=True)
    matrix = torch.zeros(count, source, dtype=torch.float64)
    matrix.index_add_(1, positions.clamp(0, source - 1), weights)
    return matrix.float()


class Crop(nn.Module):
    """Resample a box of the canonical frame to a recogniser's native size."""

    def __init__(self, box: Box, size: int) -> None:
        super().__init__()
        self.down = Banded(resampling_matrix(box.y0, box.height, size))
        self.across = Banded(resampling_matrix(box.x0, box.width, size))

    def forward(self, aligned: Tensor) -> Tensor:
        """N×C×224×224 -> N×C×size×size, in the same range."""
        first, last = self.across.span
        narrow = self.down.rows(aligned[..., first:last])
        return self.across.columns(narrow, first)
