"""Card 2's experiment in small; the benchmark runs it over many seeds with intervals."""

from dataclasses import replace

import numpy as np
import pytest

from core.personalize.subjects import statistics
from core.personalize.synthetic import FULL, World, draw, experiment, shared

WORLD = replace(World(), classes=3, sources=9, targets=3, frames=12, clips=3)
SEEDS = range(200, 203)
NAMES = (FULL, "zero-shot", "TDA", "random sources", "March 2026")


@pytest.fixture(scope="module")
def outcomes():
    return [experiment(seed, WORLD, NAMES) for seed in SEEDS]


def mean(outcomes, name):
    return np.mean([outcome.frames[name] for outcome in outcomes])


def test_the_full_method_beats_its_controls_where_people_have_types(outcomes):
    for name in ("zero-shot", "TDA", "random sources"):
        assert mean(outcomes, FULL) > mean(outcomes, name) + 0.02


def test_placing_vectors_without_their_labels_does_not_help(outcomes):
    assert mean(outcomes, "March 2026") < mean(outcomes, "zero-shot")


def test_types_show_in_unlabelled_frames():
    drawn = draw(7, WORLD)
    for number in range(WORLD.targets):
        rows = np.concatenate([c.embeddings for c in drawn.clips if c.subject == f"target {number}"])
        nearest = drawn.sources.nearest(statistics(rows), 2)
        assert {int(name.split()[1]) % WORLD.types for name in nearest} == {number % WORLD.types}


def test_a_seed_repeats_itself_and_every_class_is_shown():
    drawn, again = draw(3, WORLD), draw(3, WORLD)
    for a, b in zip(drawn.clips, again.clips, strict=True):
        np.testing.assert_array_equal(a.embeddings, b.embeddings)
    for number in range(WORLD.targets):
        labels = [clip.label for clip in drawn.clips if clip.subject == f"target {number}"]
        assert np.bincount(labels).tolist() == [WORLD.clips] * WORLD.classes


def test_noise_lasts_as_long_as_the_world_says():
    still = replace(WORLD, frames=400, clips=1, targets=1, sources=1, noise=1.0)
    rows = draw(0, still).clips[0].embeddings
    rows = rows - rows.mean(0)
    correlation = (rows[1:] * rows[:-1]).sum() / (rows**2).sum()
    assert correlation == pytest.approx(WORLD.lasting, abs=0.05)
    assert np.sqrt((rows**2).sum(1).mean()) == pytest.approx(1.0, abs=0.1)


def test_the_control_has_the_same_spread_and_no_types():
    plain = shared(WORLD)
    assert plain.own**2 == pytest.approx(WORLD.own**2 + WORLD.typed**2)
    assert plain.typed == plain.look == 0
