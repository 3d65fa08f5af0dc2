"""Buckets of fixed size."""

import numpy as np

from core.personalize.caches import Cache
from core.personalize.vectors import unit

DIM = 8


def filled(capacity=3, count=200, seed=0):
    rng = np.random.default_rng(seed)
    cache = Cache(4, capacity, DIM)
    offered = []
    for frame in range(count):
        label, entropy = int(rng.integers(4)), float(np.round(rng.uniform(), 2))  # rounded: ties occur
        vector = unit(rng.normal(size=DIM))
        placed = cache.add(vector, label, entropy, frame)
        offered.append((label, entropy, frame, vector, placed))
        assert max(cache.sizes) <= capacity
        assert len(cache) == cache.taken.sum() <= 4 * capacity
    return cache, offered


def test_buckets_hold_the_smallest_entropies_seen():
    cache, offered = filled()
    for label in range(4):
        seen = sorted(entropy for other, entropy, *_ in offered if other == label)
        assert sorted(cache.entropies[label].tolist()) == seen[:3]


def test_an_entry_is_the_frame_that_was_offered_and_the_earlier_of_equals_stays():
    cache, offered = filled()
    for label in range(4):
        ours = sorted((entropy, frame) for other, entropy, frame, *_ in offered if other == label)
        for place in range(3):
            frame = int(cache.frames[label, place])
            assert (cache.entropies[label, place], frame) in ours
            np.testing.assert_array_equal(cache.vectors[label, place], offered[frame][3])
        worst = cache.entropies[label].max()
        first = [frame for entropy, frame in ours if entropy == worst]
        held = [
            int(f) for f, e in zip(cache.frames[label], cache.entropies[label], strict=True) if e == worst
        ]
        assert sorted(held) == first[: len(held)]


def test_evicted_frames_are_those_that_are_gone():
    cache, offered = filled()
    entered = {frame for *_, frame, _, placed in offered if placed.entered}
    evicted = [placed.evicted for *_, placed in offered if placed.evicted is not None]
    assert len(evicted) == len(set(evicted))
    assert entered - set(evicted) == set(cache.frames[cache.taken].tolist())


def test_the_offered_vector_is_copied():
    cache, vector = Cache(1, 1, DIM), unit(np.ones(DIM))
    cache.add(vector, 0, 0.1, 0)
    vector[:] = 0
    assert cache.vectors[0, 0].sum() > 0


def test_no_capacity_takes_nothing():
    cache = Cache(2, 0, DIM)
    assert not cache.add(unit(np.ones(DIM)), 0, 0.1, 0).entered
    assert len(cache) == 0


def test_clear_leaves_no_trace():
    cache, _ = filled()
    cache.clear()
    assert not cache.vectors.any()
    assert len(cache) == 0
    assert (cache.frames == -1).all()
    assert np.isinf(cache.entropies).all()


def test_restored_into_fewer_places_the_lowest_entropies_stay():
    cache, _ = filled()
    smaller = Cache(4, 2, DIM)
    smaller.restore(cache.state())
    for label in range(4):
        assert sorted(smaller.entropies[label]) == sorted(cache.entropies[label])[:2]
    same = Cache(4, 3, DIM)
    same.restore(cache.state())
    np.testing.assert_array_equal(same.frames, cache.frames)
    np.testing.assert_array_equal(same.vectors, cache.vectors)


def test_memory_of_seven_classes_is_far_below_a_megabyte_and_constant():
    positive, negative = Cache(7, 5, 512), Cache(7, 4, 512)
    before = positive.memory + negative.memory
    for frame in range(50):
        positive.add(unit(np.ones(512)), frame % 7, 1 / (frame + 1), frame)
    assert positive.memory + negative.memory == before < 200_000
