"""The camouflage tables say what the scores say."""

import numpy as np
import pytest

from benchmarks.camouflage import Row, left_out_text, rows
from core.camouflage.evaluate import Genuine

PEOPLE = np.repeat(np.array(["a", "b", "c", "d"]), 5)
TAUS = {"seen": 0.5, "unseen": 0.5}


def scores(seen: float, unseen: float) -> Genuine:
    """Cosines whose shares above one half are as given, alike for every person."""

    def spread(share: float) -> np.ndarray:
        return np.tile(np.where(np.arange(5) < round(5 * share), 0.9, 0.1), 4)

    return Genuine({"seen": spread(seen), "unseen": spread(unseen)}, np.arange(20), PEOPLE)


@pytest.fixture
def found() -> list[Row]:
    chance = [scores(0.8, 0.8), scores(1.0, 0.8)]
    return rows(scores(1.0, 1.0), scores(0.2, 0.4), chance, ["seen"], TAUS)


def test_each_recogniser_is_compared_with_the_random_patterns(found: list[Row]) -> None:
    seen, unseen = found
    assert (seen.model, seen.optimised) == ("seen", True)
    assert (seen.clean, seen.painted, seen.random) == pytest.approx((1.0, 0.2, 0.9))
    assert seen.random_low == pytest.approx(np.percentile([0.8, 1.0], 5))
    assert seen.difference.estimate == pytest.approx(0.2 - 0.9)
    assert seen.reached == "yes"
    assert unseen.reached == "yes, half"


def test_a_pattern_no_better_than_chance_has_not_reached_anything() -> None:
    chance = [scores(0.8, 0.8), scores(0.6, 0.6)]
    seen, unseen = rows(scores(1.0, 1.0), scores(0.8, 0.8), chance, ["seen"], TAUS)
    assert (seen.reached, unseen.reached) == ("no", "no")


def test_the_matrix_marks_who_was_left_out_and_counts_what_it_shows(found: list[Row]) -> None:
    other = rows(scores(1.0, 1.0), scores(0.8, 0.4), [scores(0.8, 0.8)] * 2, ["unseen"], TAUS)
    text = left_out_text({"unseen": found, "seen": other})
    assert "Of the 2 bold figures 1 are below" in text
    assert "and 1 are at most half of it" in text
    lines = [line for line in text.splitlines() if line.startswith("| without")]
    assert lines[0].startswith("| without unseen | **0.400** | 0.200 |")
    assert lines[1].startswith("| without seen | 0.400 | **0.800** |")
