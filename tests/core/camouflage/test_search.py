from itertools import pairwise

import numpy as np
import pytest

from core.camouflage.matching import areas
from core.camouflage.objective import ObjectiveOptions
from core.camouflage.pattern import Pattern, Shape
from core.camouflage.search import Budget, Search, SearchOptions, SearchResult, strategies
from core.camouflage.search.moves import mutated
from core.camouflage.search.vectors import Code, few_colors
from core.camouflage.space import SpaceOptions, random_pattern
from core.errors import UserError
from core.types import Progress
from tests.core.camouflage import fakes

SPACE = SpaceOptions(shapes=3)
ALL = tuple(strategies)


def run(strategy: str, evaluations: int = 60, **options: object) -> tuple[list[Progress], SearchResult]:
    objective = fakes.objective(options.pop("objective", None))
    chosen = SearchOptions(
        Budget(evaluations), strategy, SPACE, population=6, initial=8, **{"seed": 3, **options}
    )
    *events, result = Search(objective, chosen).run()
    assert isinstance(result, SearchResult)
    return events, result


def test_the_five_strategies_are_there() -> None:
    assert set(ALL) == {"random", "evolution", "cmaes", "differential-evolution", "gradient"}


@pytest.mark.parametrize("strategy", ALL)
def test_best_so_far_never_rises_and_the_budget_holds(strategy: str) -> None:
    events, result = run(strategy)
    best = [event.data["best"] for event in events]
    assert all(later <= earlier for earlier, later in pairwise(best))
    assert result.score == best[-1] <= min(result.band)
    assert 8 < result.evaluations <= 60
    assert events[-1].data["evaluations"] == result.evaluations


@pytest.mark.parametrize("strategy", ALL)
def test_the_same_seed_finds_the_same_pattern(strategy: str) -> None:
    first, again = run(strategy, 40)[1], run(strategy, 40)[1]
    assert first.pattern == again.pattern and first.score == again.score
    assert run(strategy, 40, seed=4)[1].pattern != first.pattern


@pytest.mark.parametrize("strategy", ALL)
def test_the_logged_score_is_the_patterns_own(strategy: str) -> None:
    _, result = run(strategy, 40)
    objective = fakes.objective()
    scores = objective.evaluate([result.pattern], objective.conditions(3))
    assert float(scores.total[0]) == pytest.approx(result.score, abs=1e-4)


@pytest.mark.parametrize("strategy", [name for name in ALL if name != "random"])
def test_searching_beats_the_random_band(strategy: str) -> None:
    _, result = run(strategy, 200)
    assert result.score < result.band[0] - 0.1


@pytest.mark.parametrize("strategy", ALL)
def test_found_patterns_keep_the_area_and_the_colours(strategy: str) -> None:
    options = ObjectiveOptions(augmentation=None, area_cap=0.12)
    _, result = run(strategy, 60, objective=options)
    assert areas([result.pattern])[0] <= 0.125
    assert len(result.pattern.colors) <= SPACE.max_colors
    assert result.pattern.stroke >= 0.04 - 1e-6


def test_a_larger_cap_is_never_worse_when_it_starts_from_the_smaller_solution() -> None:
    small = run("evolution", 80, objective=ObjectiveOptions(augmentation=None, area_cap=0.1))[1]
    large = run(
        "evolution", 80, objective=ObjectiveOptions(augmentation=None, area_cap=0.2), starts=(small.pattern,)
    )[1]
    assert large.score <= small.score + 1e-6


def test_cancelling_and_closing_keep_the_best_so_far() -> None:
    objective = fakes.objective()
    search = Search(objective, SearchOptions(Budget(500), "evolution", SPACE, population=6, initial=8))
    seen: list[Progress] = []
    for event in search.run(cancelled=lambda: len(seen) >= 3):
        if isinstance(event, Progress):
            seen.append(event)
    assert isinstance(event, SearchResult) and event.evaluations < 60
    assert event.score == seen[-1].data["best"]
    other = Search(objective, SearchOptions(Budget(500), "evolution", SPACE, population=6, initial=8))
    stream = other.run()
    first = next(stream)
    stream.close()
    assert isinstance(first, Progress) and other.result().score == first.data["best"]


def test_a_search_that_has_not_begun_has_no_result() -> None:
    with pytest.raises(RuntimeError):
        Search(fakes.objective(), SearchOptions(Budget(10))).result()


def test_rotating_judges_the_best_on_photos_that_stay() -> None:
    options = ObjectiveOptions(photos=1)
    events, result = run("gradient", 120, objective=options, rotate=2, reference=2)
    best = [event.data["best"] for event in events]
    assert all(later <= earlier for earlier, later in pairwise(best))
    objective = fakes.objective(options)
    scores = objective.evaluate([result.pattern], objective.conditions(3, 2))
    assert float(scores.total[0]) == pytest.approx(result.score, abs=1e-4)


def test_seconds_end_a_search_too() -> None:
    objective = fakes.objective()
    *_, result = Search(objective, SearchOptions(Budget(seconds=0.5), "random", SPACE, 6, 8)).run()
    assert isinstance(result, SearchResult) and result.evaluations >= 8


@pytest.mark.parametrize("bad", [(0, 0.0), (-1, 1.0), (5, -1.0)])
def test_a_budget_is_needed(bad: tuple[int, float]) -> None:
    with pytest.raises(UserError):
        Budget(*bad)


def test_mutants_are_valid_and_few_coloured() -> None:
    rng = np.random.default_rng(0)
    pattern = random_pattern(rng, SPACE)
    for _ in range(300):
        child = mutated(pattern, 0.3, SPACE, rng)
        assert len(child.colors) <= SPACE.max_colors and child.stroke >= 0.04 - 1e-6
        assert len(child.shapes) == len(pattern.shapes)
        pattern = child


def test_codes_come_back_as_the_same_pattern() -> None:
    rng = np.random.default_rng(1)
    code = Code(SPACE, free_layout=True)
    for _ in range(30):
        pattern = random_pattern(rng, SPACE)
        again = code.decode(code.encode(pattern))
        assert again.mirror == pattern.mirror and again.repeat == pattern.repeat
        assert [s.family for s in again.shapes] == [s.family for s in pattern.shapes]
        assert [s.color for s in again.shapes] == [s.color for s in pattern.shapes]
        for new, old in zip(again.shapes, pattern.shapes, strict=True):
            assert (new.x, new.y, new.angle) == pytest.approx((old.x, old.y, old.angle), abs=1e-6)


def test_rare_colours_give_way() -> None:
    colors = ("red", "red", "blue", "green")
    pattern = Pattern(tuple(Shape("disc", 0, 0.5, 0.5, 0.5, 0, color) for color in colors))
    assert few_colors(pattern, 1).colors == ("red",)
    assert few_colors(pattern, 3) == pattern
