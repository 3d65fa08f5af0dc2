"""The steps from two classifiers to one expression, each against card 8's statement of it."""

import numpy as np
import pytest

from core.abaw import expression
from core.abaw.classes import EXPRESSIONS, OTHER
from core.abaw.decide import decide
from core.abaw.smooth import box_average, interpolate
from core.abaw.types import Options
from tests.core.abaw.abaw_fakes import random_scores

AFFECTNET = ("Angry", "Contempt", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")
FER = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
ALL_ON = Options(confidence=0.3, window=3, visual_weight=0.7, bias=(0, 0.3, 0.5, 0, -0.2, 0, 0, 0.1))


def test_affectnet_order_is_the_index_list_of_the_notebooks():
    assert expression.class_map(AFFECTNET) == (5, 0, 2, 3, 4, 6, 7, 1)


def test_a_class_that_the_encoder_does_not_know_is_0():
    assert expression.class_map(FER) == (6, 0, 1, 2, 3, 4, 5, None)
    rows = np.random.default_rng(0).dirichlet(np.ones(7), 5)
    arranged = expression.arrange(rows, FER)
    np.testing.assert_array_equal(arranged[:, :OTHER], rows[:, [6, 0, 1, 2, 3, 4, 5]])
    assert not arranged[:, OTHER].any()
    assert expression.class_map(("neutral", "happy")) == (0, None, None, None, 1, None, None, None)


@pytest.mark.parametrize("classes", [("neutral", "sleepy"), ("happy", "happiness")])
def test_classes_without_a_place_are_refused(classes):
    with pytest.raises(ValueError, match="without a place"):
        expression.class_map(classes)


def test_softmax_shifts_each_row_by_its_own_maximum():
    logits = np.array([[1000.0, 999], [-1000, -1001], [0, -1]])
    np.testing.assert_allclose(
        expression.softmax(logits), np.tile([1, np.exp(-1)], (3, 1)) / (1 + np.exp(-1))
    )


@pytest.mark.parametrize("window", [0, 9])
def test_p0_of_1_is_the_pure_head(window):
    scores = random_scores()
    certain = np.eye(8)[np.random.default_rng(3).integers(0, 7, len(scores))] * scores.seen[:, None]
    scores = random_scores(pretrained=certain)
    timeline = decide(scores, Options(confidence=1, window=window))
    assert (timeline.branch == 1).all()
    head = box_average(interpolate(scores.mlp, scores.seen), window)
    np.testing.assert_array_equal(timeline.final, head.argmax(axis=1))
    np.testing.assert_allclose(timeline.probabilities, head, atol=1e-12)


@pytest.mark.parametrize("window", [0, 9])
def test_p0_of_0_is_the_pure_pretrained_classifier_and_never_other(window):
    contempt = np.full((200, 8), 0.05)
    contempt[:, OTHER] = 0.65
    contempt[np.arange(200), np.arange(200) % 7] += 1e-3
    contempt[:3] = np.eye(8)[OTHER]
    for scores in (random_scores(), random_scores(missing=0, pretrained=contempt)):
        timeline = decide(scores, Options(confidence=0, window=window, bias=(0.0,) * 7 + (9.0,)))
        assert (timeline.branch == 0).all()
        pretrained = box_average(interpolate(scores.pretrained, scores.seen), window)
        np.testing.assert_array_equal(timeline.final, pretrained[:, :OTHER].argmax(axis=1))
        assert (timeline.final != OTHER).all()
        np.testing.assert_allclose(timeline.probabilities.sum(axis=1), 1)


def test_contempt_does_not_make_the_pretrained_classifier_sure():
    pretrained = np.tile([0.04, 0.0, 0, 0, 0.06, 0, 0, 0.9], (4, 1))
    scores = random_scores(4, missing=0, pretrained=pretrained)
    assert (decide(scores, Options(confidence=0.5, window=0)).branch == 1).all()
    assert (decide(scores, Options(confidence=0.05, window=0)).final == 4).all()


def test_the_pretrained_class_is_taken_strictly_above_p0():
    pretrained = np.zeros((3, 8))
    pretrained[:, 2], pretrained[:, 3] = [0.5, 0.75, 0.875], [0.5, 0.25, 0.125]
    scores = random_scores(3, missing=0, pretrained=pretrained)
    assert decide(scores, Options(confidence=0.75, window=0)).branch.tolist() == [1, 1, 0]


def test_rounding_of_a_sum_does_not_pass_p0_of_1():
    rows = np.eye(8)[[0, 3]] * (1 + 1e-9)
    assert not expression.confident(rows, 1.0).any()
    assert expression.confident(0 * rows, 0.0).all()


def test_delta_of_0_leaves_every_frame_alone():
    scores = random_scores(missing=0)
    timeline = decide(scores, Options(confidence=1, window=0))
    np.testing.assert_array_equal(timeline.final, scores.mlp.argmax(axis=1))
    np.testing.assert_array_equal(timeline.raw, timeline.smoothed)


def test_a_constant_sequence_is_unchanged_by_the_window():
    rows = {name: np.tile(getattr(random_scores(), name)[:1], (200, 1)) for name in ("audio",)}
    rows |= {name: np.tile(np.arange(1, 9) / 36, (200, 1)) for name in ("mlp", "pretrained")}
    scores = random_scores(missing=0, **rows)
    for confidence in (0.0, 0.1, 1.0):
        still = Options(confidence=confidence, window=0, visual_weight=0.5)
        moved = Options(confidence=confidence, window=50, visual_weight=0.5)
        np.testing.assert_array_equal(
            decide(scores, still).probabilities, decide(scores, moved).probabilities
        )


def test_output_rows_sum_to_1_with_every_step_on():
    timeline = decide(random_scores(), ALL_ON)
    assert set(timeline.branch) == {0, 1}
    np.testing.assert_allclose(timeline.probabilities.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_array_equal(timeline.probabilities.argmax(axis=1), timeline.final)


@pytest.mark.parametrize("confidence", [0.0, 0.5, 1.0])
def test_gla_with_an_equal_bias_changes_nothing(confidence):
    for scores in (random_scores(), random_scores(mlp=None)):
        plain = decide(scores, Options(confidence=confidence))
        for value in (3.0, -7.5):
            same = decide(scores, Options(confidence=confidence, bias=(value,) * 8))
            np.testing.assert_array_equal(same.probabilities, plain.probabilities)
            np.testing.assert_array_equal(same.final, plain.final)


def test_gla_is_the_softmax_of_log_probabilities_and_bias():
    rows = np.random.default_rng(0).dirichlet(np.ones(8), 50)
    bias = tuple(np.linspace(-2, 2, 8))
    np.testing.assert_allclose(expression.biased(rows, bias), expression.softmax(np.log(rows) + bias))


def test_gla_acts_on_the_head_and_not_on_the_pretrained_choice():
    scores = random_scores()
    plain = decide(scores, Options(confidence=0.5))
    pushed = decide(scores, Options(confidence=0.5, bias=(0.0,) * 3 + (20.0,) + (0.0,) * 4))
    np.testing.assert_array_equal(pushed.branch, plain.branch)
    np.testing.assert_array_equal(pushed.final[plain.branch == 0], plain.final[plain.branch == 0])
    assert (pushed.final[plain.branch == 1] == 3).all()


def test_w_of_1_is_visual_only_and_w_of_0_audio_only():
    scores = random_scores()
    silent = random_scores(audio=None)
    both = [decide(s, Options(confidence=1, visual_weight=1)) for s in (scores, silent)]
    np.testing.assert_array_equal(both[0].probabilities, both[1].probabilities)
    heard = decide(scores, Options(confidence=1, visual_weight=0, window=4))
    np.testing.assert_allclose(heard.probabilities, box_average(scores.audio, 4), atol=1e-12)


def test_w_does_nothing_without_audio():
    silent = random_scores(audio=None)
    np.testing.assert_array_equal(
        decide(silent, Options(visual_weight=0.3)).probabilities, decide(silent, Options()).probabilities
    )


def test_the_steps_come_in_the_order_of_the_card():
    scores = random_scores()
    timeline = decide(scores, ALL_ON)
    head = box_average(interpolate(scores.mlp, scores.seen), 3)
    pretrained = box_average(interpolate(scores.pretrained, scores.seen), 3)
    blended = 0.7 * head + 0.3 * box_average(scores.audio, 3)
    logits = np.log(blended) + np.array(ALL_ON.bias)
    sure = pretrained[:, :OTHER].max(axis=1) > 0.3
    expected = np.where(sure, pretrained[:, :OTHER].argmax(axis=1), logits.argmax(axis=1))
    np.testing.assert_array_equal(timeline.final, expected)
    np.testing.assert_array_equal(timeline.branch, np.where(sure, 0, 1))
    np.testing.assert_array_equal(timeline.raw, interpolate(scores.mlp, scores.seen).argmax(axis=1))
    np.testing.assert_array_equal(timeline.smoothed, head.argmax(axis=1))
    assert 20 < sure.sum() < 180


def test_without_a_head_the_pretrained_classes_decide_everywhere():
    scores = random_scores(mlp=None)
    for confidence in (0.0, 0.7, 1.0):
        timeline = decide(scores, Options(confidence=confidence, window=2))
        assert (timeline.branch == 0).all()
        pretrained = box_average(interpolate(scores.pretrained, scores.seen), 2)
        np.testing.assert_array_equal(timeline.final, pretrained[:, :OTHER].argmax(axis=1))
        np.testing.assert_array_equal(timeline.smoothed, timeline.final)
        assert timeline.raw.max() < OTHER


def test_without_filling_unseen_frames_stay_undecided_and_do_not_weigh():
    scores = random_scores()
    timeline = decide(scores, Options(fill=False, window=3, confidence=0.5))
    for labels in (timeline.raw, timeline.smoothed, timeline.final, timeline.branch):
        np.testing.assert_array_equal(labels == -1, ~scores.seen)
    assert not timeline.filled.any()
    assert not timeline.probabilities[~scores.seen].any()
    np.testing.assert_allclose(timeline.probabilities[scores.seen].sum(axis=1), 1)


def test_with_filling_only_a_clip_without_any_face_stays_undecided():
    scores = random_scores()
    timeline = decide(scores, Options())
    np.testing.assert_array_equal(timeline.filled, ~scores.seen)
    assert timeline.final.min() >= 0
    nobody = decide(random_scores(missing=1.1), Options())
    assert (nobody.final == -1).all()
    assert (nobody.branch == -1).all()
    assert (nobody.raw == -1).all()
    assert not nobody.filled.any()
    assert not nobody.probabilities.any()


def test_labels_are_the_eight_of_the_challenge():
    assert len(EXPRESSIONS) == 8
    assert EXPRESSIONS[OTHER] == "other"
