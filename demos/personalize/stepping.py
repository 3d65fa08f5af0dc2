"""Whatever acts on what was read: the method's controls, the question, the poison, labels, the cursor."""

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from core import expressions as seven
from core.errors import Code, UserError
from core.personalize.options import PRESETS, Options
from demos.base import Update, guarded
from demos.personalize import comparing, controls, film, running, showing
from demos.personalize.desk import SLUG, Desk, Poison
from demos.personalize.parts import DEFAULT_POISON, Parts, preset_note
from demos.personalize.task import Task, expressions, written
from demos.personalize.words import EXPRESSIONS, IN_A_ROW, OWN_EXAMPLE, SPREAD
from demos.services import LIGHT, Services

QUIET: dict[str, Any] = {**LIGHT, "show_progress": "hidden", "api_visibility": "private"}


def wire(services: Services, parts: Parts) -> None:
    """Let everything act that needs no new reading."""
    _method(services, parts)
    _question(services, parts)
    _poison(services, parts)
    _looking(services, parts)


def _desk(services: Services, request: gr.Request) -> Desk:
    return services.session(request).room(SLUG, Desk)


def shown(desk: Desk, parts: Parts) -> Iterator[Update]:
    """The new run at once, and the other methods, which may take a moment, after it."""
    yield showing.drawn(desk, parts)
    yield comparing.compared(desk, parts)


def redrawn(parts: Parts) -> list[Any]:
    """What another run changes."""
    return [parts.inputs.notice, parts.asked.poisoned, parts.asked.heal, *parts.results.drawn]


def settings(parts: Parts) -> Update:
    """All controls as they are at the start."""
    asked, plain = parts.asked, Options()
    names = list(seven.EXPRESSIONS)
    return {
        asked.preset: "ours",
        asked.about_preset: preset_note("ours"),
        asked.on: list(controls.SWITCHES),
        **dict(zip(asked.fields, controls.values_of(plain), strict=True)),
        asked.question: EXPRESSIONS,
        asked.prompts: gr.update(visible=False, value=OWN_EXAMPLE),
        asked.ask: gr.update(visible=False),
        asked.count: DEFAULT_POISON,
        asked.towards: gr.update(choices=names, value=names[0]),
        asked.placed: SPREAD,
    }


def _method(services: Services, parts: Parts) -> None:
    asked = parts.asked

    @guarded(parts.inputs.notice)
    def step(request: gr.Request, preset: str, on: Sequence[str], *rest: Any) -> Iterator[Update]:
        desk = _desk(services, request)
        options = controls.options_of(preset, on, rest)
        with services.session(request).lock:
            running.rerun(desk, options)
            desk.preset = preset
        yield from shown(desk, parts)

    @guarded(parts.inputs.notice)
    def choose_preset(preset: str, on: Sequence[str], request: gr.Request) -> Iterator[Update]:
        desk = _desk(services, request)
        values = controls.values_of(PRESETS[preset]) if preset in PRESETS else []
        options = controls.options_of(preset, on, values)
        with services.session(request).lock:
            running.rerun(desk, options)
            desk.preset = preset
        fields = dict(zip(asked.fields, values, strict=True))
        yield {asked.about_preset: preset_note(preset), **fields, **showing.drawn(desk, parts)}
        yield comparing.compared(desk, parts)

    asked.preset.input(
        choose_preset,
        [asked.preset, asked.on],
        [asked.about_preset, *asked.fields, *redrawn(parts)],
        trigger_mode="always_last",
        **QUIET,
    )
    for control in (asked.on, *asked.fields):
        control.input(step, asked.method, redrawn(parts), trigger_mode="always_last", **QUIET)


def ask(desk: Desk, task: Task) -> None:
    """Ask everybody's frames something else; a poison of a class that is gone is taken out.

    Raises:
        UserError: the model cannot be had; then nothing is changed.
    """
    before = desk.task, {name: person.poison for name, person in desk.people.items()}
    if task != desk.task:
        for person in desk.people.values():
            person.poison = None
    desk.task = task
    try:
        running.rerun(desk)
    except UserError:
        desk.task = before[0]
        for name, poison in before[1].items():
            desk.people[name].poison = poison
        raise


