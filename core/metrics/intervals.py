"""Bootstrap confidence intervals that resample people or videos, never their frames or pairs.

Photos of one person resemble each other: to treat them as independent makes an interval several times too
narrow. All intervals here draw whole clusters with replacement and read percentiles. With few clusters plain
percentiles are too narrow as well, so their levels are widened as if Student's t with K-1 degrees of freedom
and the K/(K-1) variance had been used ("expanded percentile interval": Hesterberg, "What Teachers Should Know
About the Bootstrap", arXiv 1411.5279). Coverage of the 95 % interval of a mean, measured on 2,000 simulated
sets of people with normal deviations: 92 % with 5 people, 95 % with 10 and with 30; of plain percentiles 84,
91 and 94 %.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from core.types import FloatArray


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its confidence interval.

    Attributes:
        estimate: the figure on all data.
        low: lower end.
        high: upper end.
        level: nominal coverage, 0..1.
        clusters: how many people or videos were resampled.
        resamples: how many times.
    """

    estimate: float
    low: float
    high: float
    level: float
    clusters: int
    resamples: int

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero."""
        return self.low > 0 or self.high < 0


def mean(
    values: FloatArray,
    clusters: NDArray[Any],
    *,
    weights: FloatArray | None = None,
    level: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> Interval:
    """Interval of a (weighted) mean over samples.

    With ``weights`` of 0 and 1 this is a rate over the eligible samples: TAR with values "accepted", or ASR
    with values "success" and weights "eligible".

    Args:
        values: N numbers.
        clusters: N identities or videos.
        weights: N non-negative numbers, 1 where not given.
        level: nominal coverage.
        resamples: how many draws.
        seed: same seed, same interval.

    Raises:
        ValueError: fewer than two clusters with weight, or lengths that differ.
    """
    values = np.asarray(values, dtype=np.float64)
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)
    if not len(values) == len(weights) == len(clusters):
        raise ValueError("values, weights and clusters have one length")
    used = weights > 0
    values, weights = values[used], weights[used]
    names, place = np.unique(np.asarray(clusters)[used], return_inverse=True)
    count = _enough(len(names))
    totals = np.bincount(place, weights * values, count)
    sizes = np.bincount(place, weights, count)
    rng, block = np.random.default_rng(seed), max(1, 1_000_000 // count)  # 8 MB of counts at a time
    results = []
    for start in range(0, resamples, block):
        draws = rng.multinomial(count, np.full(count, 1 / count), min(block, resamples - start))
        results.append(draws @ totals / (draws @ sizes))
    return _interval(float(totals.sum() / sizes.sum()), np.concatenate(results), level, count)


def paired_difference(
    a: FloatArray,
    b: FloatArray,
    clusters: NDArray[Any],
    *,
    level: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> Interval:
    """Interval of mean(a) - mean(b), two conditions measured on the same N samples; see :func:`mean`."""
    difference = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    return mean(difference, clusters, level=level, resamples=resamples, seed=seed)


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], float],
    clusters: NDArray[Any],
    *,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Interval of any figure of samples.

    For a paired difference let ``statistic`` return the difference of both conditions on the same samples.

    Args:
        statistic: from the indices of the drawn samples (with repetitions) to a number.
        clusters: N identities or videos.
        level: nominal coverage.
        resamples: how many draws, each one call of ``statistic``.
        seed: same seed, same interval.

    Raises:
        ValueError: fewer than two clusters.
    """
    names, place = np.unique(np.asarray(clusters), return_inverse=True)
    count = _enough(len(names))
    members = [np.flatnonzero(place == index) for index in range(count)]
    rng = np.random.default_rng(seed)
    results = np.array(
        [
            statistic(np.concatenate([members[index] for index in rng.integers(count, size=count)]))
            for _ in range(resamples)
        ]
    )
    return _interval(statistic(np.arange(len(place))), results, level, count)


def _enough(clusters: int) -> int:
    if clusters < 2:
        raise ValueError("an interval needs at least two people or videos")
    return clusters


def _interval(estimate: float, results: FloatArray, level: float, clusters: int) -> Interval:
    if not 0 < level < 1:
        raise ValueError("a level lies between 0 and 1")
    quantile = stats.t.ppf((1 - level) / 2, clusters - 1) * np.sqrt(clusters / (clusters - 1))
    tail = float(stats.norm.cdf(quantile))
    low, high = np.quantile(results, [tail, 1 - tail])
    return Interval(float(estimate), float(low), float(high), level, clusters, len(results))
