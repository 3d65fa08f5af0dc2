"""Strips over time, one above the other under one cursor: which class when, frame by frame."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.types import FloatArray
from demos.abaw.looks import EXPRESSION_LOOKS, seconds
from demos.strips import Look, lane, runs, strip

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


def _lane(row: Lane, times: FloatArray) -> str:
    return lane(row.name, strip(row.values, row.looks), told(row, times), row.note, row.kind)


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
