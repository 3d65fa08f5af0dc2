"""Searches on a validation split, and that nothing is reported on the split it was tuned on."""

from dataclasses import replace

import numpy as np
import pytest

from core.abaw.gla import GRID, search_bias, search_grid, search_thresholds
from core.abaw.score import unit_f1
from core.abaw.split import LabelledClip, Split, Tuned, evaluate, figures
from core.abaw.types import Options
from core.errors import Code, UserError
from tests.core.abaw.abaw_fakes import random_scores

HEAD = Tuned(Options(confidence=1, window=0))


def skewed(name, seeds, frames=150, push=(0, 0, 1.5, 0, 0, -1.0, 0, 0.8)):
    """Clips whose head is right but for a bias of each class, and a bit of noise."""
    return Split(name, tuple(skewed_clip(f"{name}-{seed}", seed, frames, push) for seed in seeds))


def skewed_clip(name, seed, frames, push):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 8, frames)
    logits = 2 * np.eye(8)[truth] + rng.normal(size=(frames, 8)) + np.array(push)
    head = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    scores = random_scores(frames, seed, missing=0, mlp=head)
    units = (scores.units + rng.normal(scale=0.1, size=(frames, 12)) > np.linspace(0.2, 0.8, 12)).astype(int)
    truth[:5] = -1
    return LabelledClip(name, replace(scores, units_second=None), truth, scores.valence_arousal, units)


def test_the_bias_that_was_pushed_in_is_found_and_helps_on_other_clips():
    tuned = search_bias(skewed("tune", range(8)), HEAD)
    held_out = skewed("held-out", range(100, 108))
    assert tuned.options.bias[2] < -0.7
    assert tuned.options.bias[5] > 0.4
    assert np.mean(tuned.options.bias) == pytest.approx(0, abs=1e-12)
    assert evaluate(held_out, tuned).macro_f1 > evaluate(held_out, HEAD).macro_f1 + 0.03


def test_the_search_reports_what_its_bias_reaches_on_its_own_split():
    split = skewed("tune", range(4))
    for start in (HEAD, Tuned(Options(confidence=0.6, window=2))):
        tuned = search_bias(split, start)
        assert tuned.tuning_figure == pytest.approx(figures(split, tuned.options).macro_f1)
        assert tuned.tuning_figure >= figures(split, start.options).macro_f1


def test_no_single_bias_of_a_fine_grid_is_better_than_the_exact_step():
    split = skewed("tune", [3], frames=60)
    tuned = search_bias(split, HEAD, sweeps=20)
    for label in range(8):
        for value in np.linspace(-4, 4, 81):
            bias = list(tuned.options.bias)
            bias[label] = value
            assert (
                figures(split, replace(tuned.options, bias=tuple(bias))).macro_f1
                <= tuned.tuning_figure + 1e-9
            )


def test_frames_of_the_pretrained_branch_are_left_as_they_are():
    split = skewed("tune", range(3))
    start = Tuned(Options(confidence=0, window=0))
    tuned = search_bias(split, start)
    assert tuned.options.bias == pytest.approx((0.0,) * 8)
    assert tuned.tuning_figure == pytest.approx(figures(split, start.options).macro_f1)


def test_thresholds_are_those_of_the_grid_with_the_best_f1():
    split = skewed("tune", range(4))
    start = Tuned(Options(window_units=0))
    tuned = search_thresholds(split, start)
    units = np.concatenate([clip.units for clip in split.clips])
    strengths = np.concatenate([clip.scores.units for clip in split.clips])
    by_grid = np.array([unit_f1(units, strengths > value) for value in GRID])
    assert tuned.options.unit_thresholds == tuple(GRID[i] for i in by_grid.argmax(axis=0))
    assert len(set(tuned.options.unit_thresholds)) > 3
    assert tuned.tuning_figure == pytest.approx(by_grid.max(axis=0).mean())
    held_out = skewed("held-out", range(50, 54))
    assert evaluate(held_out, tuned).units.mean() > evaluate(held_out, start).units.mean()


def test_the_grid_lists_every_setting_and_takes_the_best():
    split = skewed("tune", range(2), frames=40)
    tuned, table = search_grid(split, Tuned(), (0.4, 1.0), (0, 3), (0.5, 1.0))
    assert [(row.confidence, row.window, row.visual_weight) for row in table] == [
        (p, d, w) for p in (0.4, 1.0) for d in (0, 3) for w in (0.5, 1.0)
    ]
    for row in table:
        options = Options(confidence=row.confidence, window=row.window, visual_weight=row.visual_weight)
        assert row.tuning_macro_f1 == figures(split, options).macro_f1
    assert tuned.tuning_figure == max(row.tuning_macro_f1 for row in table)
    assert figures(split, tuned.options).macro_f1 == tuned.tuning_figure


def test_a_setting_is_never_evaluated_on_the_split_it_was_tuned_on():
    tune, held_out = skewed("tune", range(2), frames=40), skewed("held-out", range(60, 62), frames=40)
    tuned = search_bias(tune, HEAD)
    assert tuned.tuned_on == ("tune",)
    twice = search_thresholds(held_out, tuned)
    assert twice.tuned_on == ("tune", "held-out")
    renamed = Split("another name", (held_out.clips[0], tune.clips[1]))
    for split, setting in ((tune, tuned), (tune, twice), (held_out, twice), (renamed, tuned)):
        with pytest.raises(UserError, match="tuned on") as caught:
            evaluate(split, setting)
        assert caught.value.code == Code.OPTION_RANGE
    assert evaluate(held_out, tuned).macro_f1 > 0


def test_tasks_that_nobody_annotated_have_no_figures():
    clip = LabelledClip("bare", random_scores(10))
    split = Split("bare", (clip,))
    found = evaluate(split, Tuned())
    assert found.expressions is found.dimensions is found.units is None
    assert np.isnan(found.macro_f1)
    with pytest.raises(ValueError, match="no frame"):
        search_bias(split, Tuned())
    with pytest.raises(ValueError, match="no clip"):
        search_thresholds(split, Tuned())


def test_labels_of_another_length_are_refused():
    with pytest.raises(ValueError, match="annotated frames"):
        LabelledClip("short", random_scores(10), np.zeros(9, int))
