"""Photos come in: examples, uploads, more photos, and whose face it is."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gradio as gr

from core.errors import UserError
from core.types import Notice
from demos.base import Update, guarded, notices_panel, path_of
from demos.camouflage import examples, showing
from demos.camouflage.bench import SLUG, Bench, Shot, take
from demos.camouflage.parts import EMPTY, Parts
from demos.camouflage.words import MORE_LABEL, NOT_YET
from demos.pictures import numbered, portrait, preview
from demos.services import LIGHT, Services
from demos.sessions import Session

SHARED = {**LIGHT, "api_visibility": "undocumented"}


def blank(parts: Parts) -> dict[Any, Any]:
    """What the tab shows when it knows nothing of the visitor."""
    inputs = parts.inputs
    return {
        inputs.photo: None,
        inputs.advice: "",
        inputs.person: gr.update(choices=[], value=None, visible=False),
        inputs.more: None,
        inputs.more_box: gr.update(label=MORE_LABEL),
        inputs.shots: gr.update(value=None, visible=False),
        **no_result(parts),
    }


def no_result(parts: Parts) -> dict[Any, Any]:
    """The result's side without a result."""
    results = parts.results
    return {
        parts.ready: None,
        parts.ready_note: "",
        results.notice: "",
        results.working: "",
        results.slider: None,
        results.verdict: EMPTY,
        results.bars: "",
        results.chart: "",
        results.chart_box: gr.update(visible=False),
        results.transfer: NOT_YET,
        results.regions_box: gr.update(open=False),  # it is filled when it is opened
        results.regions: None,
        results.legend: "",
        results.files_box: gr.update(open=False),
        results.files: None,
    }


def shown(session: Session, bench: Bench, parts: Parts) -> Update:
    """The inputs' side for the photos that are on the bench."""
    from core.media import images

    if not bench.shots:
        return blank(parts)
    main, inputs = bench.main(), parts.inputs
    picture = preview(main.image.pixels)
    several = len(main.faces) > 1
    if several:
        picture = preview(numbered(main.image.pixels, main.faces, main.chosen))
    thumbs = [
        (session.write("photo.webp", images.save(portrait(shot.image.pixels, shot.face), "webp")), role)
        for shot, role in _roles(bench)
    ]
    notices: Sequence[Notice] = [notice for shot in bench.shots for notice in shot.advice]
    return {
        inputs.photo: session.write("photo.webp", images.save(picture, "webp", quality=88), slot="photo"),
        inputs.advice: notices_panel(notices),
        inputs.person: gr.update(
            choices=[(f"Person {index + 1}", index) for index in range(len(main.faces))],
            value=main.chosen,
            visible=several,
        ),
        inputs.shots: gr.update(value=thumbs if len(thumbs) > 1 else None, visible=len(thumbs) > 1),
        inputs.more: None,
        inputs.more_box: gr.update(label=in_use(bench)),
    }


def in_use(bench: Bench) -> str:
    """How many photos of the person there are and what they are for; an invitation when it is one."""
    search, test = (len(part) for part in bench.split())
    if search + test == 1:
        return MORE_LABEL
    told = f"{search + test} photos in use"
    return f"{told}: {search} to search on, {test} to test" if test else f"{told}, all to search on"


def _roles(bench: Bench) -> list[tuple[Shot, str]]:
    _, test = bench.split()
    return [(shot, "only tests" if shot in test else "searched") for shot in bench.shots]


def wire(services: Services, parts: Parts) -> None:
    """Let photos come in."""
    inputs, notice = parts.inputs, parts.results.notice
    everything = list(blank(parts))

    def started(session: Session, shots: Sequence[Shot]) -> Update:
        bench = session.room(SLUG, Bench)
        with session.lock:
            bench.start(shots)
        return {**no_result(parts), **shown(session, bench, parts)}

    @guarded(notice)
    def choose_photo(upload: Mapping[str, Any] | None, request: gr.Request) -> Iterator[Update]:
        """Start with a photo; the face that is largest is taken first."""
        session = services.session(request)
        try:
            with session.room(SLUG, Bench).arriving:
                image = services.photo(session, path_of(upload))
                update = started(session, take([("your photo", image)]))
            yield update
        except UserError:
            yield shown(session, session.room(SLUG, Bench), parts)  # what was there before is still there
            raise

    @guarded(notice)
    def choose_example(request: gr.Request, event: gr.SelectData) -> Update:
        """Start with a synthetic person."""
        from core.media import images

        paths = list(examples.people().values())[event.index]
        session = services.session(request)
        with session.room(SLUG, Bench).arriving:
            shots = take([(path.stem, images.load(path)) for path in paths])
            return started(session, shots)

    @guarded(notice)
    def add_photos(uploads: Sequence[Mapping[str, Any]] | None, request: gr.Request) -> Iterator[Update]:
        """Add more photos of the same person; what cannot be used is told, the others are taken."""
        session = services.session(request)
        bench = session.room(SLUG, Bench)
        bench.main()
        refused: UserError | None = None
        for number, upload in enumerate(uploads or (), 1):
            try:
                shots = take([(f"photo {number}", services.photo(session, path_of(upload)))])
                with session.lock:
                    bench.add(shots)
            except UserError as problem:
                refused = problem
        yield shown(session, bench, parts)
        if refused is not None:
            raise refused

    @guarded(notice)
    def choose_person(index: int | None, request: gr.Request) -> Update:
        """Say who of several people it is about."""
        session = services.session(request)
        bench = session.room(SLUG, Bench)
        if index is None or index == bench.main().chosen:
            return {}
        with session.lock:
            bench.choose(int(index))
        return {**no_result(parts), **shown(session, bench, parts)}

    @guarded(notice)
    def show_regions(request: gr.Request) -> Update:
        """Draw the regions of the shown face."""
        session = services.session(request)
        bench = session.room(SLUG, Bench)
        return showing.regions(session, bench.main(), parts) if bench.shots else {}

    @guarded(notice)
    def clear(request: gr.Request) -> Update:
        """Take the photo off the bench."""
        session = services.session(request)
        with session.lock:
            session.room(SLUG, Bench).start(())
        return blank(parts)

    settings: dict[str, Any] = {
        "outputs": everything,
        "show_progress": "minimal",
        "show_progress_on": inputs.photo,
        **SHARED,
    }
    inputs.photo.input(choose_photo, inputs.photo, preprocess=False, **settings)
    inputs.photo.clear(clear, **settings)
    inputs.examples.select(choose_example, **settings)
    inputs.more.upload(add_photos, inputs.more, preprocess=False, **settings)
    inputs.person.input(choose_person, inputs.person, **settings)
    results = parts.results
    drawn = {"outputs": [notice, results.regions, results.legend], "show_progress_on": results.regions}
    results.regions_box.expand(show_regions, **{**settings, **drawn})
