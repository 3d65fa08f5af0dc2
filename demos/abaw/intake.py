"""Clips come in: examples, uploads, recordings; and which of several people it is about."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from core.errors import UserError
from core.types import Clip
from demos.abaw import examples, showing, sound
from demos.abaw.desk import SLUG, Desk
from demos.abaw.looks import seconds
from demos.abaw.parts import Parts
from demos.base import Update, guarded, notices_panel, path_of
from demos.services import LIGHT, Services
from demos.sessions import Session

SHARED = {**LIGHT, "api_visibility": "undocumented"}


def blank(parts: Parts) -> dict[Any, Any]:
    """What the tab shows when it knows nothing of the visitor."""
    camera = {parts.live.camera: None, parts.live.notice: "", parts.live.result: ""}
    return {parts.inputs.video: None, parts.inputs.advice: "", **camera, **no_result(parts)}


def no_result(parts: Parts) -> dict[Any, Any]:
    """The result's side without a result."""
    results = parts.results
    return {
        results.notice: "",
        results.working: "",
        results.empty: gr.update(visible=True),
        results.figures: gr.update(visible=False),
        results.people: gr.update(choices=[], value=None, visible=False),
        results.moment: "",
        results.cursor: gr.update(value=0),
        results.lanes: "",
        results.reading: "",
        results.strips: "",
        results.about: "",
        results.labels: None,
        results.scored: "",
        results.files_box: gr.update(open=False),
        results.files: None,
        results.making: "",
        results.video: gr.update(value=None, visible=False),
        **sound.shown(None, parts),
    }


def told(clip: Clip) -> str:
    """What a clip's header says, in one sentence, with what was dropped."""
    rate = f", {clip.fps:.4g} frames a second" if clip.fps else ""
    length = f", {seconds(clip.duration)}" if clip.duration else ""
    sound = "with sound" if clip.has_audio else "without sound"
    words = f"{clip.width} × {clip.height} pixels{length}{rate}, {sound}."
    return f'<div class="facet-note">{words}</div>{notices_panel(clip.notices)}'


def started(session: Session, desk: Desk, path: Path, clip: Clip, name: str, parts: Parts) -> Update:
    """A new clip lies on the desk."""
    with session.lock:
        desk.start(path, clip, name)
    return {**no_result(parts), parts.inputs.advice: told(clip)}


def wire(services: Services, parts: Parts) -> None:
    """Let clips come in."""
    inputs, results = parts.inputs, parts.results

    @guarded(results.notice)
    def choose_clip(upload: Mapping[str, Any] | None, request: gr.Request) -> Iterator[Update]:
        """Start with an uploaded or recorded clip."""
        session = services.session(request)
        desk = session.room(SLUG, Desk)
        try:
            with desk.arriving:
                path, clip = services.clip(session, path_of(upload))
                update = started(session, desk, path, clip, "clip", parts)
            yield update
        except UserError:
            desk.shown = False
            yield {inputs.video: None, inputs.advice: ""}
            raise

    @guarded(results.notice)
    def choose_example_clip(request: gr.Request, event: gr.SelectData) -> Update:
        """Start with a synthetic clip."""
        from core.media import video

        session = services.session(request)
        desk = session.room(SLUG, Desk)
        path = examples.clips()[event.index]
        with desk.arriving:
            update = started(session, desk, path, video.probe(path), path.stem, parts)
        return {inputs.video: str(path), **update}

    @guarded(results.notice)
    def choose_track(number: int | None, request: gr.Request) -> Update:
        """Look at another of the people in the clip."""
        session = services.session(request)
        desk = session.room(SLUG, Desk)
        if number is None or not desk.people or number == desk.track:
            return {}
        with session.lock:
            desk.look(int(number))
        return {**showing.analysed(desk, parts), results.labels: None, results.scored: ""}

    @guarded(results.notice)
    def clear_clip(request: gr.Request) -> Update:
        """Empty the player; what was read of the clip stays until another one is accepted."""
        services.session(request).room(SLUG, Desk).shown = False
        return {inputs.advice: ""}

    settings: dict[str, Any] = {
        "outputs": list(blank(parts)),
        "show_progress": "minimal",
        "show_progress_on": inputs.advice,
        **SHARED,
    }
    inputs.video.upload(choose_clip, inputs.video, preprocess=False, **settings)
    inputs.video.stop_recording(choose_clip, inputs.video, preprocess=False, **settings)
    inputs.video.clear(clear_clip, **settings)
    inputs.examples.select(choose_example_clip, **settings)
    results.people.input(choose_track, results.people, **settings)
