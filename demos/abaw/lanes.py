"""Strips over time, one above the other under one cursor: which class when, of up to a few thousand frames.

A strip of more frames than a screen has columns is thinned by the most frequent value of each column and
written as runs, so that a clip of three minutes stays a few kilobytes.
"""

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.types import FloatArray
from demos.abaw.looks import EXPRESSION_LOOKS, Look, seconds

COLUMNS = 600  # more than the widest figure has pixels a side by side on most screens
LETTER_SHARE = 0.032  # of a lane on a phone that a letter takes; a run too short for its word goes without
LABEL_SHARE = 0.11  # a run gets its word when it is at least so wide, as a share of the lane
TOLD = 12  # runs that are read out before the rest is summed up


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """One strip.

    Attributes:
        name: what stands left of it.
        values: F int, indices into ``looks``; negative where nothing was decided.
        note: a short word at the right, for instance a score.
        looks: names and colours of the values.
        kind: ``main``, ``plain`` or ``control``: how much it stands out.
    """

    name: str
    values: NDArray[np.integer]
    note: str = ""
    looks: Sequence[Look] = EXPRESSION_LOOKS
    kind: str = "plain"


def thinned(values: NDArray[np.integer], most: int = COLUMNS) -> NDArray[np.int64]:
    """At most ``most`` values: the most frequent one of each column, the smaller one when two are."""
    count = len(values)
    if count <= most:
        return values.astype(np.int64)
    kinds = np.unique(values)
    seen = np.zeros((count + 1, len(kinds)), np.int64)
    seen[1:] = np.cumsum(values[:, None] == kinds, axis=0)
    edges = np.linspace(0, count, most + 1).round().astype(np.int64)
    return kinds[np.diff(seen[edges], axis=0).argmax(1)].astype(np.int64)


def runs(values: NDArray[np.integer]) -> Iterator[tuple[int, int, int]]:
    """(first, length, value) of each run of equal values."""
    if not len(values):
        return
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    for start, end in zip(starts, np.r_[starts[1:], len(values)], strict=True):
        yield int(start), int(end - start), int(values[start])


def lanes(rows: Sequence[Lane], times: FloatArray, label: str, caption: str = "") -> str:
    """All strips with a common time axis; the cursor line is drawn by style.css at ``--cursor``.

    Args:
        rows: the strips, from top.
        times: F seconds.
        label: what the figure is called when it is read out.
        caption: a sentence below.
    """
    body = "".join(_lane(row, times) for row in rows)
    end = seconds(float(times[-1])) if len(times) else ""
    middle = seconds(float(times[len(times) // 2])) if len(times) else ""
    below = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    bare = "" if any(row.note for row in rows) else " bare"
    return (
        f'<figure class="facet-lanes{bare}" role="group" aria-label="{html.escape(label)}">'
        f'<div class="rows">{body}</div><div class="lane axis" aria-hidden="true"><span></span>'
        f'<div class="ticks"><i>0</i><i>{middle}</i><i>{end}</i></div></div>{below}</figure>'
    )


def legend(looks: Sequence[Look]) -> str:
    """The colours with their words."""
    chips = "".join(f'<span><i class="{look.style}"></i>{html.escape(look.word)}</span>' for look in looks)
    return f'<div class="legend" aria-hidden="true">{chips}</div>'


def _lane(row: Lane, times: FloatArray) -> str:
    values = thinned(row.values)
    total = max(len(values), 1)
    paths: dict[int, list[str]] = {}
    words = []
    for start, length, value in runs(values):
        if value < 0:
            continue
        paths.setdefault(value, []).append(f"M{start} 0h{length}v1h-{length}z")
        if length >= LABEL_SHARE * total:
            place = f"left:{100 * start / total:.1f}%;width:{100 * length / total:.1f}%"
            look = row.looks[value]
            narrow = " narrow" if length < LETTER_SHARE * len(look.word) * total else ""
            words.append(f'<b class="{look.style}{narrow}" style="{place}">{look.word}</b>')
    drawn = "".join(
        f'<path class="{row.looks[value].style}" d="{"".join(parts)}"/>' for value, parts in paths.items()
    )
    return (
        f'<div class="lane {row.kind}"><span class="name">{html.escape(row.name)}</span>'
        f'<div class="stage" role="img" aria-label="{html.escape(told(row, times))}">'
        f'<svg viewBox="0 0 {total} 1" preserveAspectRatio="none" aria-hidden="true">{drawn}</svg>'
        f'{"".join(words)}</div><span class="note">{html.escape(row.note)}</span></div>'
    )


def told(row: Lane, times: FloatArray) -> str:
    """The lane in words: its runs when they are few, else the share of each value."""
    found = [(start, length, value) for start, length, value in runs(row.values) if value >= 0]
    if not found:
        return f"{row.name}: nothing decided"
    if len(found) <= TOLD:
        ends = (min(start + length, len(times) - 1) for start, length, _ in found)
        parts = [
            f"{row.looks[value].word} {seconds(float(times[start]))} to {seconds(float(times[end]))}"
            for (start, _, value), end in zip(found, ends, strict=True)
        ]
        return f"{row.name}: {', '.join(parts)}"
    known = row.values[row.values >= 0]
    counts = np.bincount(known, minlength=len(row.looks))
    order = [n for n in np.argsort(-counts, kind="stable") if counts[n]]
    shares = ", ".join(f"{row.looks[n].word} {counts[n] / len(row.values):.0%}" for n in order)
    return f"{row.name}: {shares}"
