"""Scores of the method and its controls against the visitor's own labels."""

import html
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.abaw.types import Timeline
from core.datasets.frame_labels import Task
from core.errors import UserError
from demos.abaw.desk import Desk
from demos.figures import table

NOTE = "Measured on your labels with the settings as they are; what was tuned on the same clip flatters."


def expressions(desk: Desk) -> NDArray[np.int64] | None:
    """F labels of expression, -1 where there is none; None when the labels are of another kind."""
    if desk.labels is None or desk.labels.task is not Task.EXPRESSION:
        return None
    return np.asarray(desk.labels.values, np.int64)


def marks(desk: Desk, controls: Mapping[str, Timeline]) -> dict[str, str]:
    """The macro-F1 of the method and of each control, where there are labels of expression."""
    if expressions(desk) is None:
        return {}
    return {name: f"F1 {row['figure']:.2f}" for name, row in scores(desk, controls).items()}


def scores(desk: Desk, controls: Mapping[str, Timeline]) -> dict[str, dict[str, Any]]:
    """The challenge's figure and its parts for the method and, for expressions, each control.

    Raises:
        UserError: there is no head for these labels.
    """
    from core.abaw.evaluate import score

    if desk.labels is None:
        return {}
    rows = {"final": desk.decided()}
    if desk.labels.task is Task.EXPRESSION:
        rows |= controls
    found = {name: score(timeline, desk.labels) for name, timeline in rows.items()}
    return {
        name: {
            "figure": one.figure,
            "parts": one.parts,
            "accuracy": one.accuracy,
            "frames": one.frames,
            "undecided": one.undecided,
        }
        for name, one in found.items()
    }


def scored(desk: Desk) -> str:
    """The tables of scores; empty without labels."""
    from core.abaw.evaluate import FIGURES

    if desk.labels is None:
        return ""
    try:
        found = scores(desk, desk.controls())
    except UserError as problem:
        return f'<div class="facet-note">{html.escape(problem.message)} {html.escape(problem.hint)}</div>'
    what = FIGURES[desk.labels.task]
    rows = [(f"{what}, {name}", f"{row['figure']:.3f}") for name, row in found.items()]
    parts = [(name, f"{value:.3f}") for name, value in found["final"]["parts"].items()]
    frames, undecided = found["final"]["frames"], found["final"]["undecided"]
    over = f"Over {frames} labelled frames; {undecided} of them were left undecided."
    return (
        table(("Score", "Value"), rows)
        + table(("Part of the final score", "Value"), parts)
        + f'<div class="facet-note">{over} {NOTE}</div>'
    )
