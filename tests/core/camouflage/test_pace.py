"""A run keeps to its seconds: judging is reckoned first, the searches share the rest."""

import pytest

from core.camouflage import survival
from core.camouflage.options import Options
from core.camouflage.pace import SHORTEST, Pace

PACE = Pace(embed=0.1, look=0.2, probes=2, photos=3)


def test_the_search_gets_what_judging_leaves() -> None:
    plain = Options(seconds=60, randoms=20)
    assert PACE.search(plain, 5, 0).seconds == pytest.approx(60 - 5 - 1 - 1.3 * (0.1 * 44 + 0.2 * 2))
    treated = Options(seconds=60, randoms=20, survival=True)
    looks = 3 * len(survival.TREATMENTS)
    saved = PACE.search(plain, 5, 0).seconds - PACE.search(treated, 5, 0).seconds
    assert saved == pytest.approx(1.3 * looks * (0.1 + 0.2))


def test_all_searches_together_end_in_time() -> None:
    options = Options(seconds=240, transfer=True)
    main = PACE.search(options, 10, 4).seconds
    judged = 1 + 1.3 * (0.1 * 2 * 22 + 0.2 * 2)
    spent = 10 + main + judged
    each = PACE.other_search(options, spent, 4).seconds
    assert spent + 4 * each + 4 * 1.3 * 2 * 0.3 == pytest.approx(240)
    assert main == pytest.approx(4 * each)  # half of it for the pattern that the person takes home
    late = PACE.other_search(options, spent + 20, 4).seconds
    assert late == pytest.approx(each - 5)  # what ran late is made up for


def test_evaluations_are_shared_and_never_none() -> None:
    options = Options(evaluations=100, transfer=True)
    assert PACE.search(options, 0, 4).evaluations == 50
    assert PACE.other_search(options, 0, 4).evaluations == 12
    assert PACE.search(options, 0, 0).evaluations == 100
    assert PACE.other_search(Options(evaluations=4, transfer=True), 0, 4).evaluations == 1
    assert PACE.search(options, 0, 4).seconds == 0


def test_a_late_search_still_gets_a_moment() -> None:
    assert PACE.search(Options(seconds=5), 60, 0).seconds == SHORTEST
