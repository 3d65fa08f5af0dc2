"""Submission files: the challenges' headers, a row for every frame, and the same answers read back."""

import numpy as np
import pytest

from core.abaw import submission
from core.abaw.classes import EXPRESSIONS
from core.abaw.types import Timeline
from core.datasets.frame_labels import Task
from core.errors import Code, UserError


def timeline(count: int, **heads: np.ndarray) -> Timeline:
    final = np.arange(count) % 8
    return Timeline(
        final, final, final, np.eye(8)[final], np.ones(count, np.int8), np.zeros(count, bool), **heads
    )


def test_expressions_are_written_as_the_challenge_wants_them() -> None:
    text = submission.write(Task.EXPRESSION, {"video5_left": np.array([4, -1, 7]), "b": np.array([0])})
    assert text.splitlines() == [
        "image_location,Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other",
        "video5_left/00001.jpg,4",
        "video5_left/00002.jpg,0",
        "video5_left/00003.jpg,7",
        "b/00001.jpg,0",
    ]


def test_dimensions_and_units_are_written_as_the_challenge_wants_them() -> None:
    dimensions = submission.write(Task.DIMENSIONS, {"a": np.array([[0.5, -1.0], [np.nan, np.nan]])})
    assert dimensions.splitlines() == [
        "image_location,valence,arousal",
        "a/00001.jpg,0.500000,-1.000000",
        "a/00002.jpg,0.000000,0.000000",
    ]
    units = submission.write(Task.UNITS, {"a": np.eye(12, dtype=bool)[:1]})
    assert units.splitlines() == [
        "image_location,AU1,AU2,AU4,AU6,AU7,AU10,AU12,AU15,AU23,AU24,AU25,AU26",
        "a/00001.jpg,1,0,0,0,0,0,0,0,0,0,0,0",
    ]
    assert submission.write_violence(np.array([True, False])) == "Frame_Number,Label\n1,1\n2,0\n"


@pytest.mark.parametrize("task", list(Task))
def test_there_is_a_row_for_every_frame_and_it_comes_back(task: Task) -> None:
    rng = np.random.default_rng(0)
    answers = {
        name: {
            Task.EXPRESSION: rng.integers(0, len(EXPRESSIONS), count),
            Task.DIMENSIONS: rng.uniform(-1, 1, (count, 2)),
            Task.UNITS: rng.random((count, 12)) < 0.3,
            Task.VIOLENCE: rng.random(count) < 0.3,
        }[task]
        for name, count in (("one", 7), ("two_right", 12))
    }
    if task is Task.VIOLENCE:
        texts = {name: submission.write_violence(values) for name, values in answers.items()}
        assert [len(text.splitlines()) for text in texts.values()] == [8, 13]
        found = {}
        for name, text in texts.items():
            found |= submission.read(text, f"folder/{name}.csv", task)
    else:
        text = submission.write(task, answers)
        assert len(text.splitlines()) == 1 + 7 + 12
        found = submission.read(text, "predictions.txt", task)
    assert list(found) == list(answers)
    for name, values in answers.items():
        np.testing.assert_allclose(found[name], values, atol=5e-7)


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (["a/00001.jpg,4", "a/00003.jpg,4"], 3),
        (["a/00002.jpg,4"], 2),
        (["00001.jpg,4"], 2),
        (["a/00001.jpg,4", "a/00002.jpg,9"], 3),
        (["a/00001.jpg,4", "b/00001.jpg,4", "a/00002.jpg,happy"], 4),
        (["a/00001.jpg,4", "", "a/00002.jpg,4"], 3),
    ],
)
def test_errors_name_the_line_of_the_file(rows: list[str], line: int) -> None:
    header = "image_location,Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other"
    with pytest.raises(UserError) as raised:
        submission.read("\n".join([header, *rows]), "/tmp/p.txt", Task.EXPRESSION)
    assert raised.value.code is Code.LABELS_INVALID
    assert raised.value.message.startswith(f"p.txt, line {line}:")


def test_files_of_another_challenge_are_refused() -> None:
    text = submission.write(Task.DIMENSIONS, {"a": np.zeros((2, 2))})
    for given in (text, text.replace("image_location", "picture"), ""):
        with pytest.raises(UserError):
            submission.read(given, "p.txt", Task.EXPRESSION)


def test_a_timeline_answers_for_the_heads_it_has() -> None:
    units = np.zeros((5, 12), bool)
    line = timeline(5, active=units, violent=np.ones(5, bool))
    assert submission.answer(line, Task.EXPRESSION).tolist() == [0, 1, 2, 3, 4]
    assert submission.answer(line, Task.UNITS) is units
    assert submission.answer(line, Task.VIOLENCE).all()
    with pytest.raises(UserError, match="valence and arousal") as raised:
        submission.answer(line, Task.DIMENSIONS)
    assert raised.value.code is Code.WEIGHTS_MISSING


def test_answers_of_a_wrong_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        submission.write(Task.UNITS, {"a": np.zeros((3, 11), bool)})
    with pytest.raises(ValueError, match="shape"):
        submission.write(Task.EXPRESSION, {"a": np.zeros(0, np.int64)})
