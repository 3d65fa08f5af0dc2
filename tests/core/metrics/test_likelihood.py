import numpy as np
import pytest
from scipy.stats import norm
from sklearn.isotonic import IsotonicRegression

from core.metrics.likelihood import cllr, cross_entropy, likelihood_cost, misleading, recalibrated, tippett

GENUINE = 1.5 + 2 * np.sin(1.7 * np.arange(25))
IMPOSTOR = -1 + 2 * np.cos(0.9 * np.arange(40))
PRIORS = np.array([-2, -0.5, 0, 1.0])

# Computed by lir 1.8.0 (Netherlands Forensic Institute, from PyPI, Python 3.12, numpy 2.5.5) on the arrays
# above: lir.metrics.cllr and cllr_min, and calculate_ece of the LLRs and of IsotonicCalibrator's, given
# to it as logarithms to base 10.
LIR = {
    "smooth": (
        (GENUINE, IMPOSTOR),
        0.5963824298665518,
        0.412226720469665,
        [0.05659779946754209, 0.4790382912526264, 0.5963824298665519, 0.2805315493412137],
        [0.03239913673430974, 0.3255151278059847, 0.4122267204696649, 0.18357004291240187],
    ),
    "tied": (
        (GENUINE.round(), IMPOSTOR.round()),
        0.5644955891878144,
        0.45129368980281137,
        [0.05619546548139318, 0.45753634336056215, 0.5644955891878145, 0.26789954342004013],
        [0.037635308439820395, 0.3643666548799064, 0.45129368980281126, 0.19326906855724257],
    ),
    "reversed": (
        (-GENUINE, -IMPOSTOR),
        2.4682837264075985,
        1.0,
        [0.1738926097250474, 1.9312184183504038, 2.4682837264075985, 1.2166801391808957],
        [0.08013604733127526, 0.7954608782887054, 1.0, 0.4394969869215134],
    ),
}


@pytest.mark.parametrize("case", LIR)
def test_costs_and_curves_agree_with_lir(case):
    llrs, total, minimum, observed, best = LIR[case]
    cost = likelihood_cost(*llrs)
    assert cost.total == pytest.approx(total, rel=1e-12)
    assert cost.minimum == pytest.approx(minimum, rel=1e-12)
    assert cost.calibration == pytest.approx(total - minimum, rel=1e-9)
    assert (cost.genuine_pairs, cost.impostor_pairs) == (25, 40)
    curves = cross_entropy(*llrs, PRIORS)
    np.testing.assert_allclose(curves.observed, observed, rtol=1e-12)
    np.testing.assert_allclose(curves.minimum, best, rtol=1e-12)


def test_large_llrs_do_not_overflow():
    # lir 1.8.0 gives the same cost, but inf for its ECE at these priors.
    assert cllr(40 * GENUINE, 40 * IMPOSTOR) == pytest.approx(8.012777830057264, rel=1e-12)
    assert np.isfinite(cross_entropy(40 * GENUINE, 40 * IMPOSTOR, PRIORS).observed).all()
    assert cllr(np.array([-1000.0]), np.array([-1000.0])) == pytest.approx(500 / np.log(2))


def test_golden_values():
    assert cllr(np.zeros(7), np.zeros(3)) == 1
    assert cllr(np.array([np.inf]), np.array([-np.inf])) == 0
    assert cllr(np.array([-np.inf]), np.array([-np.inf])) == np.inf
    assert likelihood_cost(np.array([2.0, 3]), np.array([0.0, 1])).minimum == 0
    # One LLR of ln 3 on either side: 1/2 [log2(4/3) + log2(4)].
    assert cllr(np.log([3.0]), np.log([3.0])) == pytest.approx((np.log2(4 / 3) + 2) / 2)


def test_swapping_the_classes_and_the_signs_changes_nothing():
    assert cllr(GENUINE, IMPOSTOR) == pytest.approx(cllr(-IMPOSTOR, -GENUINE))


@pytest.mark.parametrize("shift", [-3, 0, 2])
@pytest.mark.parametrize("factor", [0.2, 1, 10])
def test_the_minimum_ignores_monotone_maps_and_bounds_the_total(shift, factor):
    cost = likelihood_cost(factor * GENUINE + shift, factor * IMPOSTOR + shift)
    assert cost.minimum == pytest.approx(likelihood_cost(GENUINE, IMPOSTOR).minimum)
    assert 0 <= cost.minimum <= min(cost.total, 1)


def test_recalibration_agrees_with_scikit_learn():
    scores = np.r_[GENUINE.round(1), IMPOSTOR.round(1)]
    truth = np.r_[np.ones(25), np.zeros(40)]
    posterior = IsotonicRegression().fit_transform(scores, truth)
    ours = 1 / (1 + np.exp(-(np.concatenate(recalibrated(scores[:25], scores[25:])) + np.log(25 / 40))))
    np.testing.assert_allclose(ours, posterior, atol=1e-12)


def test_true_llrs_of_two_normals_need_no_recalibration():
    rng = np.random.default_rng(0)

    def llr(x):
        return norm.logpdf(x, 1, 1) - norm.logpdf(x, -1, 1)

    cost = likelihood_cost(llr(rng.normal(1, 1, 20_000)), llr(rng.normal(-1, 1, 20_000)))
    assert 0 <= cost.calibration < 0.005


def test_tippett_curves_are_survival_and_meet_misleading_evidence_at_zero():
    genuine, impostor = np.array([-1.0, 0, 1, 2]), np.array([-2.0, -1, 0, 0.5])
    curves = tippett(genuine, impostor, np.array([-3.0, 0, 1, 5]))
    assert curves.genuine.tolist() == [1, 0.75, 0.5, 0]
    assert curves.impostor.tolist() == [1, 0.25, 0, 0]
    against, for_wrong = misleading(genuine, impostor)
    assert (1 - curves.genuine[1], curves.impostor[1]) == (against, for_wrong) == (0.25, 0.25)


def test_cross_entropy_at_even_odds_is_the_cost_and_neutral_is_the_prior_entropy():
    curves = cross_entropy(GENUINE, IMPOSTOR, np.array([-1.0, 0.0]))
    assert curves.observed[1] == pytest.approx(cllr(GENUINE, IMPOSTOR))
    assert curves.neutral[1] == 1
    p = 1 / 11
    assert curves.neutral[0] == pytest.approx(-p * np.log2(p) - (1 - p) * np.log2(1 - p))


def test_no_llrs_and_nan_are_refused():
    for wrong in ([], [np.nan]):
        with pytest.raises(ValueError, match="nan"):
            cllr(np.array(wrong), np.ones(2))
