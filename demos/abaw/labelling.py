"""The visitor's own labels come in and go."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from core.errors import Code, UserError
from demos.abaw import showing
from demos.abaw.desk import SLUG, Desk
from demos.abaw.parts import Parts
from demos.base import Update, guarded, path_of
from demos.services import LIGHT, Services
from demos.sessions import discard

MAX_BYTES = 4_000_000


def wire(services: Services, parts: Parts) -> None:
    """Let labels come in and go."""
    results = parts.results

    @guarded(results.notice, lambda: {results.labels: None})
    def add_labels(upload: Mapping[str, Any] | None, request: gr.Request) -> Update:
        """Score the timeline against a file of labels in the layout of AffWild2."""
        from core.datasets.frame_labels import parse

        session = services.session(request)
        desk = session.room(SLUG, Desk)
        path = path_of(upload)
        text = _text(path)
        frames = len(desk.scores())
        desk.labels = parse(text, str((upload or {}).get("orig_name") or "labels.txt")).fit(frames)
        return showing.drawn(desk, parts)

    @guarded(results.notice)
    def drop_labels(request: gr.Request) -> Update:
        """Take the labels away."""
        desk = services.session(request).room(SLUG, Desk)
        desk.labels = None
        return showing.drawn(desk, parts) if desk.people else {}

    shared: dict[str, Any] = {
        **LIGHT,
        "outputs": [results.labels, *results.drawn],
        "show_progress": "hidden",
        "api_visibility": "private",
    }
    results.labels.upload(add_labels, results.labels, preprocess=False, **shared)
    results.labels.clear(drop_labels, **shared)


def _text(upload: str | None) -> str:
    """The content of an uploaded file of labels, which is deleted."""
    if not upload:
        raise UserError(Code.LABELS_INVALID, "There is no file of labels yet.", "Choose a text file.")
    path = Path(upload)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise UserError(
                Code.FILE_TOO_LARGE, "This file of labels is too large.", "One line a frame is enough."
            )
        return data.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise UserError(
            Code.LABELS_INVALID, "This is no text file.", "Use a .txt file in the layout of AffWild2."
        ) from None
    finally:
        discard(path)
