"""Does a pattern found on some recognisers work on others: the leave-one-model-out transfer matrix."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from core.camouflage.evaluate import Evaluator, Portrait
from core.camouflage.objective import Objective, ObjectiveOptions, Standard
from core.camouflage.pattern import Pattern
from core.camouflage.search import Search, SearchOptions, SearchResult
from core.camouflage.subjects import subjects
from core.errors import Code, UserError
from core.types import Progress


@dataclass(frozen=True, slots=True, eq=False)
class TransferMatrix:
    """Rows are what was painted, columns are the recognisers that judge.

    Attributes:
        rows: names: ``clean``, ``random`` (the mean over random patterns) and one for each pattern.
        columns: recognisers.
        accepted: R×C, share of genuine comparisons accepted at each one's threshold.
        cosine: R×C, mean cosine.
        optimised: R×C, the row's pattern was optimised on the column's recogniser.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    accepted: NDArray[np.float64]
    cosine: NDArray[np.float64]
    optimised: NDArray[np.bool_]


def matrix(
    evaluator: Evaluator,
    patterns: Mapping[str, tuple[Pattern, Sequence[str]]],
    thresholds: Mapping[str, float],
    randoms: Sequence[Pattern] = (),
) -> TransferMatrix:
    """Judge several patterns on the evaluator's portraits through the whole pipeline.

    Args:
        evaluator: portraits and recognisers.
        patterns: row name -> pattern and the recognisers it was optimised on.
        thresholds: accept from this cosine on, by recogniser.
        randoms: the control, averaged into one row.
    """
    columns = tuple(evaluator.models)
    rows: list[str] = ["clean"]
    scores = [[evaluator.unpainted()]]
    if randoms:
        rows.append("random")
        scores.append([evaluator.painted(pattern).genuine for pattern in randoms])
    for name, (pattern, _) in patterns.items():
        rows.append(name)
        scores.append([evaluator.painted(pattern).genuine])
    accepted = [[np.mean([one.tar(c, thresholds[c]) for one in row]) for c in columns] for row in scores]
    cosine = [[np.mean([one.mean(c) for one in row]) for c in columns] for row in scores]
    seen = [[row in patterns and c in patterns[row][1] for c in columns] for row in rows]
    return TransferMatrix(tuple(rows), columns, np.array(accepted), np.array(cosine), np.array(seen))


def leave_one_out(
    portraits: Sequence[Portrait],
    models: Mapping[str, nn.Module],
    standards: Mapping[str, Standard],
    objective: ObjectiveOptions,
    search: SearchOptions,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Progress | dict[str, tuple[SearchResult, tuple[str, ...]]]]:
    """Search once for each recogniser, on all the others.

    Args:
        portraits: photos to optimise on.
        models: at least two recognisers.
        standards: how each one's cosines are read.
        objective: of every search.
        search: of every search; its budget counts for each.
        cancelled: asked between generations; what is finished is kept.

    Yields:
        Progress, then left-out recogniser -> the search's result and the recognisers it used.

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
        if cancelled():
            break
        rest = {name: model for name, model in models.items() if name != left}
        run = Search(Objective(people, rest, standards, objective), search).run(cancelled)
        for event in run:
            if isinstance(event, SearchResult):
                results[left] = event, tuple(rest)
            else:
                done = (turn + event.done) / len(models)
                yield Progress(done, f"Without {left}: {event.message}", event.data)
    yield results
