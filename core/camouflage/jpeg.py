"""JPEG's losses on a batch of tensors: colour space, chroma at half size, 8×8 DCT, quantisation.

The tables and the quality scale are those of ITU-T T.81 Annex K and of the Independent JPEG Group's
encoder, so the result follows a real file's closely; the entropy coding, which loses nothing, is left
out. Rounding passes the gradient straight through (our choice).
"""

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from core.recognition.banded import Banded

_LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *(((99,) * 8,) * 4),
)
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


class Codec:
    """JPEG of pictures of one size, after a linear map of their rows and columns (a blur, a cut).

    The transform of 8×8 blocks is a product of the whole picture with two block-diagonal matrices, so
    it melts into the map before it, and its inverse into the enlargement of the colours after it.

    Args:
        rows: h×H and
        columns: w×W, applied to the picture first; h and w are multiples of 16 (8 without ``subsample``).
        subsample: keep the colour at half the resolution, as most encoders do (4:2:0).
    """

    def __init__(self, rows: Tensor, columns: Tensor, *, subsample: bool = True) -> None:
        height, width = len(rows), len(columns)
        step = 16 if subsample else 8
        if height % step or width % step:
            raise ValueError(f"height and width must be multiples of {step}, not {height}×{width}")
        self.luma = _Planes(rows, columns, 1)
        self.chroma = _Planes(rows, columns, 1 + subsample)

    def __call__(self, ycc: Tensor, quality: int) -> Tensor:
        """The pictures as they come back from the file.

        Args:
            ycc: 3×N×H×W, the planes of :func:`planes`.
            quality: 1..100, the usual scale.

        Returns:
            N×3×h×w RGB in 0..1.
        """
        y = self.luma(ycc[0], _table(quality, chroma=False)).add_(128 / 255)
        blue, red = self.chroma(ycc[1:].flatten(0, 1), _table(quality, chroma=True)).chunk(2)
        (_, _, to_red), (_, green_blue, green_red), (_, to_blue, _) = _TO_RGB
        images = y[:, None].repeat(1, 3, 1, 1)
        images[:, 0].add_(red, alpha=to_red)
        images[:, 1].add_(blue, alpha=green_blue).add_(red, alpha=green_red)
        images[:, 2].add_(blue, alpha=to_blue)
        return images.clamp_(0, 1)


class _Planes:
    """One sort of planes on its way through the file: N×H×W to N×h×w."""

    def __init__(self, rows: Tensor, columns: Tensor, factor: int) -> None:
        self.there = _transform(rows, factor), _transform(columns, factor)
        self.back = _inverse(len(rows), factor, 1 / 255), _inverse(len(columns), factor)

    def __call__(self, planes: Tensor, table: Tensor) -> Tensor:
        (rows, columns), (back_rows, back_columns) = self.there, self.back
        found = columns.columns(rows.rows(planes))
        count, height, width = found.shape
        steps = table.repeat(1, width // 8)  # one row of tables serves all rows of blocks
        scaled = found.reshape(count, height // 8, 8, width) / steps
        if scaled.requires_grad:
            rounded = (scaled + (scaled.round() - scaled).detach()) * steps
        else:
            rounded = scaled.round_().mul_(steps)
        return back_rows.rows(back_columns.columns(rounded.flatten(1, 2)))


def recompress(
    images: Tensor, quality: int, *, subsample: bool = True, before: tuple[Tensor, Tensor] | None = None
) -> Tensor:
    """Images as they come back from a JPEG file.

    Args:
        images: N×3×H×W RGB in 0..1; H and W are multiples of 16 (8 without ``subsample``).
        quality: 1..100, the usual scale.
        subsample: keep the colour at half the resolution, as most encoders do (4:2:0).
        before: an H×H and a W×W matrix applied to rows and columns first, for instance a blur.

    Returns:
        N×3×H×W in 0..1.
    """
    rows, columns = before or (torch.eye(images.shape[2]), torch.eye(images.shape[3]))
    ycc = planes(images.flatten(2)).reshape(3, -1, *images.shape[2:])
    return Codec(rows, columns, subsample=subsample)(ycc, quality)


def planes(values: Tensor) -> Tensor:
    """N×3×M pixels, RGB in 0..1, as planes 3×N×M: Y - 128, Cb and Cr, of 255."""
    offset = values.new_tensor([-128.0, 0.0, 0.0])[:, None, None]
    return torch.einsum("kc,ncm->knm", 255 * values.new_tensor(_TO_YCC), values).add(offset)


def _transform(before: Tensor, factor: int) -> Banded:
    """The map before, the mean of every ``factor`` rows of it, and the DCT of every 8 of those."""
    reduced = before.double().reshape(-1, factor, before.shape[1]).mean(1)
    return _banded(_cosines(len(reduced)) @ reduced)


def _inverse(length: int, factor: int, gain: float = 1.0) -> Banded:
    """The inverse DCT of length / factor coefficients, enlarged to the length between their centres."""
    matrix = gain * _cosines(length // factor).T
    if factor > 1:
        signals = matrix.T[:, None]  # as signals, one for each coefficient
        matrix = F.interpolate(signals, length, mode="linear", align_corners=False)[:, 0].T
    return _banded(matrix)


def _banded(matrix: Tensor) -> Banded:
    """With block borders that are borders of the picture's 8×8 blocks too."""
    return Banded(matrix.float(), max(len(matrix) // 16, 1))


def _cosines(length: int) -> Tensor:
    """The orthonormal DCT of every 8 samples: length×length float64, zero but for its 8×8 blocks."""
    at = torch.arange(8, dtype=torch.float64)
    one = torch.cos((2 * at[None, :] + 1) * at[:, None] * math.pi / 16) / 2
    one[0] /= 2**0.5
    return torch.kron(torch.eye(length // 8, dtype=torch.float64), one)


@lru_cache(maxsize=256)
def _table(quality: int, *, chroma: bool) -> Tensor:
    if not 1 <= quality <= 100:
        raise ValueError(f"a JPEG quality is 1..100, not {quality}")
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    base = np.array(_CHROMINANCE if chroma else _LUMINANCE)
    steps = ((base * percent + 50) // 100).clip(1, 255)
    with torch.inference_mode(False):  # kept for later calls, which may want gradients
        return torch.tensor(steps, dtype=torch.float32)
