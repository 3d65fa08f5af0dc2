import numpy as np
import pytest
from scipy import stats

from core.metrics.intervals import bootstrap, mean, paired_difference


def people(seed: int, count: int, photos: int = 10):
    """Samples that share most of their deviation with the other samples of the same person; true mean 0."""
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(count), photos)
    return rng.normal(0, 1, count)[clusters] + rng.normal(0, 0.5, len(clusters)), clusters


@pytest.mark.parametrize("count", [5, 10, 30])
def test_coverage_is_as_promised(count):
    intervals = [mean(*people(seed, count), resamples=1000, seed=seed) for seed in range(300)]
    covered = np.mean([interval.low <= 0 <= interval.high for interval in intervals])
    assert 0.91 <= covered <= 0.995  # 95 % nominal; the binomial error is 1.3 points


def test_coverage_is_lost_when_photos_count_as_independent():
    covered = []
    for seed in range(100):
        values, _ = people(seed, 10)
        interval = mean(values, np.arange(len(values)), resamples=300, seed=seed)
        covered.append(interval.low <= 0 <= interval.high)
    assert np.mean(covered) < 0.7


def test_width_agrees_with_students_interval_of_cluster_means():
    values, clusters = people(3, 30)
    interval = mean(values, clusters)
    means = values.reshape(30, -1).mean(axis=1)
    low, high = stats.t.interval(0.95, 29, means.mean(), stats.sem(means))
    assert interval.estimate == pytest.approx(means.mean())
    assert interval.low == pytest.approx(low, abs=0.1 * (high - low))
    assert interval.high == pytest.approx(high, abs=0.1 * (high - low))


def test_the_vectorised_mean_and_the_general_bootstrap_agree():
    values, clusters = people(1, 12)
    quick = mean(values, clusters, resamples=20_000)
    general = bootstrap(lambda index: float(values[index].mean()), clusters, resamples=4000)
    assert general.estimate == pytest.approx(quick.estimate)
    assert general.low == pytest.approx(quick.low, abs=0.06)
    assert general.high == pytest.approx(quick.high, abs=0.06)


def test_many_clusters_are_drawn_in_blocks_without_changing_the_result():
    values, clusters = people(0, 3000, photos=1)
    interval = mean(values, clusters, resamples=1000)
    draws = np.random.default_rng(0).multinomial(3000, np.full(3000, 1 / 3000), 1000)
    tail = stats.norm.cdf(stats.t.ppf(0.025, 2999) * np.sqrt(3000 / 2999))
    assert interval.low == pytest.approx(np.quantile(draws @ values / 3000, tail))


def test_weights_give_a_conditional_rate():
    success = np.array([1.0, 0, 1, 1, 0, 0])
    eligible = np.array([1, 1, 0, 1, 1, 0])
    clusters = np.array([0, 0, 0, 1, 1, 2])
    interval = mean(success, clusters, weights=eligible)
    assert interval.estimate == 0.5
    assert interval.clusters == 2  # the third has nobody eligible
    assert 0 <= interval.low <= interval.high <= 1


def test_clusters_of_unequal_size_are_pooled():
    assert mean(np.array([0.0, 0, 0, 1]), np.array(["a", "a", "a", "b"])).estimate == 0.25


def test_a_paired_difference_is_narrower_than_its_parts():
    values, clusters = people(2, 15)
    shifted = values + 0.2 + np.random.default_rng(0).normal(0, 0.1, len(values))
    difference = paired_difference(shifted, values, clusters)
    assert difference.excludes_zero
    assert difference.low < 0.2 < difference.high
    single = mean(values, clusters)
    assert not single.excludes_zero
    assert difference.high - difference.low < 0.2 * (single.high - single.low)


def test_the_general_bootstrap_keeps_clusters_whole():
    clusters = np.array([0, 0, 1, 1, 1, 2])
    seen = []

    def statistic(index):
        seen.append(np.bincount(index, minlength=6))
        return float(len(index))

    bootstrap(statistic, clusters, resamples=50)
    for counts in seen:
        assert counts[0] == counts[1] and counts[2] == counts[3] == counts[4]


def test_same_seed_same_interval():
    values, clusters = people(0, 8)
    assert mean(values, clusters, seed=4) == mean(values, clusters, seed=4)
    assert mean(values, clusters, seed=4) != mean(values, clusters, seed=5)
    assert bootstrap(lambda i: float(np.median(values[i])), clusters, resamples=50) == bootstrap(
        lambda i: float(np.median(values[i])), clusters, resamples=50
    )


def test_a_higher_level_is_wider_and_constants_have_no_width():
    values, clusters = people(0, 20)
    narrow, wide = mean(values, clusters, level=0.8), mean(values, clusters, level=0.99)
    assert wide.low < narrow.low < narrow.high < wide.high
    flat = mean(np.full(10, 0.3), np.arange(10))
    assert flat.low == pytest.approx(0.3) and flat.high == pytest.approx(0.3)


def test_impossible_input_is_refused():
    with pytest.raises(ValueError, match="two people"):
        mean(np.ones(5), np.zeros(5))
    with pytest.raises(ValueError, match="two people"):
        bootstrap(lambda index: 0.0, np.zeros(5))
    with pytest.raises(ValueError, match="one length"):
        mean(np.ones(5), np.zeros(4))
    with pytest.raises(ValueError, match="level"):
        mean(np.ones(4), np.arange(4), level=1)
