"""AffWild2's and DVD's annotation files: what is read, what is ignored, and what is refused by line."""

from pathlib import Path

import numpy as np
import pytest

from core.abaw.classes import ACTION_UNITS, DIMENSIONS, EXPRESSIONS, IGNORED_DIMENSION, IGNORED_LABEL
from core.datasets import affwild2, dvd
from core.datasets.frame_labels import COLUMNS, IGNORED, Annotation, Task, parse
from core.errors import Code, UserError

EXPRESSION_HEADER = "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other"
UNIT_HEADER = "AU1,AU2,AU4,AU6,AU7,AU10,AU12,AU15,AU23,AU24,AU25,AU26"


def test_columns_are_those_of_the_system() -> None:
    assert tuple(name.lower() for name in COLUMNS[Task.EXPRESSION]) == EXPRESSIONS
    assert COLUMNS[Task.UNITS] == ACTION_UNITS
    assert COLUMNS[Task.DIMENSIONS] == DIMENSIONS
    assert IGNORED[Task.EXPRESSION] == IGNORED[Task.UNITS] == IGNORED_LABEL
    assert IGNORED[Task.DIMENSIONS] == IGNORED_DIMENSION


def test_expressions_are_read_row_by_row_and_minus_one_is_no_label() -> None:
    found = parse(f"{EXPRESSION_HEADER}\n4\n-1\n0\n7\n", "video1.txt")
    assert (found.name, found.task) == ("video1", Task.EXPRESSION)
    assert found.values.tolist() == [4, -1, 0, 7]
    assert found.labelled.tolist() == [True, False, True, True]


def test_dimensions_with_minus_five_in_either_are_no_label() -> None:
    found = parse("valence,arousal\n0.602,0.389\n-5,-5\n-0.024,-5\n-1,1\n", "a/b/clip.txt")
    assert found.labelled.tolist() == [True, False, False, True]
    np.testing.assert_allclose(found.values[0], [0.602, 0.389], atol=1e-6)


def test_units_are_ignored_cell_by_cell() -> None:
    rows = "0,1,0,0,0,0,0,0,0,0,1,0\n" + ",".join(["-1"] * 12) + "\n-1,1,0,0,0,0,0,0,0,0,0,0\n"
    found = parse(f"{UNIT_HEADER}\n{rows}", "clip.txt", Task.UNITS)
    assert found.values.shape == (3, 12)
    assert found.labelled.sum(1).tolist() == [12, 0, 11]


def test_violence_goes_by_the_frame_numbers() -> None:
    found = parse("Frame_Number,Label\n1,0\n4,1\n2,1\n", "0001.csv")
    assert found.values.tolist() == [0, 1, -1, 1]
    assert found.labelled.tolist() == [True, True, False, True]


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("\ufeffValence, Arousal\r\n0.1,1e-05\r\n0.2,0.3\r\n\r\n", None),
        ("1e-05,0.1\n0.2,0.3", Task.DIMENSIONS),
    ],
)
def test_byte_order_marks_line_ends_and_missing_headers_do_not_shift_frames(
    text: str, task: Task | None
) -> None:
    assert len(parse(text, "clip.txt", task)) == 2


@pytest.mark.parametrize(
    ("text", "task", "line"),
    [
        (f"{EXPRESSION_HEADER}\n4\n8\n", None, 3),
        (f"{EXPRESSION_HEADER}\n4\n-5\n", None, 3),
        (f"{EXPRESSION_HEADER}\n4.5\n", None, 2),
        (f"{EXPRESSION_HEADER}\nhappy\n", None, 2),
        (f"{EXPRESSION_HEADER}\n1\n\n2\n", None, 3),
        (f"{EXPRESSION_HEADER}\nnan\n", None, 2),
        ("valence,arousal\n0.1,1.2\n", None, 2),
        ("valence,arousal\n0.1\n", None, 2),
        ("valence,arousal\n0.1,inf\n", None, 2),
        (f"{UNIT_HEADER}\n0,1\n", None, 2),
        ("Frame_Number,Label\n1,0\n1,1\n", None, 3),
        ("Frame_Number,Label\n0,0\n", None, 2),
        ("Frame_Number,Label\n1,2\n", None, 2),
        ("Frame_Number,Label\n999999999999,1\n", None, 2),
        ("valence,arousal\n0.1,0.2\n", Task.EXPRESSION, 1),
        ("3\n", None, 1),
        ("joy\n1\n", None, 1),
        (f"{EXPRESSION_HEADER}\n", None, 1),
        ("", Task.EXPRESSION, 0),
    ],
)
def test_errors_name_the_file_and_the_line_never_the_folder(text: str, task: Task | None, line: int) -> None:
    with pytest.raises(UserError) as raised:
        parse(text, "/home/somebody/clip.txt", task)
    assert raised.value.code is Code.LABELS_INVALID
    assert raised.value.message.startswith(f"clip.txt, line {line}:")
    assert "somebody" not in str(raised.value)


