"""Figures from sums a video equal those over all frames; ignored frames never enter."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from core.abaw.evaluate import Evaluation, evaluate, score
from core.abaw.score import dimension_ccc, expression_f1, unit_f1
from core.abaw.types import Timeline
from core.datasets.frame_labels import Annotation, Task
from core.errors import Code, UserError

RNG = np.random.default_rng(7)


def clips(task: Task, count: int = 4) -> list[tuple[Annotation, np.ndarray]]:
    found = []
    for number in range(count):
        frames = int(RNG.integers(40, 90))
        if task is Task.DIMENSIONS:
            truth = RNG.uniform(-1, 1, (frames, 2)).astype(np.float32)
            answers = truth * 0.5 + RNG.normal(0, 0.3, (frames, 2))
            truth[RNG.random(frames) < 0.2] = -5
            answers[RNG.random(frames) < 0.1] = np.nan
        else:
            classes, wide = (8, ()) if task is Task.EXPRESSION else (2, (12,) if task is Task.UNITS else ())
            truth = RNG.integers(0, classes, (frames, *wide))
            answers = np.where(
                RNG.random((frames, *wide)) < 0.6, truth, RNG.integers(0, classes, (frames, *wide))
            )
            truth = np.where(RNG.random((frames, *wide)) < 0.2, -1, truth)
            if task is Task.EXPRESSION:
                answers[RNG.random(frames) < 0.1] = -1
            else:
                answers = answers.astype(bool)
        found.append((Annotation(f"video{number}", task, truth), answers))
    return found


def pooled(given: list[tuple[Annotation, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([one.values for one, _ in given]), np.concatenate([answers for _, answers in given])


def test_expression_figures_are_those_over_all_frames() -> None:
    given = clips(Task.EXPRESSION)
    truth, answers = pooled(given)
    found = evaluate(given)
    np.testing.assert_allclose(list(found.parts.values()), expression_f1(truth, answers))
    known = truth >= 0
    assert found.figure == pytest.approx(
        f1_score(truth[known], answers[known], labels=range(8), average="macro", zero_division=0)
    )
    assert found.accuracy == pytest.approx(np.mean(truth[known] == answers[known]))
    assert found.frames == known.sum()
    assert found.undecided == (known & (answers < 0)).sum() > 0
    assert list(found.parts)[:2] == ["neutral", "anger"]


def test_dimension_figures_are_those_over_all_frames() -> None:
    given = clips(Task.DIMENSIONS)
    truth, answers = pooled(given)
    found = evaluate(given)
    np.testing.assert_allclose(list(found.parts.values()), dimension_ccc(truth, answers), rtol=1e-9)
    assert found.figure == pytest.approx(np.mean(dimension_ccc(truth, answers)))
    assert found.undecided > 0


def test_unit_figures_are_those_over_all_frames() -> None:
    given = clips(Task.UNITS)
    np.testing.assert_allclose(list(evaluate(given).parts.values()), unit_f1(*pooled(given)))


def test_violence_is_macro_f1_over_both_classes() -> None:
    given = clips(Task.VIOLENCE)
    truth, answers = pooled(given)
    known = truth >= 0
    assert evaluate(given).figure == pytest.approx(f1_score(truth[known], answers[known], average="macro"))


@pytest.mark.parametrize("task", list(Task))
def test_whatever_is_said_of_ignored_frames_changes_nothing(task: Task) -> None:
    given = clips(task)
    other = []
    for annotation, answers in given:
        changed = answers.copy()
        drop = ~annotation.labelled
        changed[drop] = (
            RNG.uniform(-1, 1, changed[drop].shape)
            if task is Task.DIMENSIONS
            else RNG.integers(0, 2, changed[drop].shape)
        )
        assert drop.any()
        other.append((annotation, changed))
    assert evaluate(other) == evaluate(given)


def test_intervals_draw_videos_and_people_in_one_video_stay_together() -> None:
    given = clips(Task.EXPRESSION, 6)
    found = evaluate(given)
    assert found.interval is not None
    assert (found.interval.clusters, found.videos) == (6, 6)
    assert found.interval.low < found.figure < found.interval.high
    assert found.interval.estimate == pytest.approx(found.figure)
    names = ("a_left", "a_right", "b_left", "b_right", "c", "d")
    renamed = [
        (Annotation(name, one.task, one.values), answers)
        for name, (one, answers) in zip(names, given, strict=True)
    ]
    together = evaluate(renamed)
    assert together.interval is not None
    assert (together.interval.clusters, together.figure) == (4, pytest.approx(found.figure))
    assert evaluate(given[:1]).interval is None


def line(final: np.ndarray) -> Timeline:
    count = len(final)
    return Timeline(final, final, final, np.zeros((count, 8)), np.ones(count, np.int8), np.zeros(count, bool))


def test_a_timeline_is_scored_against_uploaded_labels_with_a_frame_more_or_less() -> None:
    truth = np.array([0, 1, 2, -1, 4, 4])
    for count in (5, 6, 7):
        final = np.resize(truth, count)
        found = score(line(np.where(final < 0, 3, final)), Annotation("clip", Task.EXPRESSION, truth))
        assert isinstance(found, Evaluation)
        assert found.accuracy == 1
        assert found.frames == min(5, count - 1)
    with pytest.raises(UserError) as raised:
        score(line(np.zeros(20, np.int64)), Annotation("clip", Task.EXPRESSION, truth))
    assert raised.value.code is Code.LABELS_INVALID
    with pytest.raises(UserError, match="No frame carries a label"):
        score(line(np.zeros(6, np.int64)), Annotation("clip", Task.EXPRESSION, np.full(6, -1)))
