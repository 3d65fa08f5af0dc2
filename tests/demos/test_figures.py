"""Figures say what the numbers say."""

import itertools
import re

import pytest

from demos.figures import Bar, bars, best_so_far, matrix, table

DLIB = Bar("dlib", "found with it", False, 0.95, 0.80, threshold=0.90, stranger=0.80, same=0.96)


def test_the_track_puts_strangers_left_and_the_same_person_right() -> None:
    assert DLIB.place(0.80) == pytest.approx(12)
    assert DLIB.place(0.96) == pytest.approx(85)
    assert DLIB.place(-1) == 0
    assert DLIB.place(2) == 100


@pytest.mark.parametrize(
    ("painted", "words"), [(0.95, "still accepted"), (0.90, "still accepted"), (0.89, "not recognised")]
)
def test_a_bar_says_whether_the_model_still_accepts(painted: float, words: str) -> None:
    bar = Bar("m", "", True, 0.95, painted, threshold=0.90)
    assert words in bars([bar], "")


def test_a_model_that_is_not_here_is_grey_with_its_reason_and_has_no_number() -> None:
    drawn = bars([Bar("FaceNet", "not here yet: 87 MB to fetch once", True)], "")
    assert "absent" in drawn
    assert "87 MB" in drawn
    assert "→" not in drawn


def test_without_a_pattern_only_the_clean_figure_is_shown() -> None:
    drawn = bars([Bar("m", "", False, 0.7, None, threshold=0.3)], "")
    assert "0.70" in drawn
    assert "recognised" not in drawn
    assert 'class="fill' not in drawn


def test_the_random_band_is_drawn_where_it_lies() -> None:
    bar = Bar("m", "", False, 0.9, 0.1, threshold=0.3, band=(0.0, 0.5))
    band = re.search(r'class="band" style="left:([\d.]+)%;width:([\d.]+)%', bars([bar], ""))
    assert band is not None
    left, width = map(float, band.groups())
    assert left == pytest.approx(bar.place(0.0), abs=0.1)
    assert left + width == pytest.approx(bar.place(0.5), abs=0.2)


def test_titles_are_text() -> None:
    assert "<img" not in bars([Bar("<img>", "<img>", False)], "<img>")


def test_the_curve_steps_down_and_never_slopes() -> None:
    drawn = best_so_far([(0, 2.0), (5, 1.0), (9, -1.0)], (0.5, 2.5), end=10, unit="s", caption="")
    found = re.search(r'points="([^"]+)"', drawn)
    assert found is not None
    points = [tuple(map(float, pair.split(","))) for pair in found.group(1).split()]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        assert x0 == x1 or y0 == y1
    assert [y for _, y in points] == sorted(y for _, y in points)  # lower scores lie lower
    assert "-1.00" in drawn
    assert "0.50 to 2.50" in drawn


def test_no_figure_is_drawn_of_nothing() -> None:
    assert bars([], "") == ""
    assert best_so_far([], None, end=1, unit="s", caption="") == ""


def test_the_matrix_shows_every_pair_and_marks_gaps() -> None:
    drawn = matrix(["a"], ["x", "y", "z"], {("a", "x"): 0.25, ("a", "y"): 1.0}, {("a", "y")}, "caption")
    assert 'class="below" style="--strength:0.50">25%<' in drawn
    assert 'class="above" style="--strength:1.00">100% <span' in drawn
    assert "<td>–</td>" in drawn


def test_tables_escape_and_grey_out() -> None:
    drawn = table(["h"], [["<b>"], ["x"]], absent=[1])
    assert 'data-label="h"' in drawn
    assert "&lt;b&gt;" in drawn
    assert drawn.count('class="absent"') == 1
