"""The camouflage system as one function: photos and options in, progress, then the whole result."""

import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from core.camouflage import presets, survival
from core.camouflage.figures import ModelFigures
from core.camouflage.matching import random_matched
from core.camouflage.objective import Objective, ObjectiveOptions
from core.camouflage.options import Options
from core.camouflage.pace import Pace
from core.camouflage.pattern import Pattern
from core.camouflage.presets import Preset
from core.camouflage.search import Budget, Search, SearchOptions, SearchResult
from core.camouflage.session import Judgement, Session, hashes, models, standards, titles, usable
from core.camouflage.space import SpaceOptions
from core.camouflage.transfer import TransferMatrix, leave_one_out, matrix
from core.errors import Code, UserError
from core.types import Progress


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """How a run ended.

    Attributes:
        judgement: the found pattern on the photos that judge, with the control beside it.
        search: how the search went.
        optimised_on: recognisers that were used in the search, or in that of the preset it began with.
        survival: share of comparisons accepted by treatment and recogniser; empty when not asked for.
        left_out: by recogniser, the figures of the pattern that a search without it found; empty when
            not asked for.
        cancelled: the person stopped the search; this is the best until then.
        report: all of it as plain data for a JSON file: seed, options, versions, weight hashes, figures.
    """

    judgement: Judgement
    search: SearchResult
    optimised_on: tuple[str, ...]
    survival: dict[str, dict[str, float]]
    left_out: Mapping[str, tuple[ModelFigures, ...]]
    cancelled: bool
    report: dict[str, Any]

    @property
    def transfer(self) -> TransferMatrix:
        """Clean, random and found pattern by recogniser, and a row for each one that was left out."""
        return matrix(self.judgement.figures, self.left_out)


