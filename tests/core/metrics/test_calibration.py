import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

from core.metrics.calibration import brier, negative_log_likelihood, reliability

RNG = np.random.default_rng(0)
PROBABILITIES = RNG.dirichlet(np.ones(4), 200)
TRUTH = RNG.integers(0, 4, 200)


def test_scores_agree_with_scikit_learn():
    assert negative_log_likelihood(PROBABILITIES, TRUTH) == pytest.approx(log_loss(TRUTH, PROBABILITIES))
    expected = brier_score_loss(TRUTH, PROBABILITIES, labels=[0, 1, 2, 3], scale_by_half=False)
    assert brier(PROBABILITIES, TRUTH) == pytest.approx(expected)


def test_diagram_agrees_with_scikit_learn():
    confidence, correct = PROBABILITIES.max(axis=1), PROBABILITIES.argmax(axis=1) == TRUTH
    ours = reliability(confidence, correct, bins=10)
    accuracy, mean = calibration_curve(correct, confidence, n_bins=10)
    filled = ours.count > 0
    np.testing.assert_allclose(ours.accuracy[filled], accuracy)
    np.testing.assert_allclose(ours.confidence[filled], mean)
    assert ours.count.sum() == 200


def test_golden_expected_error():
    # Two bins: .6 and .8 with one right of two, 1.0 with one right of one; .2 with none right.
    result = reliability(np.array([0.6, 0.8, 1.0, 0.2]), np.array([True, False, True, False]), bins=2)
    assert result.count.tolist() == [1, 3]
    assert result.expected_error == pytest.approx((0.2 * 1 + (2.4 / 3 - 2 / 3) * 3) / 4)
    assert reliability(np.ones(5), np.ones(5, bool)).expected_error == 0


def test_edges_fall_into_the_lower_bin():
    assert reliability(np.array([0.0, 0.5, 0.51]), np.ones(3, bool), bins=2).count.tolist() == [2, 1]


def test_extremes():
    one_hot = np.eye(3)
    assert brier(one_hot, np.arange(3)) == 0
    assert brier(one_hot, np.array([1, 2, 0])) == 2
    assert negative_log_likelihood(one_hot, np.arange(3)) == 0
    assert negative_log_likelihood(one_hot, np.array([1, 2, 0])) == np.inf
    with pytest.raises(ValueError, match=r"0\.\.1"):
        reliability(np.array([1.2]), np.array([True]))
