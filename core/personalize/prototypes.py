"""Prototypes of one subject and class by DBSCAN, whose two settings are searched without labels.

The grid, the score and the fall-back are those of TTA-CaP's published code (arXiv 2603.21309).
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.personalize.vectors import Vectors, unit
from core.types import FloatArray

MIN_SAMPLES: Final = (5, 10, 15)
QUANTILES: Final = (0.5, 0.6, 0.7, 0.8, 0.9)
FEWEST = 10
"""With fewer frames nothing is clustered."""
NOISIEST = 0.95
SUBSAMPLES, SHARE, OVERLAP = 6, 0.8, 5
STABILITY = 0.5
"""Weight of the stability in the score."""
MOST = 1500
"""Frames that are clustered at most (our choice): every pair's distance is held in memory."""

Groups = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """The chosen solution.

    Attributes:
        places: rows of the frames that are prototypes.
        groups: N cluster numbers, -1 for noise; all 0 where nothing was clustered.
        epsilon, min_samples: the chosen settings; 0 where nothing was clustered.
        score: (1 - share of noise) ln(1 + clusters) + 0.5 stability; nan where nothing was clustered.
        stability: mean adjusted Rand index between sub-samples.
    """

    places: Groups
    groups: Groups
    epsilon: float
    min_samples: int
    score: float
    stability: float


def cluster(embeddings: FloatArray, seed: int = 0) -> Clusters:
    """Search the grid for one subject's frames of one class.

    Args:
        embeddings: N×D; made unit vectors first. Above ``MOST`` a random part is read.
        seed: of that part and of the sub-samples.

    Raises:
        ValueError: no frame.
    """
    if not len(embeddings):
        raise ValueError("a prototype needs at least one frame")
    rows, rng = unit(embeddings), np.random.default_rng(seed)
    read = np.arange(len(rows))
    if len(rows) > MOST:
        read = np.sort(rng.choice(len(rows), MOST, replace=False))
        rows = rows[read]
    single = Clusters(read[_nearest_mean(rows)][None], np.zeros(len(rows), np.int64), 0.0, 0, np.nan, 0.0)
    if len(rows) < FEWEST:
        return single
    apart = distances(rows)
    part = int(SHARE * len(rows))
    draws = [np.sort(rng.choice(len(rows), part, replace=False)) for _ in range(SUBSAMPLES)]
    best = single
    for min_samples in MIN_SAMPLES:
        if len(rows) <= min_samples:
            continue
        reach = np.partition(apart, min_samples - 1, axis=1)[:, min_samples - 1]
        for epsilon in sorted({float(value) for value in np.quantile(reach, QUANTILES) if value > 1e-6}):
            groups = dbscan(apart, epsilon, min_samples)
            noise, count = float((groups < 0).mean()), int(groups.max()) + 1
            if count < 1 or noise > NOISIEST:
                continue
            steady = stability(apart, draws, epsilon, min_samples)
            score = (1 - noise) * np.log1p(count) + STABILITY * steady
            if not score <= best.score:  # also where there is none yet
                places = np.array([_medoid(rows, groups == number) for number in range(count)])
                best = Clusters(read[places], groups, epsilon, min_samples, float(score), steady)
    return best


def distances(rows: Vectors) -> FloatArray:
    """N×N Euclidean distances of unit vectors; the diagonal is exactly 0."""
    wide = rows.astype(np.float64)
    squared = np.maximum(2 - 2 * (wide @ wide.T), 0.0)
    np.fill_diagonal(squared, 0.0)
    found: FloatArray = np.sqrt(squared)
    return found


def dbscan(apart: FloatArray, epsilon: float, min_samples: int) -> Groups:
    """DBSCAN (Ester et al., KDD 1996) by N×N distances: N cluster numbers, -1 for noise."""
    from sklearn.cluster import DBSCAN  # its import takes longer than a page may take to open

    found = DBSCAN(eps=epsilon, min_samples=min_samples, metric="precomputed").fit_predict(apart)
    return np.asarray(found, np.int64)


def stability(apart: FloatArray, draws: list[Groups], epsilon: float, min_samples: int) -> float:
    """Mean adjusted Rand index of all pairs of sub-samples on the frames that both hold; 0 without a pair.

    Noise counts as one group, as in the published code.

    Args:
        apart: N×N distances.
        draws: sorted row numbers of each sub-sample.
        epsilon, min_samples: settings that are judged.
    """
    from sklearn.metrics import adjusted_rand_score

    runs = [dbscan(apart[np.ix_(rows, rows)], epsilon, min_samples) for rows in draws]
    found = []
    for (a, groups_a), (b, groups_b) in combinations(zip(draws, runs, strict=True), 2):
        both, place_a, place_b = np.intersect1d(a, b, assume_unique=True, return_indices=True)
        if len(both) >= OVERLAP:
            found.append(adjusted_rand_score(groups_a[place_a], groups_b[place_b]))
    return float(np.mean(found)) if found else 0.0


def _nearest_mean(rows: Vectors) -> int:
    return int(((rows - rows.mean(axis=0)) ** 2).sum(axis=1).argmin())


def _medoid(rows: Vectors, members: NDArray[np.bool_]) -> int:
    """The member nearest the members' mean."""
    places = np.flatnonzero(members)
    return int(places[_nearest_mean(rows[places])])