def run(
    session: Session, options: Options, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[Progress | Result]:
    """Find a pattern for one person and judge it.

    Args:
        session: the person's photos.
        options: see :class:`Options`.
        cancelled: asked between generations; the best so far is then judged.

    Yields:
        Progress (while searching with the chart's figures, see :meth:`Search.run`), then the result.

    Raises:
        UserError: ``WEIGHTS_MISSING`` when none of the recognisers to optimise on is here.
    """
    started = time.perf_counter()
    yield Progress(0.0, "Looking at the photos")
    present = usable()
    used = tuple(name for name in options.optimise_on if name in present)
    if not used:
        raise UserError(
            Code.WEIGHTS_MISSING,
            "None of the recognisers chosen for the search is on this machine.",
            "Fetch their weights first, or choose others.",
        )
    judges = used + tuple(n for n in options.test_on or present if n in present and n not in used)
    leaves_out = options.transfer and len(used) > 1
    rng = np.random.default_rng(options.seed)
    randoms = (
        random_matched(options.randoms, options.area_cap, space(options), rng) if options.randoms else []
    )
    pace = Pace.measure(session, judges)
    preset = fitting(options) if options.from_preset else None
    starts = tuple(one for one in (options.start, preset.pattern if preset else None) if one is not None)
    budget = pace.search(options, time.perf_counter() - started, len(used) if leaves_out else 0)
    found: SearchResult | None = None
    for event in _search(session, used, options, budget, starts).run(cancelled):
        if isinstance(event, SearchResult):
            found = event
        else:
            yield replace(event, done=0.05 + (0.35 if leaves_out else 0.7) * event.done)
    assert found is not None
    stopped = cancelled()
    yield Progress(0.42 if leaves_out else 0.78, "Comparing with random patterns of equal area")
    seen = used + tuple(name for name in (preset.optimised_on if preset else ()) if name not in used)
    judgement = session.judge(found.pattern, judges, seen, [] if stopped else randoms)
    survived: dict[str, dict[str, float]] = {}
    if options.survival and not stopped:
        yield Progress(0.46 if leaves_out else 0.88, "Saving, shrinking and blurring the painted photo")
        survived = _survival(session, judgement, judges, options)
    left_out: dict[str, tuple[ModelFigures, ...]] = {}
    if leaves_out and not stopped:
        budget = pace.other_search(options, time.perf_counter() - started, len(used))
        for step in _left_out(session, used, judges, options, budget, cancelled):
            if isinstance(step, Progress):
                yield replace(step, done=0.5 + 0.5 * step.done)
            else:
                left_out = step
    seconds = time.perf_counter() - started
    report = _report(
        judgement, found, options, judges, survived, matrix(judgement.figures, left_out), seconds
    )
    report["optimised_on"] = list(seen)
    report["started_from"] = preset.name if preset else None
    yield Result(judgement, found, seen, survived, left_out, stopped, report)


def space(options: Options) -> SpaceOptions:
    """The searched part of the pattern space."""
    return SpaceOptions(
        shapes=options.shapes,
        families=options.families,
        colors=options.colors,
        max_colors=min(options.max_colors, len(options.colors)),
    )


def fitting(options: Options) -> Preset | None:
    """The first shipped preset within the options' shapes, colours and families; None without one."""
    for preset in presets.load():
        shapes = preset.pattern.shapes
        allowed = all(one.color in options.colors and one.family in options.families for one in shapes)
        few = len(preset.pattern.colors) <= options.max_colors
        if allowed and few and len(shapes) == options.shapes:
            return preset
    return None


def _search(
    session: Session, used: Sequence[str], options: Options, budget: Budget, starts: tuple[Pattern, ...]
) -> Search:
    objective = Objective(
        session.subjects(used), models(used), standards(used, options.far), _objective_options(options)
    )
    return Search(objective, _search_options(options, budget, starts))


def _objective_options(options: Options) -> ObjectiveOptions:
    return ObjectiveOptions(area_cap=options.area_cap, colors=options.max_colors, views=options.views)


def _search_options(options: Options, budget: Budget, starts: tuple[Pattern, ...] = ()) -> SearchOptions:
    return SearchOptions(
        budget,
        options.strategy,
        space(options),
        options.population,
        seed=options.seed,
        starts=starts,
    )


def _survival(
    session: Session, judgement: Judgement, judges: Sequence[str], options: Options
) -> dict[str, dict[str, float]]:
    taus = {name: one.threshold for name, one in standards(judges, options.far).items()}
    return survival.accepted(survival.survival(session.evaluator(judges), judgement.pattern), taus)


def _left_out(
    session: Session,
    used: Sequence[str],
    judges: Sequence[str],
    options: Options,
    budget: Budget,
    cancelled: Callable[[], bool],
) -> Iterator[Progress | dict[str, tuple[ModelFigures, ...]]]:
    """Search with each recogniser left out, from nothing: a preset may have seen the one left out."""
    runs = leave_one_out(
        session.portraits, models(used), standards(used, options.far), _objective_options(options),
        _search_options(options, budget), cancelled, titles(),
    )  # fmt: skip
    for step in runs:
        if isinstance(step, Progress):
            yield step
        else:
            yield {
                left: session.judge(found.pattern, judges, names).figures
                for left, (found, names) in step.items()
            }


def _report(
    judgement: Judgement,
    found: SearchResult,
    options: Options,
    judges: Sequence[str],
    survived: dict[str, dict[str, float]],
    table: TransferMatrix,
    seconds: float,
) -> dict[str, Any]:
    import json

    chosen = asdict(replace(options, start=None))
    report: dict[str, Any] = {
        "what": "adversarial camouflage, simulated on photos; not a promise about any other recogniser",
        "pattern": json.loads(judgement.pattern.to_json()),
        "verdict": judgement.verdict.text,
        "recognisers": [_plain(one) for one in judgement.figures],
        "detected": list(judgement.detected),
        "area": judgement.area,
        "search": {
            "strategy": found.strategy,
            "evaluations": found.evaluations,
            "seconds": found.seconds,
            "forward_share": found.forward_share,
            "objective": found.score,
            "random_objectives": list(found.band),
        },
        "options": chosen,
        "seconds": seconds,
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
        "weights": hashes(judges),
    }
    if survived:
        report["survival"] = survived
    report["transfer"] = {
        "rows": table.rows,
        "columns": table.columns,
        "accepted": [[None if np.isnan(x) else float(x) for x in row] for row in table.accepted],
        "cosine": [[None if np.isnan(x) else float(x) for x in row] for row in table.cosine],
    }
    return report


def _plain(one: ModelFigures) -> dict[str, Any]:
    return {**asdict(one), "beats_random": one.beats_random}
