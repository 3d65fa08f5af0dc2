"""What was measured as the visitor sees it: the frame at the cursor, strips over time, planes and bars."""

import html
from collections.abc import Mapping
from typing import Any

import gradio as gr
import numpy as np

from core.abaw.classes import EXPRESSIONS
from core.abaw.types import ClipScores, Timeline
from core.errors import UserError
from demos.abaw import overlay, plots, scoring, sound
from demos.abaw.desk import Desk, placed
from demos.abaw.lanes import Lane, lanes
from demos.abaw.looks import BRANCH_LOOKS, EXPRESSION_LOOKS, SEEN_LOOKS, seconds
from demos.abaw.parts import Parts
from demos.abaw.words import CONTEMPT, LANES, NO_HEAD, TRAIN, UNITS
from demos.base import Update
from demos.pictures import inlined, preview
from demos.strips import legend

NAMES = {"mlp": ("expression", "mlp"), "valence_arousal": ("dimensions", "valence_arousal")}
"""What the sentences on stand-ins are filed under."""
FRAME_SIDE = 520  # longer side in pixels of the frame at the cursor


def analysed(desk: Desk, parts: Parts) -> Update:
    """Everything that changes when a clip was measured, or another person is looked at."""
    results, scores = parts.results, desk.scores()
    people = sorted(desk.people)
    return {
        results.empty: gr.update(visible=False),
        results.figures: gr.update(visible=True),
        results.people: gr.update(
            choices=[(person(desk, number), number) for number in people],
            value=desk.track,
            visible=len(people) > 1,
        ),
        results.cursor: gr.update(maximum=max(len(scores) - 1, 1), value=desk.cursor),
        results.about: about(scores),
        results.files: None,
        results.video: gr.update(value=None, visible=False),
        **sound.shown(desk, parts),
        parts.steps.sound: sound.note(sound.situation(desk)) + stand_in(scores, "audio"),
        **drawn(desk, parts),
    }


def drawn(desk: Desk, parts: Parts) -> Update:
    """The figures of the current options."""
    results = parts.results
    return {
        results.lanes: strips_of_classes(desk),
        results.strips: strips_of_scores(desk),
        results.scored: scoring.scored(desk),
        **at_cursor(desk, parts),
    }


def at_cursor(desk: Desk, parts: Parts) -> Update:
    """The frame that is looked at, and the numbers there."""
    return {parts.results.moment: moment(desk), parts.results.reading: reading(desk)}


def person(desk: Desk, number: int) -> str:
    """A person's name for the screen, with the time in which they are seen."""
    scores = desk.people[number]
    seen = scores.times[placed(scores)]
    if not len(seen):
        return f"Person {number + 1}"
    return f"Person {number + 1}, {seconds(float(seen[0]))} to {seconds(float(seen[-1]))}"


def moment(desk: Desk) -> str:
    """The frame with box and label, beside the probabilities of all classes."""
    timeline, scores, n = desk.decided(), desk.scores(), desk.cursor
    final, branch = int(timeline.final[n]), int(timeline.branch[n])
    words = plots.headline(
        final,
        float(timeline.probabilities[n, max(final, 0)]),
        branch if scores.mlp is not None else -1,
        not placed(scores)[n],
        float(scores.times[n]),
    )
    bars = plots.class_bars(timeline.probabilities[n], final)
    return (
        f'{height_of(timeline)}<section class="facet-moment"><div class="picture">{picture(desk)}</div>'
        f'<div class="words" aria-live="polite">{words}{bars}</div></section>'
    )


def height_of(timeline: Timeline) -> str:
    """One sentence on the whole clip: what the face shows where it is least neutral."""
    from core.abaw.summary import clip_expression

    found = clip_expression(timeline)
    if found.label < 0:
        return ""
    name, mean = EXPRESSIONS[found.label], found.probabilities[found.label]
    return (
        f'<p class="facet-height">At its height this face shows <b>{name}</b> ({mean:.2f} on average over '
        f"the {found.frames} frames that are least neutral).</p>"
    )


def picture(desk: Desk) -> str:
    """The frame as an inline picture, so that nothing of it is written to the disk."""
    from core.media.video_still import still

    scores, timeline, n = desk.scores(), desk.decided(), desk.cursor
    time = float(scores.times[n])
    assert desk.path is not None
    try:
        pixels = still(desk.path, time)
    except UserError as problem:
        return f'<div class="facet-note">{html.escape(problem.message)}</div>'
    label = overlay.label(timeline, n)
    there = placed(scores)[n]
    for number, other in desk.people.items():
        if number != desk.track and placed(other)[n]:
            pixels = overlay.outlined(pixels, other.boxes[n], f"Person {number + 1}")
    if there:
        pixels = overlay.drawn(pixels, scores.boxes[n], label)
    address = inlined(preview(pixels, FRAME_SIDE), "jpeg", 82)
    words = f"The frame at {seconds(time)}" + (f", face marked {label}" if there else ", no face")
    return f'<img alt="{html.escape(words)}" src="{address}">'


