"""Statistics, distances and the choice of source subjects."""

import numpy as np
import pytest

from core.personalize.build import Labelled, build
from core.personalize.options import Options
from core.personalize.subjects import Sources, Statistics, frechet, statistics
from core.personalize.vectors import unit

DIM = 12


def gaussian(seed):
    rng = np.random.default_rng(seed)
    return Statistics(rng.normal(size=DIM), rng.uniform(0.1, 2, size=DIM))


def people(count=6, frames=40, seed=0):
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        centre = rng.normal(size=DIM)
        rows = unit(centre + 0.3 * rng.normal(size=(frames, DIM)))
        found.append(Labelled(f"p{number}", rows, rng.integers(2, size=frames)))
    return found


def test_statistics_are_population_moments_of_unit_vectors():
    rows = np.random.default_rng(0).normal(size=(50, DIM))
    found = statistics(rows)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    np.testing.assert_allclose(found.mean, (rows / lengths).mean(0), atol=1e-6)
    np.testing.assert_allclose(found.variance, np.var(rows / lengths, axis=0, ddof=0), atol=1e-6)
    assert found.frames == 50
    with pytest.raises(ValueError):
        statistics(np.zeros((0, DIM)))


def test_frechet_is_zero_with_itself_symmetric_and_positive():
    a, b = gaussian(0), gaussian(1)
    assert frechet(a, a) == 0
    assert frechet(a, b) == frechet(b, a) > 0


@pytest.mark.parametrize("shrinkage", [0.0, 0.05, 1.0])
def test_frechet_equals_the_matrix_formula(shrinkage):
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) with a general matrix root."""
    from scipy.linalg import sqrtm

    a, b = gaussian(0), gaussian(1)
    first, second = (np.diag((1 - shrinkage) * s.variance + shrinkage) for s in (a, b))
    expected = ((a.mean - b.mean) ** 2).sum() + np.trace(first + second - 2 * sqrtm(first @ second).real)
    assert frechet(a, b, shrinkage) == pytest.approx(expected)


def test_with_full_shrinkage_the_means_alone_decide():
    a, b = gaussian(0), gaussian(1)
    assert frechet(a, b, 1.0) == pytest.approx(((a.mean - b.mean) ** 2).sum())


def test_the_nearest_subject_is_the_person_themself():
    group = people()
    cache = build(group, ("a", "b"), "m")
    for person in group:
        assert cache.nearest(statistics(person.embeddings), 3)[0] == person.name
    assert len(cache.nearest(statistics(group[0].embeddings), 99)) == len(group)
    assert cache.nearest(statistics(group[0].embeddings), 0) == ()


def test_the_order_of_source_subjects_changes_nothing():
    group = people()
    target = statistics(people(1, seed=9)[0].embeddings)
    forward, backward = build(group, ("a", "b"), "m"), build(group[::-1], ("a", "b"), "m")
    names = forward.nearest(target, 3)
    assert names == backward.nearest(target, 3)
    a, b = forward.lend(names), backward.lend(names[::-1])
    np.testing.assert_array_equal(a.vectors, b.vectors)
    np.testing.assert_array_equal(a.labels, b.labels)
    assert a.owners == b.owners
    capped = [cache.lend(names, 1, target.mean).vectors for cache in (forward, backward)]
    np.testing.assert_array_equal(*capped)


def test_equally_near_subjects_come_by_name():
    group = people(2)
    twins = [Labelled(name, group[0].embeddings, group[0].labels) for name in ("z", "a", "m")]
    cache = build([*twins, group[1]], ("a", "b"), "m")
    assert cache.nearest(statistics(group[0].embeddings), 3) == ("a", "m", "z")


def test_only_the_chosen_subjects_lend_and_the_cap_takes_the_nearest():
    group = people(frames=120)
    cache = build(group, ("a", "b"), "m")
    lent = cache.lend(("p1", "p4"))
    assert set(lent.owners) == {"p1", "p4"}
    near = statistics(group[1].embeddings).mean
    capped = cache.lend([p.name for p in group], 2, near)
    everything = cache.lend([p.name for p in group])
    for label in range(2):
        cosines = np.sort(everything.vectors[everything.labels == label] @ unit(near))
        assert len(cosines) > 2
        got = np.sort(capped.vectors[capped.labels == label] @ unit(near))
        np.testing.assert_allclose(got, cosines[-2:])
    with pytest.raises(ValueError, match="mean"):
        cache.lend(("p1",), 2)


def test_each_class_is_lent_by_the_nearest_who_show_it():
    group = people(frames=40)
    shown = [0, 0, 1, 1, 1, 0]  # one class each
    one = [Labelled(p.name, p.embeddings, np.full(40, c)) for p, c in zip(group, shown, strict=True)]
    cache = build(one, ("a", "b", "c"), "m")
    target = statistics(people(1, seed=9)[0].embeddings)
    ranked = cache.nearest(target, 6)
    names, lent = cache.borrow(target, Options(nearest_sources=2, borrowing="class"))
    for label in (0, 1):
        expected = [name for name in ranked if shown[int(name[1:])] == label][:2]
        owners = {o for o, at in zip(lent.owners, lent.labels, strict=True) if at == label}
        assert owners == set(expected)
    assert names == tuple(name for name in ranked if name in lent.owners)
    assert not (lent.labels == 2).any()  # nobody shows it
    names, lent = cache.borrow(target, Options(nearest_sources=2, borrowing="subject"))
    assert names == ranked[:2]
    assert set(lent.owners) == set(ranked[:2])
    names, lent = cache.borrow(target, Options(nearest_sources=1), ranked[::-1])  # a control's order
    assert names[0] == ranked[-1]


def test_building_refuses_what_does_not_fit():
    person = people(1)[0]
    for bad in ([], [person, person], [Labelled("x", person.embeddings, person.labels + 5)]):
        with pytest.raises(ValueError):
            build(bad, ("a", "b"), "m")
    with pytest.raises(ValueError):
        build([Labelled("x", person.embeddings, person.labels[:-1])], ("a", "b"), "m")


def test_unlabelled_frames_count_for_the_statistics_alone():
    person = people(1)[0]
    half = np.where(np.arange(len(person.labels)) % 2, person.labels, -1)
    cache = build([Labelled("x", person.embeddings, half)], ("a", "b"), "m")
    np.testing.assert_allclose(cache.statistics["x"].mean, statistics(person.embeddings).mean, atol=1e-7)
    labelled = unit(person.embeddings[half >= 0])
    for vector in cache.prototypes.vectors:
        assert (np.abs(labelled - vector).max(axis=1) < 1e-7).any()


def test_another_length_is_refused():
    cache = build(people(1), ("a", "b"), "m")
    assert isinstance(cache, Sources)
    with pytest.raises(ValueError, match="one model"):
        cache.nearest(Statistics(np.zeros(3), np.zeros(3)), 1)
