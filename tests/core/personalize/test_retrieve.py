"""What prototypes and caches answer, beside the equations written out."""

from dataclasses import replace

import numpy as np
import pytest

from core.personalize.caches import Cache
from core.personalize.options import Options
from core.personalize.retrieve import Shelf, entries
from core.personalize.types import Prototypes
from core.personalize.vectors import unit

DIM, CLASSES = 9, 4


def prototypes(counts=(7, 3, 0, 1), seed=0):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(CLASSES), counts))
    vectors = unit(np.random.default_rng(seed + 1).normal(size=(len(labels), DIM)))
    return Prototypes(vectors, labels, ("a",) * len(labels))


def query(seed=9):
    return unit(np.random.default_rng(seed).normal(size=DIM))


def answered(options, label, lent=None):
    lent = prototypes() if lent is None else lent
    shelf = Shelf(lent, CLASSES, options.neighbours)
    cosines = shelf.cosines(query())
    scores = shelf.scores(cosines)
    return scores, shelf.answer(cosines, scores, label, options)


def top(rows, count):
    return rows[np.argsort(rows @ query())[::-1][:count]]


@pytest.mark.parametrize("neighbours", [1, 2, 5, 50])
def test_scores_are_means_of_the_nearest_cosines(neighbours):
    lent = prototypes()
    scores, _ = answered(Options(neighbours=neighbours), 0)
    for label in range(CLASSES):
        rows = lent.vectors[lent.labels == label]
        expected = (top(rows, neighbours) @ query()).mean() if len(rows) else -np.inf
        assert scores[label] == pytest.approx(expected, abs=1e-6)


def test_the_source_vector_of_a_class_is_the_mean_of_its_nearest():
    lent = prototypes()
    _, found = answered(Options(neighbours=2), 0)
    np.testing.assert_allclose(found.vector, unit(top(lent.vectors[lent.labels == 0], 2).mean(0)), atol=1e-6)
    scores, voting = answered(Options(), 2)  # the class has none
    assert not voting.vector.any()
    known = np.isfinite(scores)
    np.testing.assert_allclose(voting.votes, np.where(known, scores, scores[known].mean()))
    assert answered(Options(level="embedding"), 2)[1] is None


def test_the_mixture_weighs_unit_centroids_by_softmax_of_the_scores():
    lent, options = prototypes(), Options(source_vector="mixture", source_sharpness=4.0)
    scores, found = answered(options, 2)
    known = np.isfinite(scores)
    weights = np.exp(4 * scores[known]) / np.exp(4 * scores[known]).sum()
    centroids = [unit(lent.vectors[lent.labels == c].mean(0)) for c in np.flatnonzero(known)]
    np.testing.assert_allclose(found.vector, unit(weights @ np.array(centroids)), atol=1e-6)
    np.testing.assert_allclose(found.votes[known], scores[known], atol=1e-6)
    assert found.votes[2] == pytest.approx(scores[known].mean())


def test_an_empty_shelf_answers_nothing():
    nothing = Prototypes(np.zeros((0, DIM), np.float32), np.zeros(0, np.int64), ())
    for vector in ("class", "mixture"):
        scores, found = answered(Options(source_vector=vector), 0, nothing)
        assert found is None
        assert (scores == -np.inf).all()


def cache():
    made, rng = Cache(CLASSES, 6, DIM), np.random.default_rng(3)
    for frame in range(14):
        made.add(unit(rng.normal(size=DIM)), int(rng.integers(3)), float(rng.uniform()), frame)
    return made


@pytest.mark.parametrize("reach", ["class", "all"])
@pytest.mark.parametrize("neighbours", [1, 3, 40])
def test_entries_are_softmax_weighted(reach, neighbours):
    options = Options(reach=reach, neighbours=neighbours, sharpness=6.0, entry_votes="shares")
    made = cache()
    found = entries(made, query(), 1, options)
    places = [(c, p) for c, p in np.argwhere(made.taken) if reach == "all" or c == 1]
    places.sort(key=lambda at: -float(made.vectors[at] @ query()))
    rows = np.array([made.vectors[tuple(at)] for at in places[:neighbours]])
    weights = np.exp(6 * rows @ query())
    weights /= weights.sum()
    np.testing.assert_allclose(found.vector, unit(weights @ rows), atol=1e-6)
    votes = np.zeros(CLASSES)
    for (label, _), weight in zip(places[:neighbours], weights, strict=False):
        votes[label] += weight
    np.testing.assert_allclose(found.votes, votes, atol=1e-6)


@pytest.mark.parametrize("neighbours", [1, 3, 40])
def test_entries_can_vote_as_prototypes_do(neighbours):
    made = cache()
    found = entries(made, query(), 1, Options(neighbours=neighbours))
    scores = np.full(CLASSES, np.nan)
    for label, size in enumerate(made.sizes):
        if size:
            scores[label] = (top(made.vectors[label, :size], neighbours) @ query()).mean()
    assert np.isnan(scores[3])  # nothing is known of it: neither for nor against
    scores[3] = np.nanmean(scores)
    np.testing.assert_allclose(found.votes, scores, atol=1e-6)


def test_an_empty_bucket_or_cache_answers_nothing():
    made = cache()
    assert made.sizes[3] == 0
    assert entries(made, query(), 3, Options(reach="class")) is None
    assert entries(made, query(), 3, Options(reach="all")) is not None
    assert entries(Cache(CLASSES, 6, DIM), query(), 0, Options()) is None
    assert entries(Cache(CLASSES, 0, DIM), query(), 0, Options()) is None


def test_entries_that_cancel_answer_nothing():
    made, z = Cache(2, 2, DIM), query()
    other = unit(np.eye(DIM)[0] - (np.eye(DIM)[0] @ z) * z)  # across the query: equal cosines
    made.add(other, 0, 0.1, 0)
    made.add(-other, 0, 0.1, 1)
    found = entries(made, z, 0, replace(Options(), sharpness=0.0))
    assert found is None or np.linalg.norm(found.vector) == pytest.approx(1, abs=1e-6)
