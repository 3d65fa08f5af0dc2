"""Analyse the clip: fetch what is needed, find, follow and read the faces once."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from core import weights
from core.errors import Code, UserError
from core.types import Progress
from demos.abaw import showing
from demos.abaw.desk import SLUG, Desk
from demos.abaw.parts import Parts
from demos.abaw.readers import ENCODER, needed
from demos.abaw.words import TO_RESULT
from demos.base import Update, guarded, paced
from demos.models import bar, missing
from demos.services import FETCH, HEAVY, Services

if TYPE_CHECKING:
    from core.abaw.analyse import Analysis


def job(
    path: Path, encoder: str = ENCODER, cancelled: Callable[[], bool] = lambda: False
) -> "Iterator[Progress | Analysis]":
    """The networks' pass over a clip; tests put another one in its place.

    Args:
        path: the clip.
        encoder: name of the expression encoder.
        cancelled: asked now and then; what was read until then is the result.
    """
    from core.abaw import models
    from core.abaw.analyse import analyse

    yield Progress(0.0, "Loading the networks")
    yield from analyse(path, models.load(encoder), cancelled=cancelled)


def wire(services: Services, parts: Parts) -> list[Any]:
    """Wire the analysis; returns the events that "Forget my images" must stop."""
    inputs, results, panel = parts.inputs, parts.results, parts.models

    def idle() -> Update:
        return {inputs.stop: gr.update(visible=False), results.working: ""}

    def desk_of(request: gr.Request) -> Desk:
        return services.session(request).room(SLUG, Desk)

    @guarded(results.notice)
    def fetch_for_clip(encoder: str | None, request: gr.Request) -> Iterator[Update]:
        desk = desk_of(request)
        with desk.arriving:
            desk.source()
        if desk.busy:
            raise UserError(Code.BUSY, "A clip of yours is being analysed.", "Wait for it, or stop it first.")
        desk.stop.clear()
        desk.wanted = True
        yield {inputs.stop: gr.update(visible=True), results.working: bar(0, "Starting")}
        try:
            for event in paced(weights.fetch(missing(needed(encoder or ENCODER)))):
                yield {results.working: bar(event.done, event.message)}
        except UserError as problem:  # the analysis says itself what it cannot do without
            gr.Warning(f"{problem.message} {problem.hint}", title="")
        yield {results.working: bar(0, "Waiting for its turn: one clip at a time"), **panel.refreshed()}

    @guarded(results.notice, idle, follows=True)
    def analyse_clip(encoder: str | None, request: gr.Request) -> Iterator[Update]:
        session, desk = services.session(request), desk_of(request)
        with desk.turn() as asked:
            if not asked:
                return
            stop, path = desk.stop, desk.source()
            final: Analysis | None = None
            for event in paced(job(path, encoder or ENCODER, stop.is_set), 0.4):
                if isinstance(event, Progress):
                    yield {results.working: bar(event.done, event.message)}
                else:
                    final = event
        yield idle()
        if final is None or path != desk.path:
            return  # another clip was chosen meanwhile
        with session.lock:
            desk.found(final)
        yield showing.analysed(desk, parts)

    def stop_analysis(request: gr.Request) -> None:
        desk = desk_of(request)
        desk.wanted = False
        desk.stop.set()

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    shown = [
        inputs.stop, results.working, results.empty, results.figures, results.people, results.cursor,
        results.about, results.files, results.video, *results.drawn, *parts.steps.hearing,
    ]  # fmt: skip
    fetching = [inputs.stop, results.notice, results.working, *panel.outputs]
    first = inputs.start.click(fetch_for_clip, inputs.encoder, outputs=fetching, **FETCH, **quiet)
    first.then(None, js=TO_RESULT, api_visibility="private")
    second = first.then(analyse_clip, inputs.encoder, outputs=shown, **HEAVY, **quiet)
    inputs.stop.click(stop_analysis, queue=False, **quiet)
    return [first, second]
