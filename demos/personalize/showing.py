"""A person's run as the visitor sees it: answers, film, the frame at the cursor, other methods."""

import html
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from core.errors import UserError
from demos.abaw.looks import seconds
from demos.base import Update, notices_panel
from demos.personalize import film, lamps, plots, shelves
from demos.personalize.desk import Desk, Piece
from demos.personalize.looks import counted, looks_of
from demos.personalize.parts import Parts
from demos.personalize.words import IMPORT_UNUSED, NO_SOURCES
from demos.pictures import inlined, preview

if TYPE_CHECKING:
    from core.personalize.replay import Replay

FRAME_SIDE = 420  # longer side in pixels of the frame at the cursor


def clips(desk: Desk, parts: Parts) -> Update:
    """The person's clips, and what can be done with them."""
    pieces = desk.person.pieces
    names = [f"{number}. {piece.name}" for number, piece in enumerate(pieces, 1)]
    choices = [("not said", ""), *((name, name) for name in desk.task.names)]
    truths = {
        box: gr.update(
            visible=n < len(pieces),
            label=names[n] if n < len(pieces) else "",
            choices=choices,
            value=known(desk, pieces[n]) if n < len(pieces) else "",
        )
        for n, box in enumerate(parts.asked.truths)
    }
    inputs = parts.inputs
    return {
        inputs.clips: listed(desk),
        inputs.row: gr.update(visible=bool(pieces)),
        inputs.which: gr.update(
            choices=[(name, n) for n, name in enumerate(names)], value=len(names) - 1 if names else None
        ),
        **truths,
    }


def known(desk: Desk, piece: Piece) -> str:
    """What the visitor says that a clip shows, where that is among the classes that are asked."""
    return piece.truth if piece.truth in desk.task.names else ""


def listed(desk: Desk) -> str:
    """The clips of the person with what is known of each."""
    pieces = desk.person.pieces
    if not pieces:
        return ""
    rows = "".join(
        f"<li><b>{html.escape(piece.name)}</b> <span>{html.escape(_state(desk, piece))}</span></li>"
        for piece in pieces
    )
    notices = [notice for piece in pieces if piece.clip for notice in piece.clip.notices]
    notices += [notice for piece in pieces for seen in piece.seen.values() for notice in seen.notices]
    return f'<ol class="facet-clips">{rows}</ol>{notices_panel(notices)}'


def _state(desk: Desk, piece: Piece) -> str:
    what = counted(len(piece.photos), "photo")
    if piece.clip is not None:
        what = seconds(piece.clip.duration)
    seen = piece.seen.get(desk.model)
    if seen is None:
        return f"{what}, not read" + (f": {piece.trouble.message}" if piece.trouble else " yet")
    away = f", {seen.absent} without this person" if seen.absent else ""
    others = f", {seen.others} other{'s' if seen.others > 1 else ''} left out" if seen.others else ""
    return f"{what}, {len(seen)} frames read{away}{others}"


def nothing(parts: Parts) -> Update:
    """The result's side without a result."""
    results = parts.results
    texts = (results.answers, results.film, *results.at_cursor, results.about, results.peers, results.curve)
    return {
        **dict.fromkeys(texts, ""),
        parts.asked.poisoned: "",
        parts.asked.heal: gr.update(interactive=False),
        results.empty: gr.update(visible=True),
        results.figures: gr.update(visible=False),
        results.cursor: gr.update(value=0),
        results.label: gr.update(choices=[], value=None),
        results.files: None,
        results.unload: gr.update(visible=False),
    }


def drawn(desk: Desk, parts: Parts) -> Update:
    """Everything that follows from a run; the comparison comes with ``demos.personalize.comparing``."""
    results, person = parts.results, desk.person
    made = person.run
    if made is None:
        return nothing(parts)
    return {
        results.empty: gr.update(visible=False),
        results.figures: gr.update(visible=True),
        results.answers: answers(desk),
        results.film: film.film(made.replay, desk.task.names, made.thumbs, person.at),
        results.cursor: gr.update(maximum=max(len(made) - 1, 1), value=person.at),
        results.about: about(desk),
        results.files: None,
        results.unload: gr.update(visible=person.saved is not None),
        parts.asked.poisoned: poisoned(desk),
        parts.asked.heal: gr.update(interactive=person.poison is not None),
        **at_cursor(desk, parts),
    }


def at_cursor(desk: Desk, parts: Parts) -> Update:
    """What there is to say of the frame that is looked at."""
    made, results = desk.result(), parts.results
    at, names = desk.person.at, desk.task.names
    step, replay = made.replay.steps[at], made.replay
    first = replay.steps[0].frame
    return {
        results.moment: moment(desk),
        results.lamps: lamps.lamps(step, desk.options, names, first),
        results.fusion: plots.fusion(step),
        results.caches: shelves.caches(replay, names, made.thumbs, at),
        results.counters: plots.counters(replay, at),
    }


def moment(desk: Desk) -> str:
    """The frame beside the probabilities before and after."""
    made, at = desk.result(), desk.person.at
    step, running_row = made.replay.steps[at], made.replay.running[at]
    bars = plots.before_after(step, running_row, desk.task.names)
    return (
        f'<section class="facet-moment"><div class="picture">{picture(desk)}</div>'
        f'<div class="words">{bars}</div></section>'
    )


