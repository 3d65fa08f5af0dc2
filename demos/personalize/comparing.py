"""Other methods on the same frames, as a table and a curve."""

import gradio as gr
import numpy as np

from demos.base import Update
from demos.personalize import film, plots, running, showing
from demos.personalize.desk import Desk
from demos.personalize.parts import Parts
from demos.personalize.rows import PeerRow
from demos.personalize.words import NO_TIP, PEERS


def compared(desk: Desk, parts: Parts) -> Update:
    """The other methods as a table and a curve."""
    results, made = parts.results, desk.person.run
    if made is None:
        return {results.peers: "", results.curve: "", results.label: gr.update(choices=[], value=None)}
    found = running.compare(desk, desk.person)
    truths = [desk.task.number(showing.known(desk, piece)) for piece in made.pieces]
    ends = np.array(made.replay.starts[1:]) - 1
    base = next(one for one in found if one.name == running.ZERO).running.argmax(1)
    rows = [
        PeerRow(
            one.name,
            tuple(one.running[ends].argmax(1).tolist()),
            float((one.running.argmax(1) == base).mean()),
            one.milliseconds,
            one.memory,
        )
        for one in found
    ]
    known = truths if any(truth is not None for truth in truths) else None
    tip = any(one.name == "Tip-Adapter" for one in found)
    words = PEERS if tip else f"{PEERS} {NO_TIP}"
    names = desk.task.names
    label = desk.person.label if desk.person.label in names else names[rows[0].answers[0]]
    return {
        results.peers: plots.peers(rows, names, known) + f'<div class="facet-note">{words}</div>',
        results.label: gr.update(choices=list(names), value=label),
        results.curve: curve(desk, label),
    }


def curve(desk: Desk, label: str) -> str:
    """How probable each method finds a class, frame by frame."""
    made = desk.result()
    number = desk.task.number(label) or 0
    lines = {one.name: one.running[:, number] for one in running.compare(desk, desk.person)}
    return film.curve(lines, made.replay.starts, desk.person.at, desk.task.names[number])


def everything(desk: Desk, parts: Parts) -> Update:
    """Run and comparison."""
    return {**showing.drawn(desk, parts), **compared(desk, parts)}
