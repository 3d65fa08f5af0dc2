"""How much a picture was changed, over all of it or inside a mask."""

import numpy as np
from scipy.ndimage import gaussian_filter

from core.types import FloatArray, Mask, Pixels

PEAK = 255.0
_SIGMA, _RADIUS = 1.5, 5
_C1, _C2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2


def psnr(reference: Pixels, changed: Pixels, mask: Mask | None = None) -> float:
    """Peak signal-to-noise ratio in dB; inf for equal pictures.

    Args:
        reference: H×W×3 uint8.
        changed: H×W×3 uint8.
        mask: H×W, the pixels that count; None for all.

    Raises:
        ValueError: shapes differ, or the mask is empty.
    """
    _check(reference, changed, mask)
    error = (reference.astype(np.float64) - changed) ** 2
    mean = float(np.mean(error if mask is None else error[mask]))
    return float("inf") if mean == 0 else 10 * float(np.log10(PEAK**2 / mean))


def ssim(reference: Pixels, changed: Pixels, mask: Mask | None = None) -> float:
    """Mean structural similarity, -1..1, 1 for equal pictures.

    Without a mask the mean leaves out a border of 5 pixels, where the window hangs over the edge. Arguments
    and errors as :func:`psnr`; both sides are at least 11 pixels.
    """
    values = ssim_map(reference, changed)
    if mask is None:
        return float(values[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS].mean())
    _check(reference, changed, mask)
    return float(values[mask].mean())


def ssim_map(reference: Pixels, changed: Pixels) -> FloatArray:
    """Structural similarity at every pixel, averaged over the colours.

    Wang et al., "Image Quality Assessment", IEEE TIP 13(4), 2004, equation 13 with an 11×11 Gaussian window
    of sigma 1.5, K1 = 0.01, K2 = 0.03 and population moments; edges are mirrored.

    Returns:
        H×W float64.
    """
    _check(reference, changed, None)
    if min(reference.shape[:2]) < 2 * _RADIUS + 1:
        raise ValueError("SSIM needs 11 pixels a side")
    x, y = reference.astype(np.float64), changed.astype(np.float64)
    mean_x, mean_y = _blur(x), _blur(y)
    var_x = _blur(x * x) - mean_x**2
    var_y = _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    structure = (2 * covariance + _C2) / (var_x + var_y + _C2)
    similarity: FloatArray = np.mean(luminance * structure, axis=2)
    return similarity


def _blur(x: FloatArray) -> FloatArray:
    blurred: FloatArray = gaussian_filter(x, _SIGMA, radius=_RADIUS, axes=(0, 1))
    return blurred


def _check(reference: Pixels, changed: Pixels, mask: Mask | None) -> None:
    if reference.shape != changed.shape or reference.ndim != 3:
        raise ValueError("both pictures are H×W×3 and of one size")
    if mask is not None and (mask.shape != reference.shape[:2] or not mask.any()):
        raise ValueError("the mask is H×W and not empty")
