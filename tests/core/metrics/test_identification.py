import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from core.metrics.identification import identify


def by_hand(similarity, probes, gallery, probe_cameras, gallery_cameras):
    """The Market rule for one probe after another, in plain loops."""
    first, precisions = [], []
    for p in range(len(probes)):
        entries = [
            (-similarity[p, g], gallery[g] == probes[p])
            for g in range(len(gallery))
            if not (gallery[g] == probes[p] and gallery_cameras[g] == probe_cameras[p])
        ]
        hits = [rank for rank, (_, right) in enumerate(sorted(entries), start=1) if right]
        if hits:
            first.append(hits[0])
            precisions.append(np.mean([found / rank for found, rank in enumerate(hits, start=1)]))
    return first, precisions


def draw(seed: int, ties: bool = False):
    rng = np.random.default_rng(seed)
    probes, gallery = rng.integers(0, 8, 20), rng.integers(0, 7, 60)  # identity 7 has no gallery entry
    similarity = rng.random((20, 60)) + 0.3 * (probes[:, None] == gallery)
    cameras = rng.integers(0, 3, 20), rng.integers(0, 3, 60)
    return (similarity.round(1) if ties else similarity), probes, gallery, *cameras


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_market_protocol_agrees_with_plain_loops(seed, ties):
    data = draw(seed, ties)
    first, precisions = by_hand(*data)
    result = identify(*data)
    assert result.first_hit.tolist() == first
    np.testing.assert_allclose(result.average_precision, precisions)
    assert result.rank1 == np.mean(np.array(first) == 1)
    assert result.mean_average_precision == pytest.approx(np.mean(precisions))
    assert result.valid.sum() == len(first)


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_agrees_with_scikit_learn(seed):
    similarity, probes, gallery, probe_cameras, gallery_cameras = draw(seed)
    result = identify(similarity, probes, gallery, probe_cameras, gallery_cameras)
    expected = []
    for p in np.flatnonzero(result.valid):
        same = gallery == probes[p]
        kept = ~(same & (gallery_cameras == probe_cameras[p]))
        expected.append(average_precision_score(same[kept], similarity[p, kept]))
    np.testing.assert_allclose(result.average_precision, expected)


def test_a_perfect_matrix():
    names = np.array([0, 1, 2, 0, 1, 2])
    result = identify((names[:3, None] == names).astype(float), names[:3], names)
    assert (result.rank1, result.mean_average_precision) == (1, 1)
    assert result.cmc(3).tolist() == [1, 1, 1]


def test_golden_average_precision():
    # Right answers at ranks 1, 3 and 4: (1/1 + 2/3 + 3/4) / 3.
    result = identify(np.array([[0.9, 0.8, 0.7, 0.6, 0.5]]), np.array([1]), np.array([1, 2, 1, 1, 2]))
    assert result.mean_average_precision == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


def test_same_camera_matches_are_dropped_and_take_up_no_rank():
    similarity = np.array([[0.9, 0.8, 0.7]])
    probes, gallery = np.array([1]), np.array([1, 1, 2])
    near = identify(similarity, probes, gallery, np.array([0]), np.array([0, 1, 0]))
    assert near.first_hit.tolist() == [1]
    assert near.mean_average_precision == 1
    # A stranger in the same camera stays.
    far = identify(similarity, probes, np.array([2, 1, 1]), np.array([0]), np.array([0, 1, 0]))
    assert far.first_hit.tolist() == [2]
    assert far.mean_average_precision == 0.5


def test_an_encoder_that_answers_always_the_same_is_not_rewarded():
    names = np.arange(10)
    result = identify(np.ones((10, 10)), names, names)
    assert result.rank1 == 0
    assert (result.first_hit == 10).all()


def test_cmc_is_monotone_and_ends_at_one():
    curve = identify(*draw(2)).cmc(60)
    assert (np.diff(curve) >= 0).all() and curve[-1] == 1


def test_shuffling_the_gallery_changes_nothing():
    similarity, probes, gallery, *_ = draw(4, ties=True)
    order = np.random.default_rng(0).permutation(60)
    a, b = identify(similarity, probes, gallery), identify(similarity[:, order], probes, gallery[order])
    np.testing.assert_array_equal(a.first_hit, b.first_hit)
    np.testing.assert_allclose(a.average_precision, b.average_precision)


def test_impossible_input_is_refused():
    one = np.array([1])
    with pytest.raises(ValueError, match="right answer"):
        identify(np.ones((1, 1)), one, np.array([2]))
    with pytest.raises(ValueError, match="probes x gallery"):
        identify(np.ones((1, 2)), one, one)
    with pytest.raises(ValueError, match="nan"):
        identify(np.full((1, 1), np.nan), one, one)
    with pytest.raises(ValueError, match="cameras"):
        identify(np.ones((1, 1)), one, one, probe_cameras=one)
