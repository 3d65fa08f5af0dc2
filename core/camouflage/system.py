"""The camouflage system as one function: photos and options in, progress, then the whole result."""

import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from core import weights
from core.camouflage import presets, survival
from core.camouflage.figures import ModelFigures
from core.camouflage.matching import random_matched
from core.camouflage.objective import Objective, ObjectiveOptions
from core.camouflage.options import Options
from core.camouflage.pattern import Pattern
from core.camouflage.presets import Preset
from core.camouflage.search import Budget, Search, SearchOptions, SearchResult
from core.camouflage.session import Judgement, Session, models, standards, usable
from core.camouflage.space import SpaceOptions
from core.camouflage.transfer import TransferMatrix, leave_one_out, matrix
from core.errors import Code, UserError
from core.types import Progress

MARGIN = 1.3  # the judging's expected time is multiplied by this before the search gets the rest
SHORTEST = 4.0  # seconds that a search gets at least


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """How a run ended.

    Attributes:
        judgement: the found pattern on the photos that judge, with the control beside it.
        search: how the search went.
        optimised_on: recognisers that were used in the search, or in that of the preset it began with.
        survival: share of comparisons accepted by treatment and recogniser; empty when not asked for.
        transfer: what each search with one recogniser left out reached; None when not asked for.
        cancelled: the person stopped the search; this is the best until then.
        report: all of it as plain data for a JSON file: seed, options, versions, weight hashes, figures.
    """

    judgement: Judgement
    search: SearchResult
    optimised_on: tuple[str, ...]
    survival: dict[str, dict[str, float]]
    transfer: TransferMatrix | None
    cancelled: bool
    report: dict[str, Any]


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
    rng = np.random.default_rng(options.seed)
    randoms = (
        random_matched(options.randoms, options.area_cap, space(options), rng) if options.randoms else []
    )
    reserve = _judging_seconds(session, judges, options)
    preset = fitting(options) if options.from_preset else None
    starts = tuple(one for one in (options.start, preset.pattern if preset else None) if one is not None)
    search = _search(session, used, options, time.perf_counter() - started, reserve, starts)
    found: SearchResult | None = None
    for event in search.run(cancelled):
        if isinstance(event, SearchResult):
            found = event
        else:
            yield replace(event, done=0.05 + 0.7 * event.done)
    assert found is not None
    stopped = cancelled()
    yield Progress(0.78, "Comparing with random patterns of equal area")
    seen = used + tuple(name for name in (preset.optimised_on if preset else ()) if name not in used)
    judgement = session.judge(found.pattern, judges, seen, [] if stopped else randoms)
    survived: dict[str, dict[str, float]] = {}
    if options.survival and not stopped:
        yield Progress(0.88, "Saving, shrinking and blurring the painted photo")
        survived = _survival(session, judgement, judges, options)
    table: TransferMatrix | None = None
    if options.transfer and len(used) > 1 and not stopped:
        for step in _transfer(session, used, judges, options, cancelled, randoms):
            if isinstance(step, Progress):
                yield replace(step, done=0.9 + 0.1 * step.done)
            else:
                table = step
    seconds = time.perf_counter() - started
    report = _report(judgement, found, options, judges, survived, table, seconds)
    report["optimised_on"] = list(seen)
    report["started_from"] = preset.name if preset else None
    yield Result(judgement, found, seen, survived, table, stopped, report)


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
    session: Session,
    used: Sequence[str],
    options: Options,
    spent: float,
    reserve: float,
    starts: tuple[Pattern, ...],
) -> Search:
    objective = Objective(
        session.subjects(used),
        models(used),
        standards(used, options.far),
        ObjectiveOptions(area_cap=options.area_cap, colors=options.max_colors, views=options.views),
    )
    seconds = max(options.seconds - spent - reserve, SHORTEST) if options.seconds else 0.0
    budget = Budget(options.evaluations, seconds)
    return Search(objective, _search_options(options, budget, starts))


def _search_options(options: Options, budget: Budget, starts: tuple[Pattern, ...] = ()) -> SearchOptions:
    return SearchOptions(
        budget,
        options.strategy,
        space(options),
        options.population,
        seed=options.seed,
        starts=starts,
    )


def _judging_seconds(session: Session, judges: Sequence[str], options: Options) -> float:
    """Load and warm the judges, embed the clean photos, and extrapolate to the final judgement."""
    session.evaluator(judges)
    probe = torch.rand(4, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    before = time.perf_counter()
    with torch.inference_mode():
        for model in models(judges).values():
            model(probe)
    each = (time.perf_counter() - before) / len(probe)
    images = len(session.probes) * (options.randoms + 2)
    images += len(session.photos) * len(survival.TREATMENTS) * options.survival
    return MARGIN * each * images + 1.0


def _survival(
    session: Session, judgement: Judgement, judges: Sequence[str], options: Options
) -> dict[str, dict[str, float]]:
    taus = {name: one.threshold for name, one in standards(judges, options.far).items()}
    return survival.accepted(survival.survival(session.evaluator(judges), judgement.pattern), taus)


def _transfer(
    session: Session,
    used: Sequence[str],
    judges: Sequence[str],
    options: Options,
    cancelled: Callable[[], bool],
    randoms: Sequence[Pattern],
) -> Iterator[Progress | TransferMatrix]:
    share = len(used)
    budget = Budget(options.evaluations // share, options.seconds / share)
    objective = ObjectiveOptions(area_cap=options.area_cap, colors=options.max_colors, views=options.views)
    runs = leave_one_out(
        session.portraits, models(used), standards(used, options.far), objective,
        _search_options(options, budget), cancelled,
    )  # fmt: skip
    for step in runs:
        if isinstance(step, Progress):
            yield step
        else:
            rows = {f"without {left}": (found.pattern, names) for left, (found, names) in step.items()}
            taus = {name: one.threshold for name, one in standards(judges, options.far).items()}
            yield matrix(session.evaluator(judges), rows, taus, randoms[:5])


def _report(
    judgement: Judgement,
    found: SearchResult,
    options: Options,
    judges: Sequence[str],
    survived: dict[str, dict[str, float]],
    table: TransferMatrix | None,
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
        "weights": {n: {f.path: f.sha256 for f in weights.entry(n).files} for n in judges},
    }
    if survived:
        report["survival"] = survived
    if table is not None:
        report["transfer"] = {
            "rows": table.rows,
            "columns": table.columns,
            "accepted": table.accepted.tolist(),
            "cosine": table.cosine.tolist(),
        }
    return report


def _plain(one: ModelFigures) -> dict[str, Any]:
    return {**asdict(one), "beats_random": one.beats_random}
