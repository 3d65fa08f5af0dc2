"""Who, where and towards whom: photos, examples, targets, places."""

from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr

from core.errors import Code, UserError
from core.types import Image
from demos.base import Update, guarded, path_of
from demos.patches import people, readers, showing, words
from demos.patches.bench import AIM, SLUG, Aim, Bench, Probe, face_of, other_face, whole
from demos.patches.parts import Parts
from demos.services import LIGHT, Services
from demos.sessions import Session

SHARED = {**LIGHT, "api_visibility": "undocumented"}


def blank(parts: Parts) -> dict[Any, Any]:
    """What the tab shows when it knows nothing of the visitor."""
    inputs = parts.inputs
    return {
        inputs.notice: "",
        inputs.photo: gr.update(value=None, label=words.PHOTO),
        inputs.advice: "",
        inputs.person: gr.update(choices=[], value=None, visible=False),
        inputs.kind: "faces",
        inputs.note: f'<div class="facet-note">{words.SYNTHETIC}</div>',
        inputs.faces: gr.update(visible=True),
        inputs.walkers: gr.update(visible=False),
        inputs.mode: gr.update(value="evasion", visible=True),
        inputs.place: gr.update(choices=_places("faces"), value="glasses"),
        inputs.canvas: gr.update(value=None, visible=False),
        inputs.strokes: "",
        **no_aim(parts),
        **showing.blank(parts),
    }


def no_aim(parts: Parts) -> Update:
    """Without a target, and without its controls."""
    inputs = parts.inputs
    return {
        inputs.aim: gr.update(visible=False),
        inputs.aimed: "",
        inputs.second: None,
        inputs.consent: False,
    }


def _places(kind: str) -> list[tuple[str, str]]:
    return [(title, name) for name, title in words.PLACES[kind].items()]


def example(name: str) -> Probe:
    """A synthetic face as a probe."""
    from core.patches import safety

    return face_of(Image(safety.portrait(name)), name)


def walker(number: int) -> Probe:
    """A drawn pedestrian as a probe."""
    return whole(Image(people.walkers()[number]), people.walker(number))


def aim_at(name: str) -> Aim:
    """A synthetic face as a target."""
    from core.patches.session import pixels

    return Aim("synthetic", name, pixels(people.lent(name)[0]))


def second(image: Image) -> Aim:
    """A second photo as a target.

    Raises:
        UserError: ``NO_FACE``.
    """
    return Aim("photo", AIM, face_of(image).picture)


