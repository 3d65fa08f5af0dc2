"""Does a pattern found on some recognisers work on others: the leave-one-model-out transfer matrix."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from torch import nn

from core.camouflage.evaluate import Portrait
from core.camouflage.figures import ModelFigures
from core.camouflage.objective import Objective, ObjectiveOptions, Standard
from core.camouflage.search import Search, SearchOptions, SearchResult
from core.camouflage.subjects import subjects
from core.errors import Code, UserError
from core.types import Progress

CLEAN, RANDOM, PATTERN, WITHOUT = "clean", "random", "this pattern", "without "
UNKNOWN = (float("nan"), float("nan"), False)


@dataclass(frozen=True, slots=True, eq=False)
class TransferMatrix:
    """Rows are what was painted, columns are the recognisers that judge.

    Attributes:
        rows: names: ``clean``, ``random`` where there is a control, ``this pattern`` and one for each
            search that left a recogniser out (``without`` and its name).
        columns: recognisers.
        accepted: R×C, share of genuine comparisons accepted at each one's threshold; of the random
            patterns their mean; NaN where a row was not judged by the column.
        cosine: R×C, mean cosine; of the random patterns their median.
        optimised: R×C, the row's pattern was optimised on the column's recogniser.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    accepted: NDArray[np.float64]
    cosine: NDArray[np.float64]
    optimised: NDArray[np.bool_]


def matrix(
    figures: Sequence[ModelFigures], left_out: Mapping[str, Sequence[ModelFigures]] = MappingProxyType({})
) -> TransferMatrix:
    """Lay out what was measured: everything has been through the whole pipeline already.

    Args:
        figures: of the pattern, from every recogniser that judged; they carry clean and random rows.
        left_out: for each recogniser that was left out of a search, the figures of what it found.
    """
    columns = tuple(one.name for one in figures)
    rows: list[tuple[str, list[tuple[float, float, bool]]]] = [
        (CLEAN, [(one.clean_accepted, one.clean, False) for one in figures])
    ]
    bands = [one.band for one in figures]
    if any(bands):
        rows.append((RANDOM, [(b.accepted, b.median, False) if b else UNKNOWN for b in bands]))
    rows.append((PATTERN, [_cell(one) for one in figures]))
    for left, others in left_out.items():
        known = {one.name: _cell(one) for one in others}
        rows.append((f"{WITHOUT}{left}", [known.get(name, UNKNOWN) for name in columns]))
    cells = np.array([row for _, row in rows], np.float64).reshape(len(rows), len(columns), 3)
    names = tuple(name for name, _ in rows)
    return TransferMatrix(names, columns, cells[..., 0], cells[..., 1], cells[..., 2] > 0)


def _cell(one: ModelFigures) -> tuple[float, float, bool]:
    return one.painted_accepted, one.painted, one.role == "optimised"


def leave_one_out(
    portraits: Sequence[Portrait],
    models: Mapping[str, nn.Module],
    standards: Mapping[str, Standard],
    objective: ObjectiveOptions,
    search: SearchOptions,
    cancelled: Callable[[], bool] = lambda: False,
    titles: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Progress | dict[str, tuple[SearchResult, tuple[str, ...]]]]:
    """Search once for each recogniser, on all the others.

    Args:
        portraits: photos to optimise on.
        models: at least two recognisers.
        standards: how each one's cosines are read.
        objective: of every search.
        search: of every search; its budget counts for each.
        cancelled: asked between generations; only searches that came to their end are kept.
        titles: the recognisers' names for people.

    Yields:
        Progress (without figures, for each search starts anew), then left-out recogniser -> the search's
        result and the recognisers it used.

    Raises:
        UserError: ``OPTION_RANGE`` for fewer than two recognisers.
    """
    if len(models) < 2:
        raise UserError(
            Code.OPTION_RANGE, "Leaving one recogniser out needs at least two.", "Choose more recognisers."
        )
    people = subjects(portraits, models)
    results: dict[str, tuple[SearchResult, tuple[str, ...]]] = {}
    for turn, left in enumerate(models):
        rest = {name: model for name, model in models.items() if name != left}
        run = Search(Objective(people, rest, standards, objective), search).run(cancelled)
        for event in run:
            if isinstance(event, Progress):
                done = (turn + event.done) / len(models)
                where = f"Transfer test {turn + 1} of {len(models)}, without {titles.get(left, left)}"
                yield Progress(done, f"{where}: {event.message}")
            elif not cancelled():
                results[left] = event, tuple(rest)
        if cancelled():
            break
    yield results
