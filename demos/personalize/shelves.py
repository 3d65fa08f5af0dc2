"""What lies in a person's two caches, as faces."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.personalize.types import Taken
from demos.personalize.looks import counted, face, looks_of

if TYPE_CHECKING:
    from core.personalize.replay import Entry, Replay

MOST = 120  # faces drawn, so that the figure stays below 300 kB
NAMED = 8  # people whose prototypes are borrowed
TITLES: dict[Taken, tuple[str, str]] = {
    "positive": ("Sure frames", "positive cache"),
    "negative": ("Doubtful frames", "negative cache"),
}


def caches(replay: "Replay", names: Sequence[str], thumbs: NDArray[np.uint8], at: int) -> str:
    """Both caches after a frame: for every class its faces with their entropies, the surest first.

    Args:
        replay: F frames.
        names: K names of the classes.
        thumbs: F×48×48×3 faces.
        at: number of the frame that is looked at.
    """
    shelves = "".join(_shelf(replay, cache, names, thumbs, at) for cache in TITLES)
    lent = ", ".join(map(html.escape, replay.lent[:NAMED]))
    if len(replay.lent) > NAMED:
        lent += f" and {counted(len(replay.lent) - NAMED, 'other')}"
    people = f"Prototypes are lent by {lent} (nearest first)." if lent else "Nobody lent prototypes."
    poison = " A cross marks those that were poisoned." if replay.poisoned.any() else ""
    return (
        f'<section class="facet-shelves">{shelves}</section><p class="facet-lent">{people} '
        f"Below each face is its entropy; the newest one has a rim.{poison}</p>"
    )


def _shelf(replay: "Replay", cache: Taken, names: Sequence[str], thumbs: NDArray[np.uint8], at: int) -> str:
    buckets = replay.entries(cache, at)
    title, term = TITLES[cache]
    held = sum(map(len, buckets))
    newest = max((entry.frame for bucket in buckets for entry in bucket), default=-1)
    head = f"<h4>{title} <small>({term}), {counted(held, 'face')} after frame {at}</small></h4>"
    if not held:
        return f'<div class="shelf {cache}">{head}<p class="empty">Empty so far.</p></div>'
    most = max(1, MOST // 2 // max(sum(map(bool, buckets)), 1))
    rows = ""
    for look, bucket in zip(looks_of(names), buckets, strict=True):
        tiles = "".join(_tile(entry, replay, thumbs, entry.frame == newest >= 0) for entry in bucket[:most])
        more = f'<span class="more">+{len(bucket) - most} more</span>' if len(bucket) > most else ""
        word = html.escape(look.word)
        rows += (
            f'<div class="bucket"><span class="word" title="{word}"><i class="{look.style}"></i>{word}</span>'
            f'<span class="tiles">{tiles or "–"}{more}</span></div>'
        )
    return f'<div class="shelf {cache}">{head}{rows}</div>'


def _tile(entry: "Entry", replay: "Replay", thumbs: NDArray[np.uint8], newest: bool) -> str:
    if entry.frame < 0:
        picture, kind = '<i role="img" aria-label="From a file, without a picture">file</i>', " file"
    else:
        bad = bool(replay.poisoned[entry.frame])
        words = f"Frame {entry.frame}{', poisoned' if bad else ''}{', the newest' if newest else ''}"
        picture = f'<img alt="{words}" title="{words}" src="{face(thumbs, entry.frame)}">'
        kind = f"{' newest' if newest else ''}{' bad' if bad else ''}"
    return f'<span class="tile{kind}">{picture}<small>{entry.entropy:.3f}</small></span>'
