"""Resampling and blurring matrices, whose rows are zero but for a narrow band, as a few dense blocks."""

import torch
from torch import Tensor, nn


class Banded(nn.Module):
    """A matrix M that multiplies images along their rows or their columns.

    M's rows are taken in groups, and each group is multiplied only with the part of the images that it
    looks at: for a band that is a fraction of the work of one dense product.

    Args:
        matrix: m×n float, at least one value of every row not zero.
        blocks: groups of rows; with many of them their products become too small to be quick.

    Attributes:
        span: the first column of M that is not zero, and the one after the last.
    """

    def __init__(self, matrix: Tensor, blocks: int = 8) -> None:
        super().__init__()
        self._spans: list[tuple[int, int]] = []
        for index, block in enumerate(matrix.chunk(blocks)):
            (used,) = torch.nonzero((block != 0).any(0), as_tuple=True)
            first, last = int(used[0]), int(used[-1]) + 1
            self._spans.append((first, last))
            self.register_buffer(f"block_{index}", block[:, first:last].contiguous(), persistent=False)
        self.span = min(first for first, _ in self._spans), max(last for _, last in self._spans)

    def rows(self, images: Tensor) -> Tensor:
        """M X: ...×n×W -> ...×m×W."""
        blocks = zip(self.buffers(), self._spans, strict=True)
        return torch.cat([block @ images[..., first:last, :] for block, (first, last) in blocks], -2)

    def columns(self, images: Tensor, start: int = 0) -> Tensor:
        """X Mᵀ: ...×H×n -> ...×H×m; the images may lack the first ``start`` columns, and unused last ones."""
        blocks = zip(self.buffers(), self._spans, strict=True)
        return torch.cat(
            [images[..., first - start : last - start] @ block.mT for block, (first, last) in blocks], -1
        )
