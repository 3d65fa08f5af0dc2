"""The figures of the whole path come from the steps' times and the frames that both ways decided."""

import pytest

from benchmarks.video_path import Run, merged, row


def _run(find: float, encode: float, classes: dict[int, int], shift: float = 0.0) -> Run:
    run = Run(frames=10, classes=classes)
    run.wall.update({"decode": 0.1, "find": find, "encode": encode})
    run.cpu.update({"decode": 0.2, "find": 2 * find, "encode": 2 * encode})
    run.boxes = dict.fromkeys(classes, (shift, 0.0, 100.0 + shift, 100.0))
    return run


def test_a_row_compares_speed_share_classes_and_boxes() -> None:
    old = _run(0.5, 0.4, {0: 1, 1: 2, 2: 3, 3: 3})
    new = _run(0.2, 0.2, {1: 2, 2: 3, 3: 0, 9: 1}, shift=100 / 3)
    cells = row("clip", old, new)
    assert cells[:5] == ["clip (10)", "10", "20", "5", "10"]
    assert cells[5] == "**2.00**, 2.00"
    assert cells[6] == "20.0 + 100.0 + 80.0" and cells[8] == "40%, 40%"
    assert cells[9] == "66.7% of 3" and cells[10] == "0.500 (0.500)"


def test_clips_are_added_without_mixing_their_frames() -> None:
    whole = merged([_run(0.5, 0.4, {0: 1, 1: 2}), _run(0.3, 0.1, {0: 3})])
    assert whole.frames == 20 and sorted(whole.classes.values()) == [1, 2, 3]
    assert whole.wall["find"] == pytest.approx(0.8) and len(whole.boxes) == 3


def test_a_step_adds_up() -> None:
    run = Run()
    for _ in range(2):
        with run.step("find"):
            sum(range(1000))
    assert list(run.wall) == ["find"] and run.wall["find"] > 0 and run.share("find") == 1
