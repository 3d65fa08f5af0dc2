"""Numbers of one frame, and of all frames so far, as bars and tables."""

import html
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from core.personalize.types import PARTS, Gate, Step
from core.personalize.vectors import softmax
from core.types import FloatArray
from demos.personalize.looks import counted, kilobytes, looks_of
from demos.personalize.rows import PeerRow
from demos.strips import Look

if TYPE_CHECKING:
    from core.personalize.replay import Replay

ROLES: Final = {
    "target": "the face itself",
    "source": "other people",
    "positive": "own sure frames",
    "negative": "own doubtful frames",
}
"""What each part of the fusion is, in plain words."""
GATES: Final = (("temporal", "steady"), ("confident", "sure"), ("prototype", "confirmed"))
"""Field of a step and its plain word."""


def before_after(step: Step, running_row: FloatArray, names: Sequence[str]) -> str:
    """Probability of every class without and with the caches, and what the clip shows so far.

    Args:
        step: the frame that is looked at.
        running_row: K mean logits of the clip up to it.
        names: K names of the classes.
    """
    clip = int(running_row.argmax())
    rows = "".join(
        _pair(look, float(step.before[n]), float(step.after[n]), n == step.answer)
        for n, look in enumerate(looks_of(names))
    )
    first, then = html.escape(names[step.label]), html.escape(names[step.answer])
    moved = "" if step.label != step.answer else ", the same"
    return (
        '<section class="facet-pairs"><p>Zero-shot: '
        f'<b>{first}</b> <span class="value">{step.before[step.label]:.2f}</span>. Personal: <b>{then}</b> '
        f'<span class="value">{step.after[step.answer]:.2f}</span>{moved}.<br>The clip so far: '
        f'<b>{html.escape(names[clip])}</b> <span class="value">{softmax(running_row)[clip]:.2f}</span>, by '
        'the mean of its logits.</p><div class="facet-meter paired" role="group" aria-label="Probability of '
        f'each class, zero-shot and personal">{rows}</div><p class="small">Thin bar: zero-shot. Thick bar: '
        "after the fusion.</p></section>"
    )


def _pair(look: Look, old: float, new: float, chosen: bool) -> str:
    word = html.escape(look.word)
    return (
        f'<div class="row{" chosen" if chosen else ""}"><span class="word" title="{word}">{word}</span>'
        '<div class="pair" aria-hidden="true">'
        f'<div class="track"><i class="x-before" style="width:{100 * old:.1f}%"></i></div>'
        f'<div class="track"><i class="{look.style}" style="width:{100 * new:.1f}%"></i></div></div>'
        f'<span class="value">{old:.2f} → {new:.2f}</span></div>'
    )


def fusion(step: Step) -> str:
    """Signed weights and lengths of the four parts that make the answer."""
    most = max(*(abs(weight) for weight in step.weights), 1e-9)
    votes, rows = math.isnan(step.length), ""
    for part, weight, norm in zip(PARTS, step.weights, step.norms, strict=True):
        side = "minus" if weight < 0 else "plus"
        absent = "" if weight else " absent"
        told = "nothing there" if not norm else "not used" if not weight else f"{norm:.2f}"
        rows += (
            f'<tr class="{side}{absent}"><th scope="row">{ROLES[part]} <small>({part})</small></th>'
            f'<td class="weight"><span>{_signed(weight)}</span><div class="beam" aria-hidden="true">'
            f'<i style="width:{50 * abs(weight) / most:.1f}%"></i></div></td><td>{told}</td></tr>'
        )
    below = (
        "The face's logits and the votes of the others make the answer (logit level); lengths are theirs."
        if votes
        else f"The sum is {step.length:.3f} long before it is made a unit vector (embedding level)."
    )
    return (
        '<figure class="facet-fusion"><table><thead><tr><th scope="col">Part</th><th scope="col">Weight</th>'
        f'<th scope="col">Length</th></tr></thead><tbody>{rows}</tbody></table>'
        f"<figcaption>{below} A negative weight takes away.</figcaption></figure>"
    )


def _signed(weight: float) -> str:
    return f"{'−' if weight < 0 else '+'}{abs(weight):.2f}" if weight else "0"


def counters(replay: "Replay", at: int) -> str:
    """How many frames up to ``at`` passed each gate and were kept, and what it cost.

    Args:
        replay: the run.
        at: number of the frame that is looked at, itself counted.
    """
    steps = replay.steps[: at + 1]
    tiles = []
    for field, word in GATES:
        gates: list[Gate] = [getattr(step, field) for step in steps if getattr(step, field).asked]
        share = f"{sum(gate.passed for gate in gates) / len(gates):.0%}" if gates else "not asked"
        tiles.append((f"passed “{word}”", share))
    for cache, word in (("positive", "kept as sure"), ("negative", "kept as doubtful")):
        kept = sum(step.kept is not None and step.kept.cache == cache for step in steps)
        tiles.append((word, str(kept)))
    poisoned = np.flatnonzero(replay.poisoned[: at + 1])
    if len(poisoned):
        through = sum(steps[n].kept is not None for n in poisoned)
        tiles.append(("poisoned frames kept", f"{through} of {len(poisoned)}"))
    tiles += [
        ("CPU time a frame, without the encoder", f"{replay.milliseconds:.2f} ms"),
        ("memory of the person's caches", kilobytes(replay.memory)),
        ("memory of borrowed prototypes", kilobytes(replay.shelf_memory)),
    ]
    body = "".join(f"<div><dt>{word}</dt><dd>{value}</dd></div>" for word, value in tiles)
    first = counted(len(steps), "frame")
    return f'<p class="facet-so-far">Of the first {first}:</p><dl class="facet-counts">{body}</dl>'


def peers(rows: Sequence[PeerRow], names: Sequence[str], truth: Sequence[int | None] | None) -> str:
    """Every method on the same frames.

    Args:
        rows: the methods, the tab's own first.
        names: K names of the classes.
        truth: class of each clip as far as it is known, or None where nothing is.
    """
    known = [label for label in truth or () if label is not None]
    head = [
        "Method",
        "Answer of each clip",
        *(["Right"] if known else []),
        "Like zero-shot",
        "CPU a frame",
        "Memory",
    ]
    body = ""
    for row in rows:
        right = sum(a == b for a, b in zip(row.answers, truth or (), strict=False))
        cells = [
            html.escape(row.name),
            _answers(row.answers, names, truth),
            *([f"{right} of {len(known)}"] if known else []),
            f"{row.agreement:.0%}",
            f"{row.milliseconds:.2f} ms",
            kilobytes(row.memory),
        ]
        body += (
            "<tr>"
            + "".join(f'<td data-label="{name}">{cell}</td>' for name, cell in zip(head, cells, strict=True))
            + "</tr>"
        )
    top = "".join(f'<th scope="col">{name}</th>' for name in head)
    return (
        f'<div class="facet-scroll"><table class="facet-table facet-peers"><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _answers(answers: Sequence[int], names: Sequence[str], truth: Sequence[int | None] | None) -> str:
    looks, chips = looks_of(names), ""
    for number, answer in enumerate(answers):
        right = truth[number] if truth is not None and number < len(truth) else None
        mark = ""
        if right is not None:
            word, sign = ("right", "✓") if right == answer else ("wrong", "✕")
            mark = f' <em class="{word}" title="{word}">{sign}<span class="sr-only">{word}</span></em>'
        word = html.escape(looks[answer].word)
        chips += (
            f'<span class="clip"><small>{number + 1}</small> <i class="{looks[answer].style}"></i>'
            f"{word}{mark}</span>"
        )
    return f'<span class="answers">{chips}</span>'