def _question(services: Services, parts: Parts) -> None:
    asked, inputs = parts.asked, parts.inputs

    def changed(desk: Desk) -> Iterator[Update]:
        names = list(desk.task.names)
        towards = {asked.towards: gr.update(choices=names, value=names[0])}
        yield {**towards, **showing.clips(desk, parts), **showing.drawn(desk, parts)}
        yield comparing.compared(desk, parts)

    @guarded(inputs.notice)
    def choose_question(which: str, request: gr.Request) -> Iterator[Update]:
        desk = _desk(services, request)
        own = which != EXPRESSIONS
        yield {asked.prompts: gr.update(visible=own), asked.ask: gr.update(visible=own)}
        if not own and desk.task.own:
            with services.session(request).lock:
                ask(desk, expressions())
            yield from changed(desk)

    @guarded(inputs.notice)
    def ask_this(text: str, request: gr.Request) -> Iterator[Update]:
        desk, task = _desk(services, request), written(text)
        with services.session(request).lock:
            ask(desk, task)
        yield from changed(desk)

    listed = [inputs.clips, inputs.row, inputs.which, *asked.truths]
    outputs = [asked.prompts, asked.ask, asked.towards, *listed, *redrawn(parts)]
    asked.question.input(choose_question, asked.question, outputs, **QUIET)
    asked.ask.click(ask_this, asked.prompts, outputs, **QUIET)


def poison(desk: Desk, count: float, name: str, in_a_row: bool = False) -> None:
    """Put poisoned frames in; what was in before is replaced.

    Raises:
        UserError: nothing was read yet, no such class, or no frame can be pushed there.
    """
    desk.result()
    label, person = desk.task.number(name), desk.person
    if label is None:
        raise UserError(Code.OPTION_RANGE, "There is no such class.", "Choose one of those that are asked.")
    before = person.poison
    person.poison = Poison(max(1, int(count or DEFAULT_POISON)), label, in_a_row)
    try:
        running.rerun(desk)
    except UserError:
        person.poison = before
        raise


def _poison(services: Services, parts: Parts) -> None:
    asked = parts.asked

    @guarded(parts.inputs.notice)
    def put_poison_in(count: float, name: str, placed: str, request: gr.Request) -> Iterator[Update]:
        desk = _desk(services, request)
        with services.session(request).lock:
            poison(desk, count, name, placed == IN_A_ROW)
        yield from shown(desk, parts)

    @guarded(parts.inputs.notice)
    def take_poison_out(request: gr.Request) -> Iterator[Update]:
        desk = _desk(services, request)
        with services.session(request).lock:
            desk.person.poison = None
            running.rerun(desk)
        yield from shown(desk, parts)

    asked.poison.click(put_poison_in, [asked.count, asked.towards, asked.placed], redrawn(parts), **QUIET)
    asked.heal.click(take_poison_out, outputs=redrawn(parts), **QUIET)


def _looking(services: Services, parts: Parts) -> None:
    results, asked = parts.results, parts.asked

    @guarded(parts.inputs.notice)
    def move(frame: float | None, request: gr.Request) -> Update:
        person = (desk := _desk(services, request)).person
        if person.run is None:
            return {}
        person.cursor = min(max(int(frame or 0), 0), len(person.run) - 1)
        return showing.at_cursor(desk, parts)

    @guarded(parts.inputs.notice)
    def choose_curve(label: str, request: gr.Request) -> Update:
        desk = _desk(services, request)
        if desk.person.run is None:
            return {}
        desk.person.label = label or ""
        return {results.curve: comparing.curve(desk, desk.person.label)}

    @guarded(parts.inputs.notice)
    def say_truths(request: gr.Request, *names: str | None) -> Update:
        desk = _desk(services, request)
        for piece, name in zip(desk.person.pieces, names, strict=False):
            piece.truth = name if name in desk.task.names else ""
        if desk.person.run is None:
            return {}
        return {results.answers: showing.answers(desk), **comparing.compared(desk, parts)}

    line = results.cursor
    line.input(
        move, line, [parts.inputs.notice, *results.at_cursor], trigger_mode="always_last", **QUIET
    )  # fmt: skip
    line.change(None, line, js=film.FOLLOW, api_visibility="private")
    results.label.input(choose_curve, results.label, [parts.inputs.notice, results.curve], **QUIET)
    told = [parts.inputs.notice, results.answers, results.peers, results.label, results.curve]
    for box in asked.truths:
        box.input(say_truths, asked.truths, told, **QUIET)
