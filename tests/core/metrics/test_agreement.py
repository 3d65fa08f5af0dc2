import numpy as np
import pytest

from core.metrics.agreement import ccc

X = np.random.default_rng(0).normal(size=500)
X = X - X.mean()


def test_golden_values():
    variance = X.var()
    assert ccc(X, X) == pytest.approx(1)
    assert ccc(X, -X) == pytest.approx(-1)
    for c in (0.1, 1.0, -3.0):
        assert ccc(X, X + c) == pytest.approx(2 * variance / (2 * variance + c**2))
    for a in (0.2, 1.0, 5.0):
        assert ccc(X, a * X) == pytest.approx(2 * a / (1 + a**2))


def test_population_moments_also_on_three_points():
    # By hand: cov 2/3 * 1/2, var 2/3 and 1/6, means 1 and 1/2: 2/3 / (2/3 + 1/6 + 1/4).
    assert ccc(np.array([0.0, 1, 2]), np.array([0.0, 0.5, 1])) == pytest.approx((2 / 3) / (13 / 12))


def test_symmetric_and_not_above_the_correlation():
    y = X + np.random.default_rng(1).normal(size=500) + 0.3
    assert ccc(X, y) == pytest.approx(ccc(y, X))
    assert ccc(X, y) < np.corrcoef(X, y)[0, 1]


def test_constant_series():
    assert ccc(X, np.ones(500)) == pytest.approx(0)
    assert ccc(np.zeros(5), np.ones(5)) == 0
    assert np.isnan(ccc(np.ones(5), np.ones(5)))


@pytest.mark.parametrize(("x", "y"), [([], []), ([1.0], [1.0, 2.0]), ([[1.0]], [[1.0]])])
def test_unequal_lengths_are_refused(x, y):
    with pytest.raises(ValueError, match="same length"):
        ccc(np.array(x), np.array(y))
