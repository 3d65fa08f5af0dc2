import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm
from sklearn.metrics import det_curve, roc_auc_score, roc_curve

from core.metrics.verification import at_far, at_threshold, det, equal_error_rate, roc, split


def draw(seed: int, ties: bool = False, genuine: int = 80, impostor: int = 300):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(1.2, 1, genuine), rng.normal(0, 1, impostor)
    return (a.round(1), b.round(1)) if ties else (a, b)


def labelled(genuine, impostor):
    return np.r_[np.ones(len(genuine)), np.zeros(len(impostor))], np.r_[genuine, impostor]


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_curve_and_area_agree_with_scikit_learn(seed, ties):
    genuine, impostor = draw(seed, ties)
    truth, scores = labelled(genuine, impostor)
    far, tar, thresholds = roc_curve(truth, scores, drop_intermediate=False)
    ours = roc(genuine, impostor)
    np.testing.assert_allclose(ours.far, far, atol=1e-12)
    np.testing.assert_allclose(ours.tar, tar, atol=1e-12)
    np.testing.assert_array_equal(ours.thresholds, thresholds)
    assert ours.auc == pytest.approx(roc_auc_score(truth, scores))
    assert (ours.genuine_pairs, ours.impostor_pairs) == (80, 300)


@pytest.mark.parametrize("ties", [False, True])
def test_the_curve_is_monotone_and_spans_everything(ties):
    curve = roc(*draw(3, ties))
    assert (np.diff(curve.far) >= 0).all() and (np.diff(curve.tar) >= 0).all()
    assert (np.diff(curve.thresholds) < 0).all()
    assert (curve.far[0], curve.tar[0], curve.far[-1], curve.tar[-1]) == (0, 0, 1, 1)
    np.testing.assert_allclose(curve.frr, 1 - curve.tar)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("target", [0, 1e-3, 0.01, 0.05, 0.3, 0.999, 1])
@pytest.mark.parametrize("seed", range(4))
def test_the_threshold_is_the_smallest_score_that_keeps_the_target(seed, target, ties):
    genuine, impostor = draw(seed, ties)
    point = at_far(genuine, impostor, target)
    scores = np.unique(np.r_[genuine, impostor])
    keeping = [score for score in scores if np.mean(impostor >= score) <= target]
    if keeping:
        assert point.threshold == min(keeping)
    else:
        assert point.threshold > scores.max()
    assert point.far == np.mean(impostor >= point.threshold) <= target
    assert point.tar == np.mean(genuine >= point.threshold)


def test_golden_operating_points():
    impostor = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    genuine = np.array([0.75, 0.95, 1.05, 1.2])
    tenth = at_far(genuine, impostor, 0.1)
    assert (tenth.threshold, tenth.far, tenth.tar) == (0.95, 0.1, 0.75)  # 0.9 itself would accept two
    none = at_far(genuine, impostor, 0.0)
    assert (none.threshold, none.far, none.tar) == (1.05, 0.0, 0.5)
    assert at_far(genuine, impostor, 1.0).threshold == 0.1


def test_tied_impostors_are_rejected_together():
    point = at_far(np.array([0.5, 0.9]), np.array([0.1, 0.5, 0.5, 0.5]), 0.5)
    assert (point.threshold, point.far, point.tar) == (0.9, 0.0, 0.5)


def test_a_target_that_no_score_keeps_rejects_all():
    point = at_far(np.array([0.2]), np.array([0.1, 0.9]), 0.4)
    assert point.threshold == np.nextafter(0.9, 1)
    assert (point.far, point.tar) == (0, 0)


def test_a_target_that_is_a_whole_number_of_pairs_is_met_in_spite_of_rounding():
    impostor = np.arange(1000.0)
    for allowed in range(1, 1000):
        assert round(at_far(np.array([2000.0]), impostor, allowed / 1000).far * 1000) == allowed


def test_a_target_below_one_impostor_is_marked():
    genuine, impostor = draw(0, impostor=100)
    assert not at_far(genuine, impostor, 1e-3).supported
    assert at_far(genuine, impostor, 1e-2).supported
    assert at_far(genuine, impostor, 1e-2).impostor_pairs == 100


@pytest.mark.parametrize("seed", range(4))
def test_equal_error_rate_agrees_with_root_finding_on_scikit_learns_curve(seed):
    genuine, impostor = draw(seed)
    far, tar, _ = roc_curve(*labelled(genuine, impostor), drop_intermediate=False)
    expected = brentq(lambda x: 1 - x - np.interp(x, far, tar), 0, 1)
    rate, threshold = equal_error_rate(roc(genuine, impostor))
    assert rate == pytest.approx(expected, abs=1e-9)
    assert abs(np.mean(impostor >= threshold) - rate) <= 1.5 / 80


def test_equal_error_rate_at_the_ends():
    assert equal_error_rate(roc(np.array([2.0, 3]), np.array([0.0, 1])))[0] == 0
    assert equal_error_rate(roc(np.array([0.0, 1]), np.array([2.0, 3])))[0] == 1
    rate, threshold = equal_error_rate(roc(np.ones(3), np.ones(5)))
    assert (rate, threshold) == (0.5, 1)


def test_det_is_scikit_learns_curve_on_normal_axes():
    genuine, impostor = draw(1)
    far, frr = det(roc(genuine, impostor))
    expected_far, expected_frr, _ = det_curve(*labelled(genuine, impostor))
    pairs = {(round(a, 9), round(b, 9)) for a, b in zip(far, frr, strict=True)}
    inside = (expected_far > 0) & (expected_far < 1) & (expected_frr > 0) & (expected_frr < 1)
    expected = zip(norm.ppf(expected_far[inside]), norm.ppf(expected_frr[inside]), strict=True)
    assert {(round(a, 9), round(b, 9)) for a, b in expected} <= pairs
    assert np.isfinite(far).all() and np.isfinite(frr).all()


def test_split_of_a_set_against_itself():
    names = np.array(["a", "a", "b"])
    similarity = np.arange(9.0).reshape(3, 3)
    genuine, impostor = split(similarity, names, names, np.triu(np.ones((3, 3), bool), 1))
    assert (genuine.tolist(), impostor.tolist()) == ([1], [2, 5])
    genuine, impostor = split(similarity[:2], names[:2], names)
    assert (genuine.tolist(), impostor.tolist()) == ([0, 1, 3, 4], [2, 5])


def test_a_threshold_from_elsewhere():
    point = at_threshold(np.array([0.1, 0.6]), np.array([0.6, 0.2]), 0.6)
    assert (point.far, point.tar) == (0.5, 0.5)


@pytest.mark.parametrize(("genuine", "impostor"), [([], [1.0]), ([1.0], []), ([np.nan], [1.0])])
def test_no_scores_and_nan_are_refused(genuine, impostor):
    for call in (roc, lambda g, i: at_far(g, i, 0.1)):
        with pytest.raises(ValueError, match="nan"):
            call(np.array(genuine), np.array(impostor))
    with pytest.raises(ValueError, match="FAR"):
        at_far(np.ones(2), np.ones(2), 1.5)