def strips_of_classes(desk: Desk) -> str:
    """Raw, smoothed and final expressions, who decided, and the controls beside them."""
    timeline, scores = desk.decided(), desk.scores()
    controls = desk.controls()
    mark = scoring.marks(desk, controls)
    rows = [
        Lane("Raw", timeline.raw),
        Lane("Smoothed", timeline.smoothed),
        Lane("Final", timeline.final, mark.get("final", ""), kind="main"),
        Lane("Decided by", timeline.branch.astype(np.int64), looks=BRANCH_LOOKS, kind="branch"),
    ]
    there = placed(scores)
    if not there.all():
        rows.append(Lane("Face seen", there.astype(np.int64), looks=SEEN_LOOKS, kind="branch"))
    if (labels := scoring.expressions(desk)) is not None:
        rows.insert(0, Lane("Your labels", labels, kind="main"))
    for name, control in controls.items():
        rows.append(Lane(f"Control: {name}", control.final, mark.get(name, ""), kind="control"))
    missing = "" if scores.mlp is not None else f" {NO_HEAD['mlp']}"
    figure = lanes(rows, scores.times, "Expression over time", LANES + missing)
    return figure + legend([*EXPRESSION_LOOKS, *BRANCH_LOOKS]) + stand_in(scores, "mlp")


def reading(desk: Desk) -> str:
    """Valence and arousal, and the action units, at the cursor; or what is needed to have them."""
    timeline, scores, n = desk.decided(), desk.scores(), desk.cursor
    left = absent("valence_arousal") if timeline.valence_arousal is None else ""
    if timeline.valence_arousal is not None:
        left = stand_in(scores, "valence_arousal") + plots.plane(timeline.valence_arousal, scores.times, n)
    right = absent("units")
    if timeline.units is not None:
        right = stand_in(scores, "units") + plots.unit_bars(timeline.units[n], desk.options.unit_thresholds)
    return (
        f'<section class="facet-reading"><div><h4>Valence and arousal</h4>{left}</div>'
        f"<div><h4>Action units here</h4>{right}</div></section>"
    )


def strips_of_scores(desk: Desk) -> str:
    """Action units and violence over time, or what is needed to have them."""
    scores, timeline = desk.scores(), desk.decided()
    parts = []
    if timeline.units is not None and timeline.active is not None:
        parts.append(plots.unit_strips(timeline.units, timeline.active, scores.times, UNITS))
    else:
        parts.append(absent("units"))
    if timeline.violence is not None:
        caption = "The dashed line is the threshold."
        limit = desk.options.violence_threshold
        parts.append(plots.curve(timeline.violence, scores.times, limit, "Violence", caption, "threshold"))
    else:
        parts.append(absent("violence"))
    return "".join(parts)


def stand_in(scores: ClipScores, head: str) -> str:
    """The sentence on what a head was really trained on, when it stands in for the paper's; else nothing."""
    for name in NAMES.get(head, (head,)):
        if name in scores.stand_ins:
            sentence = html.escape(scores.stand_ins[name])
            return f'<div class="facet-note stand-in"><b>Stand-in.</b> {sentence}</div>'
    return ""


def absent(head: str) -> str:
    """What is said in the place of a head that is not here, with the command that trains it."""
    return (
        f'<div class="facet-panel advice" data-head="{head}">{html.escape(NO_HEAD[head])} '
        f"<code>{html.escape(TRAIN[head])}</code></div>"
    )


def about(scores: ClipScores) -> str:
    """Which encoder read the faces, and what it cannot know."""
    encoder = f"Faces were read by “{html.escape(scores.encoder)}”. " if scores.encoder else ""
    return f'<div class="facet-panel advice" role="note">{encoder}{CONTEMPT}</div>'


def table(desk: Desk) -> list[Mapping[str, Any]]:
    """One row a frame as plain values, for CSV and JSON."""
    from core.abaw.classes import ACTION_UNITS, DIMENSIONS

    timeline, scores = desk.decided(), desk.scores()

    def named(n: int) -> str:
        return EXPRESSIONS[n] if n >= 0 else ""

    rows, there = [], placed(scores)
    for n in range(len(scores)):
        row: dict[str, Any] = {
            "frame": n,
            "time": round(float(scores.times[n]), 4),
            "face": int(there[n]),
            "measured": int(scores.seen[n]),
            "raw": named(int(timeline.raw[n])),
            "smoothed": named(int(timeline.smoothed[n])),
            "final": named(int(timeline.final[n])),
            "branch": {0: "pretrained", 1: "head"}.get(int(timeline.branch[n]), ""),
        }
        row |= {f"p_{x}": round(float(timeline.probabilities[n, i]), 4) for i, x in enumerate(EXPRESSIONS)}
        if timeline.valence_arousal is not None:
            row |= {x: _number(timeline.valence_arousal[n, i]) for i, x in enumerate(DIMENSIONS)}
        if timeline.units is not None:
            row |= {x: _number(timeline.units[n, i]) for i, x in enumerate(ACTION_UNITS)}
        if timeline.violence is not None:
            row["violence"] = _number(timeline.violence[n])
        rows.append(row)
    return rows


def _number(value: Any) -> float | str:
    return "" if np.isnan(value) else round(float(value), 4)
