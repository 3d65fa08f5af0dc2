"""Strips over time under one cursor, as HTML and inline SVG, and the scripts that move the cursor by a press.

A strip of more frames than a screen has columns is thinned by the most frequent value of each column and
written as runs, so that a clip of three minutes stays a few kilobytes. style.css draws the cursor at
``--cursor``, 0 to 1 of the strip's width.
"""

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COLUMNS = 600  # more than the widest figure has pixels a side by side on most screens
LETTER_SHARE = 0.032  # of a lane on a phone that a letter takes; a run too short for its word goes without
LABEL_SHARE = 0.11  # a run gets its word when it is at least so wide, as a share of the lane


@dataclass(frozen=True, slots=True)
class Look:
    """One value of a strip.

    Attributes:
        word: what it is called.
        style: the CSS class that gives its colour.
    """

    word: str
    style: str


def sampled(count: int, most: int) -> NDArray[np.int64]:
    """At most ``most`` frame numbers, evenly spread, first and last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


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


def strip(values: NDArray[np.integer], looks: Sequence[Look]) -> str:
    """The colours of one strip, with words on the long runs.

    Args:
        values: F int, indices into ``looks``; negative where nothing is painted.
        looks: names and colours of the values.
    """
    values = thinned(values)
    total = max(len(values), 1)
    paths: dict[int, list[str]] = {}
    words = []
    for start, length, value in runs(values):
        if value < 0:
            continue
        paths.setdefault(value, []).append(f"M{start} 0h{length}v1h-{length}z")
        if length >= LABEL_SHARE * total:
            place = f"left:{100 * start / total:.1f}%;width:{100 * length / total:.1f}%"
            look = looks[value]
            narrow = " narrow" if length < LETTER_SHARE * len(look.word) * total else ""
            words.append(f'<b class="{look.style}{narrow}" style="{place}">{html.escape(look.word)}</b>')
    drawn = "".join(
        f'<path class="{looks[value].style}" d="{"".join(parts)}"/>' for value, parts in paths.items()
    )
    return (
        f'<svg viewBox="0 0 {total} 1" preserveAspectRatio="none" aria-hidden="true">{drawn}</svg>'
        f"{''.join(words)}"
    )


def lane(name: str, inside: str, told: str, note: str = "", kind: str = "plain") -> str:
    """One row of a figure: a name, what is drawn, a short word at the right.

    Args:
        name: what stands left of it.
        inside: the drawing, as HTML.
        told: the drawing in words, for those who do not see it.
        note: what stands right of it.
        kind: CSS classes that say how much it stands out.
    """
    return (
        f'<div class="lane {kind}"><span class="name">{html.escape(name)}</span>'
        f'<div class="stage" role="img" aria-label="{html.escape(told)}">{inside}</div>'
        f'<span class="note">{html.escape(note)}</span></div>'
    )


def legend(looks: Sequence[Look]) -> str:
    """The colours with their words."""
    chips = "".join(f'<span><i class="{look.style}"></i>{html.escape(look.word)}</span>' for look in looks)
    return f'<div class="legend" aria-hidden="true">{chips}</div>'


def press(slider: str) -> str:
    """A script that lets a press on a strip move a slider of frames there.

    It listens on the component, which stays while the strips in it are drawn anew.

    Args:
        slider: ``elem_id`` of the slider, from 0 to the last frame.
    """
    return _PRESS.replace("SLIDER", slider)


def follow(slider: str, figures: str) -> str:
    """A script for the slider's change that draws the cursor without asking the server.

    Args:
        slider: ``elem_id`` of the slider, from 0 to the last frame.
        figures: CSS selector of what holds ``--cursor``.
    """
    return _FOLLOW.replace("SLIDER", slider).replace("FIGURES", figures)


# A frame is a column as wide as the others; the line stands in its middle.
_PRESS = """{
  const move = event => {
    const stage = event.target.closest('.stage');
    const line = document.querySelector('#SLIDER input[type=range]');
    if (!stage || !line || (event.type === 'pointermove' && !event.buttons)) return;
    const box = stage.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left) / box.width * (Number(line.max) + 1));
    line.value = Math.min(Math.max(column, 0), Number(line.max));
    line.dispatchEvent(new Event('input', {bubbles: true}));
  };
  element.addEventListener('pointerdown', move);
  element.addEventListener('pointermove', move);
}
"""
_FOLLOW = """(frame) => { const line = document.querySelector('#SLIDER input[type=range]');
if (line) document.querySelectorAll('FIGURES').forEach(figure => figure.style.setProperty(
  '--cursor', (Number(frame) + 0.5) / (Number(line.max) + 1))); }"""
