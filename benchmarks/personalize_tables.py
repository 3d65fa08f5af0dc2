"""The tables of ``benchmarks.personalize_people``."""

from collections.abc import Sequence

import numpy as np

from benchmarks.personalize_methods import FULL, methods
from benchmarks.results import table
from core.expressions import EXPRESSIONS
from core.metrics.intervals import Interval
from core.personalize.evaluate import Clip, Run, Unit, compare, evaluate, run, take_shots
from core.personalize.methods import Method, Personalized, ZeroShot
from core.personalize.options import Options
from core.personalize.peers import TipAdapter
from core.personalize.subjects import Sources
from core.types import FloatArray

CLASSES = len(EXPRESSIONS)


def compared(clips: Sequence[Clip], unit: Unit, found: dict[str, dict[str, Run]], full: str) -> str:
    """Every method on one stream, for each kind of sentences.

    Args:
        clips: the stream.
        unit: what counts as one sample.
        found: kind of sentences -> method -> its run.
        full: name of the method whose gain over the others is told.
    """
    people = len({clip.subject for clip in clips})
    samples = len(clips) if unit == "video" else sum((clip.frame_labels >= 0).sum() for clip in clips)
    first = next(iter(found))
    head = ["method", f"{first}: WAR", "UAR", "macro-F1", "ours − it"]
    head += [column for kind in list(found)[1:] for column in (f"{kind}: macro-F1", "ours − it")]
    head += [f"{first}: mean of people's WAR", "CPU ms a frame"]
    frames = sum(len(clip.embeddings) for clip in clips)
    rows = []
    for name in found[first]:
        plain = evaluate(found[first][name], clips, CLASSES, unit)
        row = [name, *(f"{100 * plain.intervals[key].estimate:.1f}" for key in ("WAR", "UAR"))]
        for runs in found.values():
            row.append(percent(evaluate(runs[name], clips, CLASSES, unit).intervals["macro-F1"]))
            gap = compare(runs[full], runs[name], clips, CLASSES, unit)["macro-F1"]
            row.append("" if name == full else percent(gap, True))
        spent = 1000 * found[first][name].seconds / frames
        rows.append([*row, f"{100 * plain.report.mean.accuracy:.1f}", f"{spent:.3f}"])
    what = "clips" if unit == "video" else "photos"
    return f"{people} people, {samples} {what}.\n\n{table(head, rows)}\n\n{verdict(clips, unit, found, full)}"


def verdict(clips: Sequence[Clip], unit: Unit, found: dict[str, dict[str, Run]], full: str) -> str:
    """Where the full method wins, loses or neither, by the interval of macro-F1."""
    sentences = []
    for kind, runs in found.items():
        won, lost, even = [], [], []
        for name, other in runs.items():
            if name != full:
                gap = compare(runs[full], other, clips, CLASSES, unit)["macro-F1"]
                (won if gap.low > 0 else lost if gap.high < 0 else even).append(name)
        sentences.append(
            f"With {kind} it is above {', '.join(won) or 'none'}; not to be told from "
            f"{', '.join(even) or 'none'}; below {', '.join(lost) or 'none'}."
        )
    return " ".join(sentences)


def shots(clips: Sequence[Clip], unit: Unit, text: FloatArray, scale: float, sources: Sources) -> str:
    """Tip-Adapter with one labelled still of each expression of a person, which nobody is scored on."""
    taken, rest = take_shots(clips, 1)
    if len({clip.subject for clip in rest}) < 2:
        return "Tip-Adapter: nothing is left to score."
    full = run(Personalized(text, scale, Options(), sources), rest)
    others: dict[str, Method] = {
        "Tip-Adapter": TipAdapter(text, scale, taken),
        "Tip-Adapter, alpha 5": TipAdapter(text, scale, taken, weight=5.0),
        "zero-shot": ZeroShot(text, scale),
    }
    told = [f"ours {percent(evaluate(full, rest, CLASSES, unit).intervals['macro-F1'])}"]
    for name, method in others.items():
        one = run(method, rest)
        gap = compare(full, one, rest, CLASSES, unit)["macro-F1"]
        figure = evaluate(one, rest, CLASSES, unit).intervals["macro-F1"]
        told.append(f"{name} {percent(figure)} (ours − it {percent(gap, True)})")
    left = len(rest) if unit == "video" else sum(len(clip.embeddings) for clip in rest)
    return (
        "One labelled still of each expression of each person set aside for Tip-Adapter (the tab's sentence, "
        f"macro-F1 on the {left} samples left): {'; '.join(told)}. In CK+ that still is a frame of the very "
        "sequence that is scored, so there Tip-Adapter knows the answer."
    )


def acted(clips: Sequence[Clip], words: dict[str, FloatArray], scale: float, sources: Sources) -> str:
    """Which acted clips come out right."""
    shown = (FULL, "zero-shot", "TDA", "March 2026", "June 2026", "no gates", "source cache alone")
    head, rows = ["clip (person)", *shown], []
    parts = []
    for kind, text in words.items():
        runs = {name: run(one, clips) for name, one in methods(text, scale, sources).items() if name in shown}
        truth = np.array([clip.label for clip in clips])
        sums = ", ".join(f"{name} {int((runs[name].videos == truth).sum())}" for name in shown)
        parts.append(f"With {kind} right of {len(clips)}: {sums}.")
        if not rows:
            rows = [
                [f"{clip.name} ({clip.subject})", *(EXPRESSIONS[runs[name].videos[n]] for name in shown)]
                for n, clip in enumerate(clips)
            ]
    people = len({clip.subject for clip in clips})
    return (
        f"**Acted clips.** {len(clips)} clips of {people} people, five faces a second: far too few for "
        "intervals. Nothing was tuned on them, though the encoder's recipe was changed after an earlier one "
        f"had failed on them. {' '.join(parts)}\n\n{table(head, rows)}"
    )


def told_apart(people: Sequence[tuple[str, np.ndarray, np.ndarray]]) -> str:
    """Why a person's own frames add little: how far a person's expression lies from everybody's."""
    vectors = np.concatenate([rows for _, rows, _ in people])
    labels = np.concatenate([own for _, _, own in people])
    owners = np.repeat(np.arange(len(people)), [len(own) for _, _, own in people])
    cosines, upper = vectors @ vectors.T, np.triu(np.ones((len(labels), len(labels)), bool), 1)
    same, own = labels[:, None] == labels, owners[:, None] == owners
    means = [
        float(cosines[upper & first & second].mean())
        for first, second in ((same, own), (same, ~own), (~same, own), (~same, ~own))
    ]
    return (
        "**Why own frames add little.** Mean cosine of two LFW/film stills in this space: same expression "
        f"and person {means[0]:.2f}; same expression, other people {means[1]:.2f}; other expression, same "
        f"person {means[2]:.2f}; both other {means[3]:.2f}. The embedding was trained to forget whom it "
        "sees: most of what could be learned about a person is gone before the caches are filled."
    )


def percent(found: Interval, signed: bool = False) -> str:
    """A figure with its interval, in percent or points."""
    sign = "+" if signed else ""
    return f"{100 * found.estimate:{sign}.1f} [{100 * found.low:{sign}.1f}, {100 * found.high:{sign}.1f}]"