def labels(count: int) -> Annotation:
    return Annotation("clip", Task.EXPRESSION, np.arange(count) % 8)


def test_frames_beyond_the_last_row_have_no_label_and_rows_beyond_the_last_frame_go() -> None:
    longer, shorter = labels(10).fit(11), labels(10).fit(9)
    assert longer.values.tolist() == [*labels(10).values.tolist(), -1]
    assert longer.labelled.sum() == 10
    assert shorter.values.tolist() == labels(9).values.tolist()
    assert len(labels(1000).fit(1010)) == 1010


@pytest.mark.parametrize(("rows", "frames"), [(10, 13), (13, 10), (1000, 1011)])
def test_labels_of_another_clip_are_refused(rows: int, frames: int) -> None:
    with pytest.raises(UserError) as raised:
        labels(rows).fit(frames)
    assert raised.value.code is Code.LABELS_INVALID


def test_units_and_dimensions_keep_their_columns_when_fitted() -> None:
    units = Annotation("c", Task.UNITS, np.ones((4, 12), np.int64)).fit(5)
    values = Annotation("c", Task.DIMENSIONS, np.ones((4, 2), np.float32)).fit(5)
    assert units.values.shape == (5, 12)
    assert not units.labelled[4].any()
    assert values.values[4].tolist() == [-5, -5]
    assert values.values.dtype == np.float32


def test_the_published_folders_are_found_and_read_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "6th ABAW Annotations" / "EXPR_Recognition_Challenge" / "Train_Set"
    folder.mkdir(parents=True)
    (folder / "b_left.txt").write_text(f"{EXPRESSION_HEADER}\n1\n")
    (folder / "a.txt").write_text(f"{EXPRESSION_HEADER}\n2\n")
    (folder / ".DS_Store.txt").write_bytes(b"\x00\xff")
    for root in (tmp_path, tmp_path / "6th ABAW Annotations"):
        found = affwild2.read(root, Task.EXPRESSION, "training")
        assert [(one.name, one.values.tolist()) for one in found] == [("a", [2]), ("b_left", [1])]
    with pytest.raises(UserError, match="Validation_Set"):
        affwild2.read(tmp_path, Task.EXPRESSION, "validation")
    (folder / "c.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"c\.txt is not a text file"):
        affwild2.read(tmp_path, Task.EXPRESSION, "training")


def test_two_people_share_one_video(tmp_path: Path) -> None:
    assert (affwild2.base("video5_left"), affwild2.side("video5_left")) == ("video5", "left")
    assert (affwild2.base("10-60-1280x720_right"), affwild2.side("10-60-1280x720_right")) == (
        "10-60-1280x720",
        "right",
    )
    assert (affwild2.base("a_leftover"), affwild2.side("left")) == ("a_leftover", None)
    (tmp_path / "batch2").mkdir()
    (tmp_path / "batch2" / "video5.avi").touch()
    assert affwild2.video(tmp_path, "video5_right").name == "video5.avi"
    with pytest.raises(UserError) as raised:
        affwild2.video(tmp_path, "video6")
    assert raised.value.code is Code.NO_VIDEO


def test_missing_crops_leave_gaps_in_the_frame_numbers(tmp_path: Path) -> None:
    folder = tmp_path / "video5_left"
    folder.mkdir()
    for name in ("00003.jpg", "00001.jpg", "00010.jpg", "notes.txt", "00000.jpg"):
        (folder / name).touch()
    found = affwild2.crops(tmp_path, "video5_left")
    assert found.frames.tolist() == [0, 2, 9]
    assert [file.name for file in found.files] == ["00001.jpg", "00003.jpg", "00010.jpg"]
    with pytest.raises(UserError):
        affwild2.crops(tmp_path, "video5_right")


@pytest.mark.parametrize("layout", ["Training/annotations", "labels/Training"])
def test_violence_files_are_read_from_both_layouts(tmp_path: Path, layout: str) -> None:
    folder = tmp_path / layout
    folder.mkdir(parents=True)
    (folder / "0002.csv").write_text("Frame_Number,Label\n1,1\n")
    (folder / "0001.csv").write_text("Frame_Number,Label\n1,0\n2,1\n")
    found = dvd.read(tmp_path, "training")
    assert [(one.name, one.values.tolist()) for one in found] == [("0001", [0, 1]), ("0002", [1])]
    with pytest.raises(UserError):
        dvd.read(tmp_path, "validation")
