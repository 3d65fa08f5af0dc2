"""The loop that drives a strategy: budget, common conditions, progress, the best so far."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from core.camouflage.matching import limited, random_matched
from core.camouflage.objective import Conditions, Objective, Scores
from core.camouflage.pattern import Pattern
from core.camouflage.search.base import Setting, Strategy, strategies
from core.camouflage.space import SpaceOptions
from core.errors import Code, UserError
from core.types import Progress

PASSES_FOR_ONE = 3  # forward passes of a candidate for which one more mutant is drawn and rendered
MOST_POOLED = 16
GRADIENT_COST = 3  # a gradient counts as so many evaluations: one forward and about two backward


@dataclass(frozen=True, slots=True)
class Budget:
    """When a search ends: after so many evaluations, so many seconds, or whichever comes first.

    Attributes:
        evaluations: patterns scored, the initial random ones included; 0 for no such limit.
        seconds: wall clock; 0 for no such limit. Only an evaluation budget is repeatable.

    Raises:
        UserError: ``OPTION_RANGE``.
    """

    evaluations: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.evaluations < 0 or self.seconds < 0 or not (self.evaluations or self.seconds):
            raise UserError(
                Code.OPTION_RANGE, "The search needs a budget.", "Give seconds or evaluations above 0."
            )

    def spent(self, evaluations: int, seconds: float) -> float:
        """Share of the budget that is spent; 1 and more when it is used up."""
        by_count = evaluations / self.evaluations if self.evaluations else 0.0
        return max(by_count, seconds / self.seconds if self.seconds else 0.0)


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What is searched and how.

    Attributes:
        budget: when to stop.
        strategy: a name in :data:`core.camouflage.search.base.strategies`.
        space: the searched part of the pattern space.
        population: candidates of a generation, 2..256.
        initial: random patterns of the capped area tried first, 1..256: the band that a chart draws
            behind the curve, and where strategies start.
        seed: of everything random in this search.
        starts: patterns to begin with, for instance one found under a smaller cap or on other people.
        rotate: new photos and conditions every so many generations, 0 for never. The best so far is
            then judged on ``reference`` photos that stay.
        reference: photos of the fixed judgement when rotating, 0 for as many as in a generation.
        free_layout: search mirror and repeat too.

    Raises:
        UserError: ``OPTION_RANGE``.
    """

    budget: Budget
    strategy: str = "evolution"
    space: SpaceOptions = field(default_factory=SpaceOptions)
    population: int = 16
    initial: int = 20
    seed: int = 0
    starts: tuple[Pattern, ...] = ()
    rotate: int = 0
    reference: int = 0
    free_layout: bool = True

    def __post_init__(self) -> None:
        for name, low, high in (
            ("population", 2, 256),
            ("initial", 1, 256),
            ("seed", 0, 2**31 - 1),
            ("rotate", 0, 10_000),
            ("reference", 0, 10_000),
        ):
            if not low <= getattr(self, name) <= high:
                raise UserError(
                    Code.OPTION_RANGE, f"The {name} is out of range.", f"Choose it from {low} to {high}."
                )


@dataclass(frozen=True, slots=True, eq=False)
class SearchResult:
    """How a search ended.

    Attributes:
        pattern: the best found.
        score: its objective under the conditions that judge the best so far.
        margins: its figures for each recogniser there, impostor spreads above the threshold.
        area: share of the valid region it covers on the searched photos.
        history: (evaluations, seconds, best objective) after every generation.
        band: objectives of the initial random patterns of equal area, sorted.
        evaluations: patterns scored, gradients counted as :data:`GRADIENT_COST`.
        seconds: wall clock of the search.
        forward_share: share of that time spent inside the recognisers.
        strategy: its name.
        seed: its seed.
    """

    pattern: Pattern
    score: float
    margins: dict[str, float]
    area: float
    history: tuple[tuple[int, float, float], ...]
    band: tuple[float, ...]
    evaluations: int
    seconds: float
    forward_share: float
    strategy: str
    seed: int


