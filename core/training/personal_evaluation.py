"""Every way to read a person's stream, on the same people: figures by subject, a table and a report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from core.errors import Code, UserError
from core.metrics.classification import Scores
from core.metrics.intervals import Interval
from core.personalize.evaluate import FIGURES, Clip, Evaluation, Run, Shots, Unit, compare, evaluate, run
from core.personalize.methods import Method, Personalized, ZeroShot
from core.personalize.options import ABLATIONS, Options, ablate
from core.personalize.peers import EntropyTuning, Tda, TipAdapter
from core.personalize.subjects import Sources
from core.training.personal_sources import AmongOthers
from core.types import FloatArray

FULL: Final = "TTA-CaP"
BESIDE: Final = (ZeroShot.name, Tda.name)
"""What every other method is compared with."""
SCOPES: Final = ("frame", "video")
OF_SOURCES: Final = ("no source cache", "no prototype gate")
"""Ablations that are the full method where there are no sources."""


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One method on all people.

    Attributes:
        run: its answers.
        found: its figures.
        against: name in ``BESIDE`` -> figure -> this method's minus that one's; empty for one subject.
    """

    run: Run
    found: Evaluation
    against: dict[str, dict[str, Interval]]


def methods(
    text: FloatArray, scale: float, options: Options, sources: Sources | None = None, among: bool = False,
    shots: Shots | None = None,
) -> dict[str, Method]:  # fmt: skip
    """All methods that can be had, by name; those without what they need are left out.

    Args:
        text: K×D embeddings of the classes.
        scale: logit scale.
        options: of the full method.
        sources: the source cache, or None.
        among: the people of the cache are the evaluated ones: each is left out while being read.
        shots: labelled frames of the people for Tip-Adapter, or None.
    """

    def personal(name: str, chosen: Options) -> Method:
        if not among:
            return Personalized(text, scale, chosen, sources, name=name)
        method = AmongOthers(text, scale, chosen, name=name)
        method.everybody = sources
        return method

    found: list[Method] = [ZeroShot(text, scale), Tda(text, scale)]
    found += [EntropyTuning(text, scale, scope) for scope in SCOPES]
    if shots is not None:
        found.append(TipAdapter(text, scale, shots))
    found.append(personal(FULL, options))
    for name in ABLATIONS:
        if sources is not None or name not in OF_SOURCES:
            found.append(personal(name, ablate(options, name)))
    return {method.name: method for method in found}


def names(sources: bool, shots: bool, wanted: str = "") -> tuple[str, ...]:
    """Names of the methods that :func:`methods` will give.

    Args:
        sources: there will be sources.
        shots: there will be labelled frames.
        wanted: only these, with commas between; all for an empty list.

    Raises:
        UserError: ``OPTION_RANGE``: a name that will not be there.
    """
    found = [*BESIDE, *(f"entropy tuning a {scope}" for scope in SCOPES)]
    found += [TipAdapter.name] * shots + [FULL]
    found += [name for name in ABLATIONS if sources or name not in OF_SOURCES]
    places = {name.lower(): name for name in found}
    asked = [name.strip().lower() for name in wanted.split(",")] if wanted else list(places)
    for name in asked:
        if name not in places:
            raise UserError(
                Code.OPTION_RANGE,
                f"There is no method {name!r} here.",
                f"Choose of: {', '.join(found)}; Tip-Adapter needs --shots, {' and '.join(OF_SOURCES)} "
                "need sources.",
            )
    return tuple(places[name] for name in asked)


def shuffled(clips: Sequence[Clip], seed: int) -> tuple[Clip, ...]:
    """Each person's clips in a drawn order: data sets list them by class, which no stream would be."""
    rng = np.random.default_rng(seed)
    found: list[Clip] = []
    for subject in dict.fromkeys(clip.subject for clip in clips):
        own = [clip for clip in clips if clip.subject == subject]
        found += [own[place] for place in rng.permutation(len(own))]
    return tuple(found)


def judge(given: Mapping[str, Method], clips: Sequence[Clip], classes: int, unit: Unit) -> Iterator[Result]:
    """Run the methods, those of ``BESIDE`` first; differences are to these."""
    beside: dict[str, Run] = {}
    several = len({clip.subject for clip in clips}) > 1
    for name in (*filter(given.__contains__, BESIDE), *(name for name in given if name not in BESIDE)):
        answers = run(given[name], clips)
        against = {
            other: compare(answers, theirs, clips, classes, unit)
            for other, theirs in beside.items()
            if several
        }
        yield Result(answers, evaluate(answers, clips, classes, unit), against)
        if name in BESIDE:
            beside[name] = answers


def lines(results: Sequence[Result], frames: int) -> Iterator[str]:
    """A table: percent with 95 % intervals over subjects, and macro-F1 minus that of others, in points."""
    rows = [["method", *(f"{name} %" for name in FIGURES), "people's means %"]]
    rows[0] += [f"F1 - {name}" for name in BESIDE] + ["CPU ms a frame"]
    for one in results:
        report, intervals = one.found.report, one.found.intervals
        pooled = _figures(report.pooled)
        row = [one.run.name]
        row += [_shown(intervals[name] if intervals else pooled[name]) for name in FIGURES]
        row.append(" / ".join(_shown(value) for value in _figures(report.mean).values()))
        row += [_shown(one.against[name]["macro-F1"], "+") if name in one.against else "" for name in BESIDE]
        row.append(f"{1000 * one.run.seconds / frames:.3f}")
        rows.append(row)
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, wide, strict=True)).rstrip()


def told(results: Sequence[Result], frames: int) -> dict[str, Any]:
    """The same and more for machines: shares, not percent; every person's figures."""
    return {
        one.run.name: {
            "pooled": _figures(one.found.report.pooled),
            "intervals": {name: asdict(found) for name, found in one.found.intervals.items()},
            "mean over people": _figures(one.found.report.mean),
            "people": {
                name: {**_figures(scores), "samples": scores.samples}
                for name, scores in one.found.report.per_subject.items()
            },
            "minus": {
                other: {name: asdict(found) for name, found in figures.items()}
                for other, figures in one.against.items()
            },
            "CPU milliseconds a frame": 1000 * one.run.seconds / frames,
            "bytes kept of a person": one.run.memory,
        }
        for one in results
    }


def _figures(scores: Scores) -> dict[str, float]:
    return dict(zip(FIGURES, (scores.accuracy, scores.unweighted_recall, scores.macro_f1), strict=True))


def _shown(value: Interval | float, sign: str = "") -> str:
    if not isinstance(value, Interval):
        return f"{100 * value:.1f}"
    low, high = 100 * value.low, 100 * value.high
    return f"{100 * value.estimate:{sign}.1f} ({low:{sign}.1f} to {high:{sign}.1f})"
