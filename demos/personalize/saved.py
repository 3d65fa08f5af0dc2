"""A person's cache comes in as a file, and goes again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from core.errors import Code, UserError
from demos.base import Update, guarded, path_of
from demos.personalize import comparing, readers, running
from demos.personalize.desk import SLUG, Desk, Saved
from demos.personalize.parts import Parts
from demos.personalize.stepping import QUIET, redrawn
from demos.services import Services
from demos.sessions import discard

MAX_BYTES = 8_000_000


def content(upload: str | None) -> bytes:
    """The bytes of an uploaded cache, which is deleted.

    Raises:
        UserError: there is no such file, or it is larger than any cache.
    """
    if not upload or not Path(upload).is_file():
        raise UserError(Code.FILE_UNREADABLE, "There is no saved cache yet.", "Choose a .safetensors file.")
    path = Path(upload)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    finally:
        discard(path)
    if len(data) > MAX_BYTES:
        raise UserError(
            Code.FILE_TOO_LARGE,
            "This file is larger than any cache.",
            "Choose a file that was exported here.",
        )
    return data


def take(desk: Desk, data: bytes) -> None:
    """Start the person from a saved cache.

    Raises:
        UserError: nothing was read yet, caches do not outlive a clip, or the file does not fit; then
            nothing is changed.
    """
    from core.personalize.files import load_person
    from core.personalize.online import Session

    made, person = desk.result(), desk.person
    if desk.options.scope == "video":
        raise UserError(
            Code.OPTION_RANGE,
            "Caches are emptied when a clip begins, so a saved one would be gone at once.",
            "Choose another variant, or let caches live as long as one subject under “More settings”.",
        )
    trial = Session(made.text, made.scale, desk.options)
    load_person(data, trial, desk.task.classes, readers.identity(desk.model))
    person.saved = Saved(data, desk.task.classes, desk.model)
    running.rerun(desk)


def wire(services: Services, parts: Parts) -> None:
    """Let a saved cache come and go."""
    results, notice = parts.results, parts.inputs.notice

    @guarded(notice, lambda: {results.bring: None})
    def bring_cache(upload: Mapping[str, Any] | None, request: gr.Request) -> Update:
        """Start this person from a cache that was exported here."""
        session = services.session(request)
        desk = session.room(SLUG, Desk)
        data = content(path_of(upload))
        with session.lock:
            take(desk, data)
        return {results.bring: None, **comparing.everything(desk, parts)}

    @guarded(notice)
    def unload_cache(request: gr.Request) -> Update:
        session = services.session(request)
        desk = session.room(SLUG, Desk)
        with session.lock:
            desk.person.saved = None
            running.rerun(desk)
        return comparing.everything(desk, parts)

    outputs = [results.bring, *redrawn(parts)]
    undocumented = {**QUIET, "api_visibility": "undocumented"}
    results.bring.upload(bring_cache, results.bring, outputs, preprocess=False, **undocumented)
    results.unload.click(unload_cache, outputs=outputs, **QUIET)
