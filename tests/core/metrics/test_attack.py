import numpy as np
import pytest

from core.metrics.attack import evasion, impersonation


def test_evasion_counts_only_pairs_that_were_accepted_clean():
    clean = np.array([0.9, 0.8, 0.7, 0.2])  # the last was never recognised
    attacked = np.array([0.1, 0.6, 0.4, 0.1])
    result = evasion(clean, attacked, 0.5)
    assert (result.successes, result.eligible_pairs) == (2, 3)
    assert result.rate == pytest.approx(2 / 3)
    assert not result.success[3]


def test_impersonation_counts_only_pairs_that_were_rejected_clean():
    result = impersonation(np.array([0.1, 0.2, 0.9]), np.array([0.6, 0.3, 0.9]), 0.5)
    assert (result.successes, result.eligible_pairs, result.rate) == (1, 2, 0.5)


def test_a_score_at_the_threshold_is_accepted():
    at, below = np.array([0.5]), np.array([0.49])
    assert evasion(at, below, 0.5).rate == 1
    assert evasion(at, at, 0.5).rate == 0
    assert impersonation(below, at, 0.5).rate == 1


def test_no_attack_never_succeeds():
    scores = np.random.default_rng(0).random(50)
    assert evasion(scores, scores, 0.5).rate == 0
    assert impersonation(scores, scores, 0.5).rate == 0


def test_without_eligible_pairs_there_is_no_rate():
    result = evasion(np.array([0.1]), np.array([0.0]), 0.5)
    assert result.eligible_pairs == 0
    assert np.isnan(result.rate)


def test_a_threshold_for_each_pair():
    result = evasion(np.array([0.6, 0.6]), np.array([0.4, 0.4]), np.array([0.5, 0.3]))
    assert result.success.tolist() == [True, False]


@pytest.mark.parametrize(
    ("clean", "attacked"), [([0.1], [0.1, 0.2]), ([np.nan], [0.1]), ([0.9], [np.nan]), ([[0.1]], [[0.1]])]
)
def test_unmatched_or_missing_scores_are_refused(clean, attacked):
    with pytest.raises(ValueError, match=r"same pairs|nan"):
        evasion(np.array(clean), np.array(attacked), 0.5)