def wire(services: Services, parts: Parts) -> None:
    """Let people, targets and places come in."""
    inputs, notice = parts.inputs, parts.inputs.notice
    everything = list(blank(parts))

    def bench_of(request: gr.Request) -> Bench:
        return services.session(request).room(SLUG, Bench)

    def started(session: Session, one: Probe | None) -> Update:
        bench = session.room(SLUG, Bench)
        with session.lock:
            bench.start(one)
        gone = no_aim(parts) if bench.mode == "evasion" else {}
        return {
            **gone,
            inputs.mode: gr.update(value=bench.mode, visible=one is None or one.kind == "faces"),
            **showing.blank(parts),
            **showing.probe(session, bench, parts),
        }

    @guarded(notice)
    def choose_kind(kind: str, request: gr.Request) -> Update:
        """Faces or whole people: other examples, other places."""
        session = services.session(request)
        with session.lock:
            bench = session.room(SLUG, Bench)
            bench.start(None)
            bench.place = "glasses" if kind == "faces" else "shirt"
        face = kind == "faces"
        note = words.SYNTHETIC if face else words.DRAWN
        return {
            **blank(parts),
            inputs.kind: kind,
            inputs.photo: gr.update(value=None, label=words.PHOTO if face else words.WHOLE),
            inputs.note: f'<div class="facet-note">{note}</div>',
            inputs.faces: gr.update(visible=face),
            inputs.walkers: gr.update(visible=not face),
            inputs.mode: gr.update(value="evasion", visible=face),
            inputs.place: gr.update(choices=_places(kind), value=bench.place),
        }

    @guarded(notice)
    def choose_probe(upload: Mapping[str, Any] | None, kind: str, request: gr.Request) -> Iterator[Update]:
        """Begin with a photo; the largest face is taken first."""
        session = services.session(request)
        bench = session.room(SLUG, Bench)
        try:
            with bench.arriving:
                image = services.photo(session, path_of(upload))
                update = started(session, face_of(image) if kind == "faces" else whole(image))
            yield update
        except UserError:
            yield showing.probe(session, bench, parts)  # what was there before is still there
            raise

    @guarded(notice)
    def choose_face(request: gr.Request, event: gr.SelectData) -> Update:
        """Begin with a synthetic face."""
        from core.patches import safety

        session = services.session(request)
        with session.room(SLUG, Bench).arriving:
            return started(session, example(safety.people()[event.index]))

    @guarded(notice)
    def choose_walker(request: gr.Request, event: gr.SelectData) -> Update:
        """Begin with a drawn pedestrian."""
        session = services.session(request)
        with session.room(SLUG, Bench).arriving:
            return started(session, walker(int(event.index)))

    @guarded(notice)
    def choose_one(index: int | None, request: gr.Request) -> Update:
        """Say who of several people it is about."""
        session = services.session(request)
        one = session.room(SLUG, Bench).main()
        if index is None or index == one.chosen:
            return {}
        return started(session, other_face(one, int(index)))

    @guarded(notice)
    def take_off(request: gr.Request) -> Update:
        """Take the photo off the bench."""
        return started(services.session(request), None)

    @guarded(notice)
    def choose_mode(mode: str, request: gr.Request) -> Update:
        """Hide, or pass for somebody else."""
        if mode not in readers.MODES:
            raise UserError(Code.OPTION_RANGE, "There is no such mode.", "Choose one of those shown.")
        session = services.session(request)
        bench = session.room(SLUG, Bench)
        with session.lock:
            bench.reset()
            bench.mode = mode
            if mode == "evasion":
                bench.aim, bench.consent = None, False
        if mode == "evasion":
            return {**no_aim(parts), **showing.blank(parts)}
        with session.lock:
            bench.place = words.BEST  # where aiming works best, by far
        return {
            inputs.aim: gr.update(visible=True),
            **showing.blank(parts),
            **showing.drawable(session, bench, parts),
        }

    @guarded(notice)
    def choose_target(request: gr.Request, event: gr.SelectData) -> Update:
        """Take a synthetic face as the target; a second photo goes, and the consent to it."""
        from core.patches import safety

        session = services.session(request)
        update = aimed(session, aim_at(safety.people()[event.index]))
        session.room(SLUG, Bench).consent = False
        return {**update, inputs.second: None, inputs.consent: False}

    def aimed(session: Session, aim: Aim) -> Update:
        bench = session.room(SLUG, Bench)
        if bench.probe is not None and bench.probe.name == aim.name:
            raise UserError(
                Code.OPTION_RANGE,
                "This is the person who wears the patch.",
                "Choose somebody else as the target.",
            )
        with session.lock:
            bench.reset()
            bench.mode, bench.aim = "impersonation", aim
        return {inputs.aimed: showing.aimed(bench), **showing.blank(parts)}

    @guarded(notice)
    def choose_second(
        upload: Mapping[str, Any] | None, agreed: bool, request: gr.Request
    ) -> Iterator[Update]:
        """Take a second photo as the target; only with consent to this very one, else it is not kept."""
        from core.patches import safety

        session = services.session(request)
        bench = session.room(SLUG, Bench)
        if bench.stranger:
            yield dismissed(session)
            raise UserError(
                Code.CONSENT_MISSING,
                "Consent was given for another photo.",
                "Tick it again for the person in this one, then choose it once more.",
            )
        try:
            image = services.photo(session, path_of(upload))
            safety.allow("photo", agreed is True, "impersonation")
            bench.consent = True
            yield aimed(session, second(image))
        except UserError:
            yield {inputs.second: None}
            raise

    @guarded(notice)
    def agree(agreed: bool, request: gr.Request) -> Update:
        """Consent was given or taken back; taken back, the second photo goes."""
        session = services.session(request)
        bench = session.room(SLUG, Bench)
        bench.consent = agreed is True
        return {} if bench.consent or not bench.stranger else dismissed(session)

    @guarded(notice)
    def take_second_off(request: gr.Request) -> Update:
        """Take the second photo off the bench."""
        session = services.session(request)
        return dismissed(session) if session.room(SLUG, Bench).stranger else {inputs.consent: False}

    def dismissed(session: Session) -> Update:
        """The second photo goes, and the consent to it."""
        bench = session.room(SLUG, Bench)
        with session.lock:
            bench.reset()
            bench.aim, bench.consent = None, False
        return {inputs.aimed: "", inputs.second: None, inputs.consent: False, **showing.blank(parts)}

    @guarded(notice)
    def choose_place(place: str, request: gr.Request) -> Update:
        """Another place: patches of the last one go."""
        session = services.session(request)
        bench = session.room(SLUG, Bench)
        if place not in words.PLACES["faces"] and place not in words.PLACES["persons"]:
            raise UserError(Code.OPTION_RANGE, "There is no such place.", "Choose one of those shown.")
        with session.lock:
            bench.reset()
            bench.place, bench.strokes = place, ""
        return {**showing.blank(parts), **showing.drawable(session, bench, parts)}

    settings: dict[str, Any] = {
        "outputs": everything, "show_progress": "minimal", "show_progress_on": inputs.photo, **SHARED,
    }  # fmt: skip
    quiet: dict[str, Any] = {"outputs": everything, "show_progress": "hidden", **SHARED}
    inputs.photo.input(choose_probe, [inputs.photo, inputs.kind], preprocess=False, **settings)
    inputs.photo.clear(take_off, **settings)
    inputs.faces.select(choose_face, **settings)
    inputs.walkers.select(choose_walker, **settings)
    inputs.person.input(choose_one, inputs.person, **settings)
    inputs.kind.input(choose_kind, inputs.kind, **quiet)
    inputs.mode.input(choose_mode, inputs.mode, **quiet)
    inputs.place.input(choose_place, inputs.place, **quiet)
    inputs.aims.select(choose_target, **quiet)
    inputs.consent.input(agree, inputs.consent, **quiet)
    inputs.second.input(choose_second, [inputs.second, inputs.consent], preprocess=False, **quiet)
    inputs.second.clear(take_second_off, **quiet)
