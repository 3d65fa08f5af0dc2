import numpy as np
import pytest
from scipy.linalg import sqrtm

from core.metrics.natural import frechet, kernel

CHANCE = np.random.default_rng(0)


def test_frechet_is_the_textbook_formula() -> None:
    one = CHANCE.normal(size=(50, 4)) @ CHANCE.normal(size=(4, 4))
    other = CHANCE.normal(size=(60, 4)) @ CHANCE.normal(size=(4, 4)) + 1
    first, second = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    off = one.mean(0) - other.mean(0)
    expected = off @ off + np.trace(first + second - 2 * sqrtm(first @ second).real)
    assert frechet(one, other) == pytest.approx(expected, rel=1e-6)
    assert frechet(one, one[::-1]) == pytest.approx(0, abs=1e-6)


def test_frechet_of_shifted_sets_is_the_squared_shift() -> None:
    rows = CHANCE.normal(size=(30, 40))  # fewer rows than features
    assert frechet(rows, rows + 2) == pytest.approx(4 * 40, rel=1e-6)


def test_kernel_is_unbiased_and_sees_a_shift() -> None:
    same = [kernel(CHANCE.normal(size=(20, 3)), CHANCE.normal(size=(20, 3))) for _ in range(400)]
    assert abs(np.mean(same)) < 4 * np.std(same) / 20
    assert kernel(CHANCE.normal(size=(100, 3)), CHANCE.normal(size=(100, 3)) + 1) > 5 * np.std(same)


def test_kernel_leaves_a_row_out_of_its_own_mean() -> None:
    first, second = np.array([[1.0], [0.0]]), np.array([[0.0], [0.0]])
    # within: 1 and 1; across: (1 + 1 + 1 + 1) / 4
    assert kernel(first, second) == pytest.approx(0.0)


@pytest.mark.parametrize("distance", [frechet, kernel])
def test_sets_that_cannot_be_compared(distance) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError):
        distance(np.zeros((1, 3)), np.zeros((5, 3)))
    with pytest.raises(ValueError):
        distance(np.zeros((5, 2)), np.zeros((5, 3)))
