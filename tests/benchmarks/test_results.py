from pathlib import Path

import pytest

from benchmarks.results import table, write_section


def test_a_section_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    write_section("One", "run one", "first", path)
    write_section("Two", "run two", r"figures \1 stay", path)
    write_section("One", "run one", "second", path)
    text = path.read_text(encoding="utf-8")
    assert text.count("## One") == 1
    assert "first" not in text
    assert "second" in text
    assert r"figures \1 stay" in text
    assert text.index("## One") < text.index("## Two")
    assert "`run two`" in text


def test_a_title_that_breaks_its_marker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="title"):
        write_section("a -- b", "x", "y", tmp_path / "RESULTS.md")


def test_table_has_a_rule_under_its_header() -> None:
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