def picture(desk: Desk) -> str:
    """The frame as an inline picture, so that nothing of it is written to the disk; else the face alone."""
    made, at = desk.result(), desk.person.at
    number = made.replay.clip_of(at)
    piece, inside = made.pieces[number], at - made.replay.starts[number]
    time = float(piece.seen[desk.model].times[inside])
    where = f"photo {int(time) + 1}" if piece.photos else f"the frame at {seconds(time)}"
    words = f"{piece.name}, {where}" + (", mislabelled on purpose" if made.replay.poisoned[at] else "")
    shown = _still(piece, time) or inlined(made.thumbs[at], "jpeg", 90)
    return (
        f'<figure><img alt="{html.escape(words)}" src="{shown}">'
        f"<figcaption>{html.escape(words)}</figcaption></figure>"
    )


def _still(piece: Piece, time: float) -> str | None:
    from core.media.video_still import still

    try:
        pixels = piece.photos[int(time)] if piece.path is None else still(piece.path, time)
    except UserError:
        return None
    return inlined(preview(pixels, FRAME_SIDE), "jpeg", 82)


def verdicts(desk: Desk) -> list[dict[str, Any]]:
    """For each clip that was read: what zero-shot and the personalised model say at its end."""
    from core.personalize.vectors import softmax

    made = desk.result()
    found = []
    for number, piece in enumerate(made.pieces):
        rows = slice(made.replay.starts[number], made.replay.starts[number + 1])
        zero = made.scale * (made.clips[number] @ made.text.T).mean(0)
        after = softmax(made.replay.running[rows][-1])
        found.append(
            {
                "clip": piece.name,
                "frames": rows.stop - rows.start,
                "zero_shot": desk.task.names[int(zero.argmax())],
                "answer": desk.task.names[int(after.argmax())],
                "probability": float(after.max()),
                "truth": known(desk, piece),
            }
        )
    return found


def answers(desk: Desk) -> str:
    """What each clip shows, beside what zero-shot says."""
    looks = {look.word: look.style for look in looks_of(desk.task.names)}
    rows = []
    for one in verdicts(desk):
        same = one["zero_shot"] == one["answer"]
        before = "zero-shot says so too" if same else f"zero-shot says {one['zero_shot']}"
        truth = one["truth"]
        right = "" if not truth else ", right" if truth == one["answer"] else f", but you say {truth}"
        rows.append(
            f'<li class="{looks[one["answer"]]}"><span class="clip">{html.escape(one["clip"])}</span>'
            f"<b>{html.escape(one['answer'])}</b> {one['probability']:.2f}{html.escape(right)}"
            f"<span><small>{html.escape(before)}</small></span></li>"
        )
    name = html.escape(desk.person.name)
    return f'<div class="facet-answers"><h3>{name}, clip by clip</h3><ol>{"".join(rows)}</ol></div>'


def about(desk: Desk) -> str:
    """What it costs, whose frames were borrowed, and what is not as it may seem."""
    made, person = desk.result(), desk.person
    replay = made.replay
    spent = sum(piece.seen[desk.model].seconds.get("encode", 0.0) for piece in made.pieces)
    words = [
        f"Beside the {replay.milliseconds:.2f} ms a frame that personalising takes, the image encoder took "
        f"{1000 * spent / max(len(made), 1):.0f} ms a frame in this run."
    ]
    if replay.lent:
        words.append(f"Frames are borrowed from {len(replay.lent)} people whose embeddings lie near.")
    elif not made.borrowed:
        words.append(NO_SOURCES)
    if made.imported:
        words.append("The caches began with those of the saved file.")
    elif person.saved is not None:
        words.append(IMPORT_UNUSED["video" if desk.options.scope == "video" else "fit"])
    waiting = len([p for p in person.pieces if desk.model not in p.seen and not p.trouble])
    if waiting:
        words.append(f"{waiting} of the clips {'is' if waiting == 1 else 'are'} not read yet.")
    return f'<div class="facet-note">{" ".join(html.escape(one) for one in words)}</div>'


def got_in(replay: "Replay") -> int:
    """How many poisoned frames entered the positive cache."""
    kept = [step.kept is not None and step.kept.cache == "positive" for step in replay.steps]
    return int((np.array(kept) & replay.poisoned).sum())


def poisoned(desk: Desk) -> str:
    """How many poisoned frames got past the gates, and how many would without them."""
    made, poison = desk.result(), desk.person.poison
    if poison is None or made.open is None:
        return ""
    count = int(made.replay.poisoned.sum())
    name = html.escape(desk.task.names[poison.label])
    return (
        f'<div class="facet-panel advice" role="status"><b>{got_in(made.replay)} of {count}</b> mislabelled '
        f"frames got into the positive cache with the gates as they are, <b>{got_in(made.open)} of "
        f"{count}</b> without gates. They were pushed towards “{name}”. A frame that passes "
        f"still needs a free place in its bucket, or to be surer than one that is there.</div>"
    )
