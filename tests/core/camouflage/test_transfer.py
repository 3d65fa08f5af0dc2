"""The transfer matrix: what was measured is laid out, and searches leave one recogniser out in turn."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from core.camouflage.figures import Band, ModelFigures, Role
from core.camouflage.objective import ObjectiveOptions, Standard
from core.camouflage.search import Budget, SearchOptions
from core.camouflage.space import SpaceOptions
from core.camouflage.transfer import leave_one_out, matrix
from core.errors import UserError
from tests.core.camouflage import fakes

BAND = Band(low=0.4, median=0.5, high=0.6, accepted=0.8, accepted_low=0.6, patterns=20)


def figure(name: str, role: Role, accepted: float, band: Band | None = BAND) -> ModelFigures:
    return ModelFigures(name, name.title(), role, 0.01, 0.3, 0.7, 0.1, 1.0, accepted, 9, band)


def test_the_matrix_lays_out_clean_random_and_painted() -> None:
    table = matrix([figure("a", "optimised", 0.25), figure("b", "unseen", 0.75)])
    assert table.rows == ("clean", "random", "this pattern") and table.columns == ("a", "b")
    assert table.accepted.tolist() == [[1.0, 1.0], [0.8, 0.8], [0.25, 0.75]]
    assert table.cosine.tolist() == [[0.7, 0.7], [0.5, 0.5], [0.1, 0.1]]
    assert table.optimised.tolist() == [[False, False], [False, False], [True, False]]


def test_a_row_for_each_recogniser_that_was_left_out() -> None:
    found = [figure("a", "optimised", 0.0), figure("b", "optimised", 0.0), figure("late", "unseen", 1.0)]
    left = {"b": [figure("b", "unseen", 0.5, None), figure("a", "optimised", 0.1, None)]}
    table = matrix(found, left)
    assert table.rows[-1] == "without b"
    assert table.accepted[-1, :2].tolist() == [0.1, 0.5]
    assert table.optimised[-1].tolist() == [True, False, False]
    assert np.isnan(table.accepted[-1, 2])  # a judge that came later has not seen that pattern


def test_without_a_control_there_is_no_row_of_it() -> None:
    assert matrix([figure("a", "unseen", 0.0, None)]).rows == ("clean", "this pattern")


def searched(cancelled: Callable[[], bool] = lambda: False) -> tuple[dict[str, Any], list[Any]]:
    models = fakes.models(3)
    standards = {name: Standard(0.5, 0.1) for name in models}
    options = SearchOptions(Budget(12), "random", SpaceOptions(shapes=2), population=4, initial=4)
    people = [fakes.portrait(0, "one"), fakes.portrait(1, "one")]
    objective = ObjectiveOptions(augmentation=None)
    titles = {"tiny-0": "First"}
    return models, list(leave_one_out(people, models, standards, objective, options, cancelled, titles))


def test_leaving_one_out_searches_on_the_others() -> None:
    models, (*events, results) = searched()
    assert isinstance(results, dict) and set(results) == set(models)
    for left, (found, used) in results.items():
        assert left not in used and left not in found.margins and len(used) == 2
    done = [event.done for event in events]
    assert done == sorted(done) and done[-1] <= 1
    assert "1 of 3, without First:" in events[0].message and "without tiny-2:" in events[-1].message
    assert not any(event.data for event in events)  # each search has its own best: no curve to go on with


def test_a_search_that_was_cut_short_gives_no_row() -> None:
    asked: list[int] = []

    def during_the_second() -> bool:
        asked.append(1)
        return len(asked) > 6

    models, (*_, results) = searched(during_the_second)
    assert list(results) == list(models)[: len(results)] and 0 < len(results) < 3


def test_one_recogniser_cannot_be_left_out() -> None:
    with pytest.raises(UserError, match="at least two"):
        list(
            leave_one_out(
                [fakes.portrait(0)], fakes.models(1), {}, ObjectiveOptions(), SearchOptions(Budget(4))
            )
        )
