"""Clustering of one subject's frames, beside the same search written out."""

from itertools import combinations

import numpy as np
import pytest
from sklearn.cluster import DBSCAN
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import NearestNeighbors

from core.personalize import prototypes
from core.personalize.vectors import unit

DIM = 10


def groups(count=3, each=30, spread=0.05, seed=0):
    rng = np.random.default_rng(seed)
    centres = unit(rng.normal(size=(count, DIM)))
    truth = np.repeat(np.arange(count), each)
    return unit(centres[truth] + spread * rng.normal(size=(len(truth), DIM))), truth


def test_separate_groups_are_found_and_each_lends_its_central_member():
    rows, truth = groups()
    found = prototypes.cluster(rows)
    assert adjusted_rand_score(truth, found.groups) > 0.8
    assert len(found.places) == 3
    for number, place in enumerate(found.places):
        members = rows[found.groups == number]
        apart = np.linalg.norm(members - members.mean(0), axis=1)
        assert found.groups[place] == number
        np.testing.assert_allclose(rows[place], members[apart.argmin()])
    assert 0.9 < found.stability <= 1


def test_the_score_and_the_choice_are_those_of_a_plain_search():
    """The grid of the card, over the vectors themselves, with the score written out."""
    rows, _ = groups(2, 25, 0.15, seed=3)
    found = prototypes.cluster(rows, seed=5)
    rng, part = np.random.default_rng(5), int(0.8 * len(rows))
    draws = [np.sort(rng.choice(len(rows), part, replace=False)) for _ in range(6)]
    scores = {}
    for fewest in (5, 10, 15):
        reach = NearestNeighbors(n_neighbors=fewest).fit(rows).kneighbors(rows)[0][:, -1]
        for epsilon in np.quantile(reach, (0.5, 0.6, 0.7, 0.8, 0.9)):
            labels = DBSCAN(eps=epsilon + 1e-9, min_samples=fewest).fit_predict(rows)
            noise, count = (labels == -1).mean(), len(set(labels) - {-1})
            if not count or noise > 0.95:
                continue
            runs = [DBSCAN(eps=epsilon + 1e-9, min_samples=fewest).fit_predict(rows[d]) for d in draws]
            indices = []
            for i, j in combinations(range(6), 2):
                both = sorted(set(draws[i]) & set(draws[j]))
                pair = [runs[k][np.searchsorted(draws[k], both)] for k in (i, j)]
                indices.append(adjusted_rand_score(*pair))
            steady = np.mean(indices)
            scores[fewest, epsilon] = (1 - noise) * np.log(1 + count) + 0.5 * steady
    best = max(scores, key=scores.get)
    assert found.score == pytest.approx(scores[best], abs=1e-6)
    assert (found.min_samples, found.epsilon) == (best[0], pytest.approx(best[1], abs=1e-6))


def test_distances_are_euclidean():
    rows, _ = groups(2, 10)
    expected = np.linalg.norm(rows[:, None].astype(float) - rows[None].astype(float), axis=2)
    np.testing.assert_allclose(prototypes.distances(rows), expected, atol=1e-3)
    assert not np.diag(prototypes.distances(rows)).any()


@pytest.mark.parametrize("count", [1, 9])
def test_few_frames_lend_the_one_nearest_their_mean(count):
    rows, _ = groups(1, count, 0.3)
    found = prototypes.cluster(rows)
    apart = np.linalg.norm(rows - rows.mean(0), axis=1)
    assert found.places.tolist() == [apart.argmin()]
    assert np.isnan(found.score)
    assert found.min_samples == 0


def test_identical_frames_lend_one():
    rows = np.repeat(unit(np.ones((1, DIM))), 40, axis=0)
    assert len(prototypes.cluster(rows).places) == 1


def test_more_frames_than_fit_are_drawn_and_places_still_name_rows(monkeypatch):
    monkeypatch.setattr(prototypes, "MOST", 60)
    rows, truth = groups(2, 60)
    found = prototypes.cluster(rows)
    assert len(found.groups) == 60
    assert sorted(truth[found.places]) == [0, 1]


def test_a_seed_repeats_itself_and_scale_changes_nothing():
    rows, _ = groups(spread=0.2)
    np.testing.assert_array_equal(prototypes.cluster(rows).places, prototypes.cluster(4 * rows).places)


def test_sub_samples_that_overlap_too_little_are_left_out():
    rows, _ = groups()
    apart = prototypes.distances(rows)
    draws = [np.arange(0, 20), np.arange(16, 40)]
    assert prototypes.stability(apart, draws, 0.5, 5) == 0.0
    assert prototypes.stability(apart, [np.arange(0, 20), np.arange(15, 40)], 0.5, 5) > 0


def test_no_frame_is_an_error():
    with pytest.raises(ValueError):
        prototypes.cluster(np.zeros((0, DIM)))
