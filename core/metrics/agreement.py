"""How well two continuous series agree."""

import numpy as np

from core.types import FloatArray


def ccc(x: FloatArray, y: FloatArray) -> float:
    """Concordance correlation coefficient, with population moments throughout.

    ``2 cov(x, y) / (var x + var y + (mean x - mean y)^2)`` (Lin 1989, "A Concordance Correlation
    Coefficient to Evaluate Reproducibility", Biometrics 45, with moments of 1/n). Mixing an n-1 covariance
    with n variances, as some challenge code does, is too large by n / (n - 1).

    Args:
        x: N values.
        y: N values in the same unit.

    Returns:
        -1 to 1; nan when both series are constant and equal, where agreement is undefined.

    Raises:
        ValueError: the series are not two lists of the same length, at least one.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1 or not x.size:
        raise ValueError("x and y are two lists of the same length, at least one")
    mean_x, mean_y = x.mean(), y.mean()
    spread = x.var() + y.var() + (mean_x - mean_y) ** 2
    if spread == 0:
        return float("nan")
    return float(2 * np.mean((x - mean_x) * (y - mean_y)) / spread)
