"""JPEG's losses on a batch of tensors: colour space, chroma at half size, 8×8 DCT, quantisation.

The tables and the quality scale are those of ITU-T T.81 Annex K and of the Independent JPEG Group's
encoder, so the result follows a real file's closely; the entropy coding, which loses nothing, is left
out. Rounding passes the gradient straight through (our choice).
"""

from functools import lru_cache

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
    rows, columns = before if before is not None else (torch.eye(height), torch.eye(width))
    rows, columns = rows.to(images), columns.to(images)
    table = _table(quality, chroma=False).to(images), _table(quality, chroma=True).to(images)
    red, green, blue = (images * 255).unbind(1)
    luminance, *colour = (a * red + b * green + c * blue for a, b, c in _TO_YCC)
    y = _coded(luminance - 128, rows, columns, table[0], 1) + 128
    cb, cr = (_coded(plane, rows, columns, table[1], 1 + subsample) for plane in colour)
    rgb = torch.stack([a * y + b * cb + c * cr for a, b, c in _TO_RGB], 1)
    return (rgb / 255).clamp(0, 1)


def _coded(planes: Tensor, rows: Tensor, columns: Tensor, table: Tensor, factor: int) -> Tensor:
    """Transform N×H×W planes (reduced by ``factor``) block by block, quantise, transform back."""
    height, width = planes.shape[-2:]
    down, across = _transform(height, factor).to(planes), _transform(width, factor).to(planes)
    steps = table.tile(height // factor // 8, width // factor // 8)
    scaled = (down @ rows) @ planes @ (across @ columns).T / steps
    rounded = scaled + (scaled.round() - scaled).detach()
    return _enlarge(height, factor).to(planes) @ (rounded * steps) @ _enlarge(width, factor).to(planes).T


@lru_cache(maxsize=16)
def _transform(length: int, factor: int) -> Tensor:
    """Average ``factor`` neighbours, then the orthonormal DCT of every 8: (length / factor)×length."""
    at = torch.arange(8, dtype=torch.float64)
    block = torch.cos((2 * at[None, :] + 1) * at[:, None] * torch.pi / 16) / 2
    block[0] /= 2**0.5
    mean = torch.eye(length // factor, dtype=torch.float64).repeat_interleave(factor, 1) / factor
    return (torch.kron(torch.eye(length // factor // 8, dtype=torch.float64), block) @ mean).float()


@lru_cache(maxsize=16)
def _enlarge(length: int, factor: int) -> Tensor:
    """The inverse DCT and linear enlargement: length×(length / factor)."""
    inverse = _transform(length // factor, 1).T
    if factor == 1:
        return inverse
    signals = torch.eye(length // factor)[:, None]
    wider = F.interpolate(signals, length, mode="linear", align_corners=False)
    return wider[:, 0].T @ inverse


@lru_cache(maxsize=256)
def _table(quality: int, *, chroma: bool) -> Tensor:
    if not 1 <= quality <= 100:
        raise ValueError(f"a JPEG quality is 1..100, not {quality}")
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    base = torch.tensor(_CHROMINANCE if chroma else _LUMINANCE)
    return ((base * percent + 50) // 100).clamp(1, 255).float()
