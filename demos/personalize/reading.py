"""Read the clips: fetch what is needed, then find and describe the faces of each clip once."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from core import weights
from core.errors import Code, UserError
from core.types import Progress
from demos.base import Update, guarded, paced
from demos.models import bar, missing
from demos.personalize import comparing, readers, running, showing
from demos.personalize.desk import SLUG, Desk, Person, Piece
from demos.personalize.parts import Parts
from demos.personalize.words import TO_RESULT
from demos.services import FETCH, HEAVY, Services

if TYPE_CHECKING:
    from core.personalize.types import Watched


def job(
    piece: Piece, model: str, cancelled: Callable[[], bool] = lambda: False
) -> "Iterator[Progress | Watched]":
    """The networks' pass over a clip or a row of photos; tests put another one in its place.

    Args:
        piece: clip or photos.
        model: name of the image-text model.
        cancelled: asked now and then; what was read until then is the result.
    """
    from core.personalize.watch import photos, watch

    yield Progress(0.0, "Loading the networks")
    loaded = readers.load(model)
    if piece.photos:
        yield from photos(piece.photos, loaded, piece.name)
    else:
        assert piece.path is not None
        yield from watch(piece.path, loaded, cancelled=cancelled)


def read(
    person: Person, model: str, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[Progress | Piece]:
    """Read those clips of a person that this model did not see yet.

    A clip without a face does not spoil the others: its trouble stands beside it.

    Yields:
        Progress over all clips, and each clip when it was read.
    """
    waiting = [piece for piece in person.pieces if model not in piece.seen]
    for number, piece in enumerate(waiting):
        if cancelled():
            return
        if piece not in person.pieces:
            continue  # taken away meanwhile
        piece.trouble = None
        try:
            for event in job(piece, model, cancelled):
                if isinstance(event, Progress):
                    done = (number + event.done) / len(waiting)
                    where = f"Clip {number + 1} of {len(waiting)}: " if len(waiting) > 1 else ""
                    yield Progress(done, f"{where}{event.message}", event.data)
                elif len(event):
                    piece.seen[model] = event
        except UserError as problem:
            piece.trouble = problem
        yield piece


def wire(services: Services, parts: Parts) -> list[Any]:
    """Wire the reading; returns the events that "Forget my images" must stop."""
    inputs, results, panel = parts.inputs, parts.results, parts.models

    def idle() -> Update:
        return {inputs.stop: gr.update(visible=False), results.working: ""}

    def desk_of(request: gr.Request) -> Desk:
        return services.session(request).room(SLUG, Desk)

    @guarded(inputs.notice)
    def fetch_for_person(model: str, request: gr.Request) -> Iterator[Update]:
        desk = desk_of(request)
        with desk.arriving:
            desk.source()
        if desk.busy:
            raise UserError(Code.BUSY, "Clips of yours are being read.", "Wait for it, or stop it first.")
        if model not in readers.PARTS:
            raise UserError(Code.OPTION_RANGE, "There is no such model.", "Choose one of those listed.")
        desk.stop.clear()
        desk.wanted = True
        yield {inputs.stop: gr.update(visible=True), results.working: bar(0, "Starting")}
        try:
            for event in paced(weights.fetch(missing(readers.needed(model)))):
                yield {results.working: bar(event.done, event.message)}
        except UserError as problem:  # the reading says itself what it cannot do without
            gr.Warning(f"{problem.message} {problem.hint}", title="")
        yield {results.working: bar(0, "Waiting for its turn: one clip at a time"), **panel.refreshed()}

    @guarded(inputs.notice, idle, follows=True)
    def read_clips(model: str, request: gr.Request) -> Iterator[Update]:
        session, desk = services.session(request), desk_of(request)
        with desk.turn() as asked:
            if not asked:
                return
            stop, person = desk.stop, desk.source()
            for event in paced(read(person, model, stop.is_set), 0.4):
                if isinstance(event, Progress):
                    yield {results.working: bar(event.done, event.message)}
        yield idle()
        if desk.people.get(person.name) is not person:
            return  # forgotten meanwhile
        if not person.read(model):
            yield showing.clips(desk, parts)
            raise nothing_read(person)
        with session.lock:
            person.model = model
            if desk.person is person:
                running.rerun(desk)
        if desk.person is person:
            yield {**showing.clips(desk, parts), **showing.drawn(desk, parts)}
            yield comparing.compared(desk, parts)

    def stop_reading(request: gr.Request) -> None:
        desk = desk_of(request)
        desk.wanted = False
        desk.stop.set()

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    listed = [inputs.clips, inputs.row, inputs.which, *parts.asked.truths]
    outputs = [
        inputs.stop, results.working, inputs.notice, parts.asked.poisoned, parts.asked.heal, *listed,
        *results.drawn,
    ]  # fmt: skip
    fetching = [inputs.stop, inputs.notice, results.working, *panel.outputs]
    first = inputs.start.click(fetch_for_person, inputs.model, outputs=fetching, **FETCH, **quiet)
    first.then(None, js=TO_RESULT, api_visibility="private")
    second = first.then(read_clips, inputs.model, outputs=outputs, **HEAVY, **quiet)
    inputs.stop.click(stop_reading, queue=False, **quiet)
    return [first, second]


def nothing_read(person: Person) -> UserError:
    """Why no clip of a person could be read."""
    for piece in person.pieces:
        if piece.trouble is not None:
            return piece.trouble
    return UserError(
        Code.NO_VIDEO, "Nothing was read before it was stopped.", "Press “Read the clips” once more."
    )
