from pathlib import Path

import numpy as np
import pytest

from benchmarks import expression as benchmark
from core import expression
from core.datasets import expressions
from core.datasets.expressions import LabelledFaces, Part
from core.expression.evaluate import figures
from core.expressions import EXPRESSIONS
from core.types import FloatArray
from core.weights import Status


def faces(count: int) -> LabelledFaces:
    labels = np.arange(count) % 7
    return LabelledFaces(np.zeros((count, 4, 4), np.uint8), labels, tuple(str(i // 3) for i in range(count)))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Part]:
    """Made-up sets and answers; the parts that were read."""
    parts: list[Part] = []

    def read(
        path: Path, classes: tuple[str, ...], part: Part, size: int, spelling: dict[str, str]
    ) -> LabelledFaces:
        parts.append(part)
        return faces(21)

    def answers(name: str, faces: LabelledFaces) -> FloatArray:
        return np.eye(8)[faces.labels]

    monkeypatch.setattr(expressions, "read", read)
    monkeypatch.setattr(benchmark, "answers", answers)
    states = {name: Status(name == "mini-xception", "", 0) for name in expression.encoders}
    monkeypatch.setattr(expression, "available", lambda: states)
    return parts


def test_private_test_is_read_only_when_reported(
    asked: list[Part], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, part in (([], "validation"), (["--report"], "test")):
        monkeypatch.setattr("sys.argv", ["expression", *arguments])
        asked.clear()
        benchmark.main()
        assert set(asked) == {part}
        shown = capsys.readouterr().out
        assert ("FER2013 PrivateTest" in shown) == (part == "test")
        assert "| mini-xception | 100.0 [100.0, 100.0] | 100.0 [100.0, 100.0] | 0.0 [0.0, 0.0] |" in shown
        assert "Not here, so not measured: enet" in shown or "densenet" in shown


def test_only_a_full_report_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in (["--write"], ["--write", "--report", "--limit", "5"]):
        monkeypatch.setattr("sys.argv", ["expression", *arguments])
        with pytest.raises(SystemExit):
            benchmark.main()


def test_a_limit_takes_the_same_stills_again(asked: list[Part], tmp_path: Path) -> None:
    some = [benchmark.read(tmp_path, "CK+", "validation", 5) for _ in range(2)]
    assert some[0].labels.tolist() == some[1].labels.tolist()
    assert len(some[0]) == len(some[0].people) == 5
    assert len(benchmark.read(tmp_path, "CK+", "validation", None)) == 21


def test_tables_leave_out_what_a_set_lacks() -> None:
    found = np.eye(8)[[0, 0, 7, 1, 1, 1]]
    some = LabelledFaces(np.zeros((6, 4, 4), np.uint8), np.array([0, 0, 0, 1, 1, 1]), ("",) * 6)
    result = figures(found, some, EXPRESSIONS)
    assert benchmark.class_row("x", result) == ["x", "80", "100", "-", "-", "-", "-", "-"]
    lines = benchmark.confusion_table(result).splitlines()
    assert lines[0].endswith("| neutral | other |")
    assert lines[2] == "| anger | 2 | 0 | 0 | 0 | 0 | 0 | 0 | 1 |"


def test_a_full_report_renews_the_results_and_the_card(
    asked: list[Part], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written = {}

    def keep(title: str, command: str, markdown: str, path: Path = tmp_path / "RESULTS.md") -> None:
        written[path.name] = (title, markdown)

    monkeypatch.setattr(benchmark, "write_section", keep)
    monkeypatch.setattr(benchmark, "OWN", "mini-xception")
    monkeypatch.setattr("sys.argv", ["expression", "--report", "--write"])
    benchmark.main()
    assert written["RESULTS.md"][0] == "Expression encoders"
    title, card = written["mini-xception.md"]
    assert title == "Figures"
    assert "| FER2013 PrivateTest (21 stills of 7 people) | 100.0 [100.0, 100.0] |" in card
    assert "| CK+ | 100 | 100 | 100 | 100 | 100 | 100 | 100 |" in card
