"""All clips of a person on one line that can be pressed and played, and the curves of all methods."""

import html
import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from core.personalize.types import Taken
from core.types import FloatArray, Mask
from demos.personalize.looks import counted, face, looks_of
from demos.strips import COLUMNS, Look, follow, lane, legend, press, sampled, strip

if TYPE_CHECKING:
    from core.personalize.replay import Replay

CURSOR: Final = "personalize-cursor"  # elem_id of the slider
FIGURES: Final = "#personalize-figures .facet-lanes"
FACES = 12
NUMBERED, NAMED, ROOMY = 0.025, 0.06, 0.18
"""Shares of the line from which a clip gets its number, its whole name, and that on a phone too."""
TOLD = 12  # frames that are read out before the rest is only counted
STYLES = 8  # of lines; style.css names them l0 to l7
MARKS: Final[Mapping[Taken, tuple[str, str]]] = {
    "positive": ("Sure", "kept in the positive cache"),
    "negative": ("Doubtful", "kept in the negative cache"),
}


def film(replay: "Replay", names: Sequence[str], thumbs: NDArray[np.uint8], at: int) -> str:
    """The line of all clips: faces, both answers of every frame, what was kept, what was poisoned.

    Args:
        replay: F frames.
        names: K names of the classes.
        thumbs: F×48×48×3 faces.
        at: number of the frame that is looked at.
    """
    looks, count = looks_of(names), len(replay.steps)
    rims = _rims(replay.starts, count)
    before = np.array([step.label for step in replay.steps])
    after = np.array([step.answer for step in replay.steps])
    changed = int((before != after).sum())
    rows = [
        lane("Zero-shot", strip(before, looks) + rims, _shares("Zero-shot", before, looks)),
        lane("Personal", strip(after, looks) + rims, _shares("Personal", after, looks), kind="main"),
    ]
    for cache, (name, words) in MARKS.items():
        kept = np.array([step.kept is not None and step.kept.cache == cache for step in replay.steps])
        rows.append(_marks(name, words, cache, kept, kept & replay.poisoned))
    if replay.poisoned.any():
        entered = np.array([step.kept is not None for step in replay.steps]) & replay.poisoned
        rows.append(_marks("Poisoned", "poisoned", "poison", replay.poisoned, entered))
    clips = sum(end > start for start, end in _clips(replay.starts))
    return (
        f'<figure class="facet-lanes facet-film" role="group" aria-label="All clips, frame by frame" '
        f'style="--cursor:{_middle(at, count):.5f}"><div class="head"><button type="button" class="play">'
        f"▶ Play</button><span>{counted(count, 'frame')} of {counted(clips, 'clip')}; on {changed} of them "
        f"the personal answer is another than the zero-shot one.</span></div>"
        f'{_faces(thumbs, count)}<div class="rows">{"".join(rows)}</div>{_axis(replay.starts, count)}'
        f"{legend(looks)}{_key(bool(replay.poisoned.any()))}<figcaption>Press or drag on a strip to look "
        "at a frame. A frame is kept when it passes the gates, and may leave again for a surer one."
        "</figcaption></figure>"
    )


def curve(lines: Mapping[str, FloatArray], starts: Sequence[int], at: int, label: str) -> str:
    """Probability of one class over all frames, a line for every method.

    Args:
        lines: method -> F probabilities, nan where there is none; the first is drawn strongest.
        starts: of the clips, where the lines are cut.
        at: number of the frame that is looked at.
        label: what is drawn, in words.
    """
    if not lines:
        return ""
    count = len(next(iter(lines.values())))
    drawn, keys = "", ""
    said: list[str] = []
    for number, (name, values) in reversed(list(enumerate(lines.items()))):
        style = f"l{number % STYLES}"
        points = "".join(
            f'<polyline class="{style}" points="{piece}"/>' for piece in _pieces(values, starts, count)
        )
        value = "–" if np.isnan(values[at]) else f"{values[at]:.2f}"
        drawn += points
        keys = (
            f'<span><svg viewBox="0 0 30 8" aria-hidden="true"><polyline class="{style}" points="0,4 30,4"/>'
            f'</svg>{html.escape(name)} <b class="value">{value}</b></span>{keys}'
        )
        said.insert(0, f"{name} {value}")
    words = f"{label}, at frame {at}: {', '.join(said)}"
    half = '<line class="grid" x1="0" x2="1000" y1="50" y2="50"/>'
    return (
        f'<figure class="facet-lanes facet-curve" style="--cursor:{_middle(at, count):.5f}">'
        f'<div class="lane curve"><span class="name">{html.escape(label)}</span>'
        f'<div class="stage" role="img" aria-label="{html.escape(words)}"><svg viewBox="0 0 1000 100" '
        f'preserveAspectRatio="none" aria-hidden="true">{half}{drawn}</svg>{_rims(starts, count)}</div>'
        f'<span class="note ends"><i>1</i><i>0.5</i><i>0</i></span></div>{_axis(starts, count)}'
        f'<div class="keys" aria-hidden="true">{keys}</div><figcaption>Numbers at frame {at}. The running '
        "answer of every method starts anew with each clip.</figcaption></figure>"
    )


