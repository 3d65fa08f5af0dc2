"""The figures against hand counts; annotations of -1 and -5 never enter."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from core.abaw.score import dimension_ccc, expression_f1, unit_f1
from core.metrics.agreement import ccc

RNG = np.random.default_rng(0)


def test_macro_f1_golden_and_against_the_oracle():
    truth = np.array([0, 0, 1, 1, 2])
    f1 = expression_f1(truth, np.array([0, 1, 1, 1, 0]))
    np.testing.assert_allclose(f1, [0.5, 0.8, 0, 0, 0, 0, 0, 0])
    truth, predicted = RNG.integers(0, 8, 400), RNG.integers(0, 8, 400)
    oracle = f1_score(truth, predicted, average="macro", labels=range(8), zero_division=0)
    assert expression_f1(truth, predicted).mean() == pytest.approx(oracle)


def test_annotations_of_minus_1_never_enter_expressions():
    truth, predicted = RNG.integers(0, 8, 400), RNG.integers(0, 8, 400)
    unknown = RNG.random(400) < 0.3
    marked = np.where(unknown, -1, truth)
    np.testing.assert_array_equal(
        expression_f1(marked, predicted), expression_f1(truth[~unknown], predicted[~unknown])
    )
    other_answers = np.where(unknown, RNG.integers(-1, 8, 400), predicted)
    np.testing.assert_array_equal(expression_f1(marked, predicted), expression_f1(marked, other_answers))


def test_undecided_frames_count_as_wrong():
    np.testing.assert_allclose(expression_f1(np.array([3, 3]), np.array([3, -1]))[3], 2 / 3)


def test_undecided_frames_are_no_answer_of_another_class():
    f1 = expression_f1(np.array([0, 3, 7]), np.array([0, -1, 7]))
    np.testing.assert_allclose(f1, [1, 0, 0, 0, 0, 0, 0, 1])


def test_ccc_goldens():
    x = RNG.normal(size=300)
    x -= x.mean()
    truth = np.stack([x, x], axis=1)
    assert dimension_ccc(truth, np.stack([x, -x], axis=1)) == pytest.approx((1, -1))
    shifted, scaled = dimension_ccc(truth, np.stack([x + 0.3, 2 * x], axis=1))
    assert shifted == pytest.approx(2 * x.var() / (2 * x.var() + 0.09))
    assert scaled == pytest.approx(4 / 5)


def test_annotations_of_minus_5_never_enter_dimensions():
    truth, predicted = RNG.uniform(-1, 1, (2, 200, 2))
    marked = truth.copy()
    marked[:40] = -5
    marked[40:50, 1] = -5
    expected = ccc(truth[50:, 0], predicted[50:, 0]), ccc(truth[50:, 1], predicted[50:, 1])
    assert dimension_ccc(marked, predicted) == pytest.approx(expected)


def test_undecided_dimensions_count_as_0():
    truth = RNG.uniform(-1, 1, (50, 2))
    predicted = truth.copy()
    predicted[:10] = np.nan
    assert dimension_ccc(truth, predicted) == dimension_ccc(truth, np.nan_to_num(predicted))


def test_annotations_of_minus_1_never_enter_action_units_and_f1_is_of_the_present():
    truth, active = RNG.integers(0, 2, (300, 12)), RNG.random((300, 12)) > 0.4
    marked = np.where(RNG.random((300, 12)) < 0.3, -1, truth)
    for unit in range(12):
        known = marked[:, unit] >= 0
        oracle = f1_score(truth[known, unit], active[known, unit], zero_division=0)
        assert unit_f1(marked, active)[unit] == pytest.approx(oracle)
    assert not unit_f1(np.zeros((3, 12), int), np.zeros((3, 12), bool)).any()
    with pytest.raises(ValueError, match="one shape"):
        unit_f1(truth, active[:5])
