"""Card 8's experiment in small; benchmarks/abaw_synthetic.py runs it over many seeds with intervals."""

from dataclasses import replace

import numpy as np
import pytest

from core.abaw.classes import OTHER
from core.abaw.score import expression_f1
from core.abaw.synthetic import CONFIDENCES, WINDOWS, World, draw, experiment, smoothing_gain

WORLD = World()
SEEDS = range(200, 206)


@pytest.fixture(scope="module")
def outcomes():
    return [experiment(seed, WORLD) for seed in SEEDS]


def means(outcomes, name):
    return np.mean([getattr(outcome, name) for outcome in outcomes], axis=0)


def test_the_final_decision_beats_both_branches_and_the_unsmoothed_one(outcomes):
    for name in ("mlp", "pretrained", "unsmoothed"):
        assert means(outcomes, "final") > means(outcomes, name) + 0.01


def test_the_optimum_in_p0_and_in_delta_is_inside(outcomes):
    for name, values in (("confidences", CONFIDENCES), ("windows", WINDOWS)):
        curve = means(outcomes, name)
        assert 0 < curve.argmax() < len(values) - 1
        assert curve.max() > max(curve[0], curve[-1]) + 0.01


def test_shuffling_frames_in_time_turns_the_gain_of_smoothing_into_a_loss():
    for seed in SEEDS[:3]:
        assert smoothing_gain(seed, WORLD, 8, 0.7) > 0.05
        assert smoothing_gain(seed, replace(WORLD, shuffled=True), 8, 0.7) < -0.05
    assert experiment(SEEDS[0], replace(WORLD, shuffled=True)).tuned.window == 0


def test_shuffling_keeps_every_frame_with_its_label():
    for still, moved in zip(draw(0, WORLD), draw(0, replace(WORLD, shuffled=True)), strict=True):
        for a, b in zip(still.clips, moved.clips, strict=True):
            for name in ("pretrained", "mlp"):
                rows = [np.column_stack([c.expressions, getattr(c.scores, name)]) for c in (a, b)]
                np.testing.assert_array_equal(*(r[np.lexsort(r.T)] for r in rows))
            assert (a.expressions != b.expressions).any()


def test_the_pretrained_classifier_is_weak_but_right_when_it_is_sure():
    _, test = draw(0, WORLD)
    truth = np.concatenate([c.expressions[c.scores.seen] for c in test.clips])
    rows = np.concatenate([c.scores.pretrained[c.scores.seen] for c in test.clips])
    right, sure = rows.argmax(axis=1) == truth, rows.max(axis=1) > 0.9
    assert right.mean() < 0.5
    assert right[sure].mean() > 0.85
    assert not rows[:, OTHER].any()
    assert expression_f1(truth, rows.argmax(axis=1))[OTHER] == 0


def test_folds_share_no_clip_and_a_seed_repeats_itself():
    tune, test = draw(4, WORLD)
    assert not tune.names & test.names
    again = draw(4, WORLD)[1]
    np.testing.assert_array_equal(again.clips[3].scores.mlp, test.clips[3].scores.mlp)
