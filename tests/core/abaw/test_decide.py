"""Valence-arousal, action units and violence after the networks; shapes and ranges of the options."""

import dataclasses

import numpy as np
import pytest

from core.abaw.classes import ACTION_UNITS
from core.abaw.decide import active, decide, mix
from core.abaw.smooth import box_average, interpolate
from core.abaw.types import Options, Timeline
from core.errors import Code, UserError
from tests.core.abaw.abaw_fakes import random_scores

HEADS = ("mlp", "audio", "valence_arousal", "units", "units_second", "violence")


@pytest.mark.parametrize("frames", [0, 1, 2, 77])
@pytest.mark.parametrize("fill", [True, False])
def test_output_rows_are_the_frames_of_the_video(frames, fill):
    timeline = decide(random_scores(frames), Options(fill=fill))
    for field in dataclasses.fields(Timeline):
        assert len(getattr(timeline, field.name)) == frames, field.name


def test_heads_that_are_missing_leave_their_part_of_the_timeline_out():
    timeline = decide(random_scores(**dict.fromkeys(HEADS)), Options())
    assert timeline.valence_arousal is timeline.units is timeline.active is None
    assert timeline.violence is timeline.violent is None
    assert (timeline.final >= 0).all()


def test_valence_and_arousal_are_filled_and_averaged():
    scores = random_scores()
    timeline = decide(scores, Options(window_dimensions=6))
    filled = interpolate(scores.valence_arousal, scores.seen)
    np.testing.assert_array_equal(timeline.valence_arousal, box_average(filled, 6))
    still = decide(random_scores(missing=0), Options(window_dimensions=0)).valence_arousal
    np.testing.assert_array_equal(still, random_scores(missing=0).valence_arousal)


def test_action_units_are_mixed_then_filled_then_averaged():
    scores = random_scores()
    timeline = decide(scores, Options(window_units=2, unit_mix=0.3))
    mixed = interpolate(0.3 * scores.units + 0.7 * scores.units_second, scores.seen)
    np.testing.assert_allclose(timeline.units, box_average(mixed, 2), atol=1e-12)
    np.testing.assert_array_equal(timeline.active, timeline.units > 0.5)


def test_one_branch_of_action_units_is_enough():
    a, b = np.zeros((2, 12)), np.ones((2, 12))
    assert mix(a, None, 0.2) is a
    assert mix(None, b, 0.2) is b
    assert mix(None, None, 0.2) is None
    np.testing.assert_allclose(mix(a, b, 0.2), 0.8)


def test_thresholds_of_one_half_equal_plain_rounding():
    units = np.random.default_rng(0).random((500, 12))
    units[:4] = [[0.5], [np.nextafter(0.5, 1)], [np.nextafter(0.5, 0)], [1.0]]
    np.testing.assert_array_equal(active(units, (0.5,) * 12), np.round(units).astype(bool))


def test_each_action_unit_has_its_own_threshold():
    thresholds = tuple(np.linspace(0, 1, len(ACTION_UNITS)))
    timeline = decide(random_scores(missing=0), Options(unit_thresholds=thresholds, window_units=0))
    np.testing.assert_array_equal(timeline.active, timeline.units > np.array(thresholds))


def test_violence_is_averaged_over_all_frames_whether_a_face_is_seen_or_not():
    scores = random_scores(missing=0.5)
    timeline = decide(scores, Options(window_violence=4, violence_threshold=0.4))
    np.testing.assert_array_equal(timeline.violence, box_average(scores.violence, 4))
    np.testing.assert_array_equal(timeline.violent, timeline.violence > 0.4)


def test_frames_that_stay_undecided_have_no_numbers():
    scores = random_scores()
    timeline = decide(scores, Options(fill=False))
    for values in (timeline.valence_arousal, timeline.units):
        np.testing.assert_array_equal(np.isnan(values).all(axis=1), ~scores.seen)
        assert np.isfinite(values[scores.seen]).all()
    assert not timeline.active[~scores.seen].any()
    assert np.isnan(decide(random_scores(missing=1.1), Options()).units).all()


def test_without_filling_unseen_frames_do_not_weigh_in_the_averages():
    scores = random_scores()
    timeline = decide(scores, Options(fill=False, window_dimensions=6, window_units=2, unit_mix=1))
    for values, raw, half in (
        (timeline.valence_arousal, scores.valence_arousal, 6),
        (timeline.units, scores.units, 2),
    ):
        for frame in np.flatnonzero(scores.seen)[::17]:
            near = slice(max(frame - half, 0), frame + half + 1)
            np.testing.assert_allclose(values[frame], raw[near][scores.seen[near]].mean(axis=0))


def test_scores_are_left_as_they_were():
    scores, untouched = random_scores(), random_scores()
    decide(scores, Options(visual_weight=0.5, confidence=0.3))
    for name in ("pretrained", *HEADS):
        np.testing.assert_array_equal(getattr(scores, name), getattr(untouched, name))


def test_scores_of_another_length_or_width_are_refused():
    with pytest.raises(ValueError, match="violence has shape"):
        random_scores(violence=np.zeros(3))
    with pytest.raises(ValueError, match="mlp has shape"):
        random_scores(mlp=np.zeros((200, 7)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"confidence": -0.01},
        {"confidence": 1.01},
        {"confidence": float("nan")},
        {"window": -1},
        {"window": 1001},
        {"window": 2.5},
        {"visual_weight": 2.0},
        {"bias": (0.0,) * 7},
        {"bias": (0.0,) * 7 + (float("nan"),)},
        {"bias": (0.0,) * 7 + (21.0,)},
        {"window_dimensions": -1},
        {"window_units": -1},
        {"window_violence": -1},
        {"unit_thresholds": (0.5,) * 11},
        {"unit_thresholds": (0.5,) * 11 + (1.5,)},
        {"unit_mix": -1.0},
        {"violence_threshold": 1.1},
    ],
)
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(UserError) as caught:
        Options(**wrong)
    assert caught.value.code == Code.OPTION_RANGE