class Search:
    """One search. Run it once; whatever ends it, :meth:`result` has the best so far."""

    def __init__(self, objective: Objective, options: SearchOptions) -> None:
        self.objective = objective
        self.options = options
        self._rng = np.random.default_rng(options.seed)
        self._judging = objective.conditions(options.seed, options.reference if options.rotate else None)
        passes = len(objective.conditions(options.seed).picks) * len(objective.models)
        pool = min(max(round(passes / PASSES_FOR_ONE), 2), MOST_POOLED)
        cap = objective.options.area_cap
        setting = Setting(options.space, options.population, cap, options.free_layout, pool)
        self.strategy: Strategy = strategies.create(options.strategy, setting, self._rng)
        self._best: tuple[Pattern, Scores, int] | None = None
        self._current: tuple[Pattern, float] | None = None
        self._history: list[tuple[int, float, float]] = []
        self._band: tuple[float, ...] = ()
        self._evaluations = 0
        self._started = 0.0
        self._seconds = 0.0
        self._forward = 0.0

    def run(self, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Progress | SearchResult]:
        """Search until the budget is spent or ``cancelled()``.

        Yields:
            Progress after every generation (data: ``best``, ``evaluations``, ``band_low`` the 5th
            percentile and ``band_median`` of the random patterns, ``generation_best``), then the
            :class:`SearchResult`. A consumer may also close the generator and ask :meth:`result`.
        """
        self._started = time.perf_counter()
        self._forward = self.objective.forward_seconds
        self._first()
        yield self._progress(self._band[0])
        conditions, generation = self._judging, 0
        longest, reserve = 0.0, self._reserve()
        while not cancelled():
            before = self._clock()
            if self._spent(reserve, longest) > 1:
                break
            if self.options.rotate and generation % self.options.rotate == 0:
                conditions = self._rotated(generation)
            lowest = self._generation(conditions, changed=self._guide_due(generation))
            generation += 1
            longest = max(longest, self._clock() - before)
            yield self._progress(lowest)
        yield self.result()

    def result(self) -> SearchResult:
        """The best so far as a result; before the first evaluation a RuntimeError."""
        if self._best is None:
            raise RuntimeError("nothing has been evaluated yet")
        self._clock()
        pattern, scores, index = self._best
        return SearchResult(
            pattern=pattern,
            score=float(scores.total[index]),
            margins={name: float(values[index]) for name, values in scores.margins.items()},
            area=float(scores.areas[index]),
            history=tuple(self._history),
            band=self._band,
            evaluations=self._evaluations,
            seconds=self._seconds,
            forward_share=(self.objective.forward_seconds - self._forward) / max(self._seconds, 1e-9),
            strategy=self.options.strategy,
            seed=self.options.seed,
        )

    def _first(self) -> None:
        options, cap = self.options, self.objective.options.area_cap
        count = min(options.initial, options.budget.evaluations or options.initial)
        patterns = random_matched(count, cap, options.space, self._rng)
        scores = self._evaluate(patterns, self._judging)
        self._band = tuple(sorted(float(value) for value in scores.total))
        self._consider(patterns, scores)
        totals = scores.total.tolist()
        if options.starts:
            given = limited(options.starts, cap)
            judged = self._evaluate(given, self._judging)
            self._consider(given, judged)
            for pattern, total in zip(given, judged.total.tolist(), strict=True):
                if len(pattern.shapes) == options.space.shapes:  # vectors have one length
                    patterns, totals = [*patterns, pattern], [*totals, total]
        self.strategy.tell(patterns, totals)
        self._follow(patterns, totals)

    def _generation(self, conditions: Conditions, *, changed: bool) -> float:
        if self.strategy.guided and self._current is not None and changed:
            pattern = self._current[0]
            self.strategy.guide(pattern, *self.objective.gradient(pattern, conditions))
            self._evaluations += GRADIENT_COST
        progress = self.options.budget.spent(self._evaluations, self._clock())
        patterns = self.strategy.ask(progress)
        scores = self._evaluate(patterns, conditions)
        totals = scores.total.tolist()
        self.strategy.tell(patterns, totals)
        self._follow(patterns, totals)
        if not self.options.rotate:
            self._consider(patterns, scores)
        return float(min(totals))

    def _guide_due(self, generation: int) -> bool:
        """A new slope is due when the incumbent or the conditions have changed since the last one."""
        rotated = bool(self.options.rotate) and generation % self.options.rotate == 0
        known = getattr(self.strategy, "slope", None)
        return rotated or known is None or self._current is None or known[0] != self._current[0]

    def _rotated(self, generation: int) -> Conditions:
        """New conditions; the incumbent is judged, and scored again under them."""
        if self._current is not None and generation:
            self._consider([self._current[0]], self._evaluate([self._current[0]], self._judging))
        epoch = generation // self.options.rotate
        conditions = self.objective.conditions(self.options.seed + 7919 * (epoch + 1))
        if self._current is not None:
            pattern = self._current[0]
            score = float(self._evaluate([pattern], conditions).total[0])
            self._current = pattern, score
            self.strategy.refresh(score)
        return conditions

    def _evaluate(self, patterns: list[Pattern], conditions: Conditions) -> Scores:
        self._evaluations += len(patterns)
        return self.objective.evaluate(patterns, conditions)

    def _consider(self, patterns: list[Pattern], scores: Scores) -> None:
        index = int(np.argmin(scores.total))
        if self._best is None or scores.total[index] < self._best[1].total[self._best[2]]:
            self._best = patterns[index], scores, index

    def _follow(self, patterns: list[Pattern], totals: list[float]) -> None:
        index = int(np.argmin(totals))
        if self._current is None or totals[index] < self._current[1]:
            self._current = patterns[index], totals[index]

    def _reserve(self) -> int:
        guided = GRADIENT_COST if self.strategy.guided else 0
        return self.options.population + guided + (2 if self.options.rotate else 0)

    def _spent(self, reserve: int, seconds: float) -> float:
        return self.options.budget.spent(self._evaluations + reserve, self._clock() + seconds)

    def _clock(self) -> float:
        self._seconds = time.perf_counter() - self._started
        return self._seconds

    def _progress(self, lowest: float) -> Progress:
        assert self._best is not None
        best = float(self._best[1].total[self._best[2]])
        seconds = self._clock()
        self._history.append((self._evaluations, seconds, best))
        data = {
            "best": best,
            "evaluations": float(self._evaluations),
            "generation_best": lowest,
            "band_low": float(np.percentile(self._band, 5)),
            "band_median": float(np.median(self._band)),
        }
        done = min(self.options.budget.spent(self._evaluations, seconds), 1.0)
        return Progress(done, f"{self._evaluations} patterns tried", data)
