"""JPEG's losses on a batch of tensors: colour space, chroma at half size, 8×8 DCT, quantisation.

The tables and the quality scale are those of ITU-T T.81 Annex K and of the Independent JPEG Group's
encoder, so the result follows a real file's closely; the entropy coding, which loses nothing, is left
out. Rounding passes the gradient straight through (our choice).
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

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
    height, width = images.shape[-2:]
    step = 16 if subsample else 8
    if height % step or width % step:
        raise ValueError(f"height and width must be multiples of {step}, not {height}×{width}")
    ycc = _mixed(images, [[255 * part for part in row] for row in _TO_YCC], (-128.0, 0.0, 0.0))
    y = _coded(ycc[:, 0], quality, 1, before, chroma=False)
    chroma = _coded(ycc[:, 1:].reshape(-1, height, width), quality, 1 + subsample, before, chroma=True)
    if subsample:
        chroma = F.interpolate(chroma[:, None], (height, width), mode="bilinear", align_corners=False)
    ycc = torch.cat([y[:, None], chroma.reshape(-1, 2, height, width)], 1)
    bright = 128 / 255
    return _mixed(ycc, [[part / 255 for part in row] for row in _TO_RGB], (bright,) * 3).clamp(0, 1)


def _mixed(images: Tensor, rows: Sequence[Sequence[float]], offset: Sequence[float]) -> Tensor:
    """A 3×3 matrix and an offset on the channels of N×3×H×W."""
    matrix = images.new_tensor(rows).expand(len(images), 3, 3)
    start = images.new_tensor(offset)[None, :, None]
    return torch.baddbmm(start, matrix, images.flatten(2)).reshape(images.shape)


def _coded(
    planes: Tensor, quality: int, factor: int, before: tuple[Tensor, Tensor] | None, *, chroma: bool
) -> Tensor:
    """Reduce N×H×W planes by ``factor``, transform block by block, quantise, transform back."""
    transform, table = _transform().to(planes), _table(quality, chroma=chroma).to(planes)
    if before is not None:
        rows, columns = (matrix.to(planes) for matrix in before)
        planes = _mean(rows, factor) @ (planes @ _mean(columns, factor).T)
    elif factor > 1:
        planes = F.avg_pool2d(planes, factor)
    count, height, width = planes.shape
    blocks = planes.reshape(count, height // 8, 8, width // 8, 8).transpose(2, 3).reshape(-1, 64)
    scaled = blocks @ (transform.T / table)
    rounded = scaled + (scaled.round() - scaled).detach() if scaled.requires_grad else scaled.round()
    blocks = rounded @ (table[:, None] * transform)
    return blocks.reshape(count, height // 8, width // 8, 8, 8).transpose(2, 3).reshape(count, height, width)


def _mean(matrix: Tensor, factor: int) -> Tensor:
    """The matrix with every ``factor`` rows averaged."""
    return matrix.reshape(-1, factor, matrix.shape[1]).mean(1) if factor > 1 else matrix


@lru_cache(maxsize=1)
def _transform() -> Tensor:
    """The orthonormal two-dimensional DCT of an 8×8 block as a 64×64 matrix, samples -> coefficients."""
    at = np.arange(8)
    one = np.cos((2 * at[None, :] + 1) * at[:, None] * np.pi / 16) / 2
    one[0] /= 2**0.5
    with torch.inference_mode(False):  # kept for later calls, which may want gradients
        return torch.tensor(np.kron(one, one), dtype=torch.float32)


@lru_cache(maxsize=256)
def _table(quality: int, *, chroma: bool) -> Tensor:
    if not 1 <= quality <= 100:
        raise ValueError(f"a JPEG quality is 1..100, not {quality}")
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    base = np.array(_CHROMINANCE if chroma else _LUMINANCE)
    steps = ((base * percent + 50) // 100).clip(1, 255).reshape(64)
    with torch.inference_mode(False):
        return torch.tensor(steps, dtype=torch.float32)
