"""Figures of answers that are known."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from core.personalize.evaluate import Clip, Run, compare, evaluate, run, take_shots
from core.personalize.methods import Method, ZeroShot
from tests.core.personalize.personalize_fakes import CLASSES, SCALE, stream, texts


def clips(people=6, each=5, seed=0):
    rng = np.random.default_rng(seed)
    return [
        Clip(f"s{person}", f"c{number}", stream(rng.integers(3, 9), seed=100 * person + number), label)
        for person in range(people)
        for number, label in enumerate(rng.integers(CLASSES, size=each))
    ]


def answered(found, seed):
    """A run of random answers."""
    rng = np.random.default_rng(seed)
    frames = tuple(rng.integers(CLASSES, size=len(clip.embeddings)) for clip in found)
    return Run("random", rng.integers(CLASSES, size=len(found)), frames, 0.0, 0)


class Recorder(Method):
    """Writes down what it is asked; the first number of an embedding is its logit of class 1."""

    name = "recorder"

    def __init__(self):
        self.calls = []

    def meet(self, subject, embeddings):
        self.calls.append((subject, len(embeddings)))

    def begin(self):
        self.calls.append("clip")

    def step(self, embedding):
        self.calls.append("frame")
        return np.array([0.0, embedding[0]])


def test_each_subject_is_met_once_with_all_frames_and_clips_keep_their_order():
    rows = [np.array([[value, 1.0] for value in values]) for values in ([3, -1, -1], [1], [-2, 1])]
    found = [Clip("a", "1", rows[0], 1), Clip("b", "1", rows[1], 1), Clip("a", "2", rows[2], 0)]
    method = Recorder()
    done = run(method, found)
    frames = ["clip", "frame", "frame", "frame", "clip", "frame", "frame"]
    assert method.calls == [("a", 5), *frames, ("b", 1), "clip", "frame"]
    assert done.videos.tolist() == [1, 1, 0]  # the mean of the logits, not the vote of the frames
    assert [list(row) for row in done.frames] == [[1, 0, 0], [1], [0, 1]]


def test_zero_shot_answers_are_those_of_the_mean_logits():
    found = clips()
    done = run(ZeroShot(texts(), SCALE), found)
    for clip, answer in zip(found, done.videos, strict=True):
        assert answer == (clip.embeddings @ texts().T).mean(0).argmax()
    assert done.seconds > 0


def test_pooled_figures_are_those_of_scikit_learn():
    found = clips()
    done = answered(found, 1)
    truth = [clip.label for clip in found]
    figures = evaluate(done, found, CLASSES)
    assert figures.intervals["WAR"].estimate == pytest.approx(np.mean(truth == done.videos))
    assert figures.intervals["UAR"].estimate == pytest.approx(balanced_accuracy_score(truth, done.videos))
    f1 = f1_score(truth, done.videos, average="macro", labels=range(CLASSES), zero_division=0)
    assert figures.intervals["macro-F1"].estimate == pytest.approx(f1)
    assert figures.report.pooled.macro_f1 == pytest.approx(f1)
    assert set(figures.report.per_subject) == {f"s{n}" for n in range(6)}


def test_frames_are_judged_by_their_own_labels_and_unlabelled_ones_left_out():
    rows = np.ones((4, 2))
    found = [Clip("a", "1", rows, -1, np.array([0, 1, -1, 1])), Clip("b", "1", rows[:1], 0)]
    done = Run("x", np.array([1, 0]), (np.array([0, 0, 0, 1]), np.array([0])), 0.0, 0)
    figures = evaluate(done, found, 2, "frame")
    assert figures.report.pooled.samples == 4
    assert figures.report.pooled.accuracy == pytest.approx(3 / 4)
    videos = evaluate(done, found, 2, "video")
    assert videos.report.pooled.samples == 1
    assert videos.intervals == {}


def test_differences_are_paired():
    found = clips(12)
    done, other = answered(found, 1), answered(found, 2)
    same = compare(done, done, found, CLASSES)
    assert all((d.estimate, d.low, d.high) == (0, 0, 0) for d in same.values())
    first, second = (evaluate(each, found, CLASSES).intervals for each in (done, other))
    for name, difference in compare(done, other, found, CLASSES).items():
        assert difference.estimate == pytest.approx(first[name].estimate - second[name].estimate)
        assert difference.low < difference.estimate < difference.high
        assert difference.clusters == 12


def test_nothing_to_judge_is_an_error():
    rows = np.ones((1, 2))
    with pytest.raises(ValueError, match="label"):
        evaluate(Run("x", np.array([0]), (np.array([0]),), 0.0, 0), [Clip("a", "1", rows, -1)], 2)
    with pytest.raises(ValueError, match="without frames"):
        run(Recorder(), [Clip("a", "1", rows[:0], 0)])


def test_shots_are_the_first_frames_of_each_class_and_leave_the_clips():
    rows = np.arange(10.0).reshape(5, 2)
    found = [
        Clip("a", "1", rows, -1, np.array([0, 1, 0, -1, 0])),
        Clip("a", "2", rows[:2] + 100, 1),
        Clip("b", "1", rows[:1] + 200, 1),
    ]
    shots, rest = take_shots(found, 2)
    np.testing.assert_array_equal(shots["a"][0], [rows[0], rows[1], rows[2], rows[0] + 100])
    assert shots["a"][1].tolist() == [0, 1, 0, 1]
    assert shots["b"][1].tolist() == [1]
    assert [(clip.subject, clip.name) for clip in rest] == [("a", "1"), ("a", "2")]
    np.testing.assert_array_equal(rest[0].embeddings, rows[3:])
    assert rest[0].frame_labels.tolist() == [-1, 0]
    np.testing.assert_array_equal(rest[1].embeddings, [rows[1] + 100])
    none, everything = take_shots(found, 0)
    assert none == {}
    assert [len(clip.embeddings) for clip in everything] == [5, 2, 1]