def _pieces(values: FloatArray, starts: Sequence[int], count: int) -> list[str]:
    """The line of one method as points of polylines, cut at clips and where nothing is known."""
    edges = {start for start in starts if start < count}
    kept = sampled(count, COLUMNS).tolist()
    pieces: list[list[str]] = []
    fresh = True
    for n in sorted({*kept, *edges, *(start - 1 for start in edges if start)}):
        if np.isnan(values[n]):
            fresh = True
            continue
        if fresh or n in edges:
            pieces.append([])
        fresh = False
        pieces[-1].append(f"{1000 * _middle(n, count):.0f},{100 * (1 - values[n]):.1f}")
    # A point alone is doubled: a line of no length is painted as a dot.
    return [" ".join(piece if len(piece) > 1 else 2 * piece) for piece in pieces]


def _clips(starts: Sequence[int]) -> list[tuple[int, int]]:
    return list(itertools.pairwise(starts))


def _middle(frame: int, count: int) -> float:
    """Where a frame stands on the line, 0 to 1: a column in ``count`` equal ones."""
    return (frame + 0.5) / max(count, 1)


def _faces(thumbs: NDArray[np.uint8], count: int) -> str:
    many = min(FACES, count)
    frames = [int((place + 0.5) * count / many) for place in range(many)]
    pictures = "".join(f'<img alt="" src="{face(thumbs, frame)}">' for frame in frames)
    return (
        f'<div class="lane faces"><span class="name">Faces</span><div class="stage" role="img" '
        f'aria-label="Faces of frames {", ".join(map(str, frames))}">{pictures}</div>'
        '<span class="note"></span></div>'
    )


def _rims(starts: Sequence[int], count: int) -> str:
    """Lines between the clips."""
    rims = sorted({start for start in starts if 0 < start < count})
    return "".join(f'<i class="rim" style="left:{100 * start / count:.2f}%"></i>' for start in rims)


def _axis(starts: Sequence[int], count: int) -> str:
    """The names of the clips below the line."""
    names = ""
    for number, (start, end) in enumerate(_clips(starts)):
        share = (end - start) / count
        if share >= NUMBERED:
            word = f"clip {number + 1}"
            if share < ROOMY:
                word = f"<span>clip </span>{number + 1}" if share >= NAMED else f"<span>{number + 1}</span>"
            place = f"left:{100 * start / count:.2f}%;width:{100 * share:.2f}%"
            names += f'<i style="{place}">{word}</i>'
    return f'<div class="lane axis"><span></span><div class="clips">{names}</div><span></span></div>'


def _marks(name: str, words: str, kind: str, where: Mask, bad: Mask) -> str:
    """Marks of some frames; ``bad`` are those that were poisoned and kept all the same."""
    frames = np.flatnonzero(where).tolist()
    marks = "".join(
        f'<i class="mark {kind}{" bad" if bad[n] else ""}" '
        f'style="left:{100 * _middle(n, len(where)):.2f}%"></i>'
        for n in frames
    )
    listed = ", ".join(map(str, frames[:TOLD])) + (", …" if len(frames) > TOLD else "")
    told = f"{counted(len(frames), 'frame')} {words}" + (f": {listed}" if frames else "")
    if bad.any():
        told += f"; {int(bad.sum())} of them poisoned and kept all the same"
    note = f"{int(bad.sum())}/{len(frames)} kept" if kind == "poison" else str(len(frames))
    return lane(name, marks, told, note, "marks")


def _key(poisoned: bool) -> str:
    """What the marks mean."""
    parts = [("positive", "kept as sure (positive cache)"), ("negative", "kept as doubtful (negative cache)")]
    if poisoned:
        parts += [("poison", "poisoned, kept out"), ("poison bad", "poisoned and kept")]
    chips = "".join(f'<span><i class="mark {kind}"></i>{words}</span>' for kind, words in parts)
    return f'<div class="legend shapes" aria-hidden="true">{chips}</div>'


def _shares(name: str, values: NDArray[np.integer], looks: Sequence[Look]) -> str:
    counts = np.bincount(values, minlength=len(looks))
    order = [n for n in np.argsort(-counts, kind="stable") if counts[n]]
    return f"{name}: " + ", ".join(f"{looks[n].word} {counts[n] / len(values):.0%}" for n in order)


FOLLOW = follow(CURSOR, FIGURES)
PRESS = press(CURSOR)

# Five frames a second, as many as are read of a clip. A press on the strips stops, and so does another tab.
PLAY = """{
  let clock = 0;
  const line = () => document.querySelector('#SLIDER input[type=range]');
  const show = () => {
    const button = element.querySelector('.play');
    if (button) button.textContent = clock ? '❚❚ Pause' : '▶ Play';
  };
  const halt = () => { clearInterval(clock); clock = 0; show(); };
  const go = (slider, frame) => {
    slider.value = frame;
    slider.dispatchEvent(new Event('input', {bubbles: true}));
  };
  const step = () => {
    const slider = line();
    if (!slider || !slider.offsetParent || Number(slider.value) >= Number(slider.max)) return halt();
    go(slider, Number(slider.value) + 1);
    show();
  };
  element.addEventListener('click', event => {
    if (!event.target.closest('.play')) return;
    if (clock) return halt();
    const slider = line();
    if (slider && Number(slider.value) >= Number(slider.max)) go(slider, 0);
    clock = setInterval(step, 200);
    show();
  });
  element.addEventListener('pointerdown', event => { if (clock && event.target.closest('.stage')) halt(); });
}
""".replace("SLIDER", CURSOR)
