"""The sliders: the steps after the networks act on what was measured, without asking the networks again."""

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from core.abaw.classes import ACTION_UNITS, EXPRESSIONS
from core.abaw.types import Options
from demos.abaw import showing
from demos.abaw.desk import SLUG, Desk
from demos.abaw.parts import Parts
from demos.abaw.words import FOLLOW
from demos.base import Update, guarded
from demos.services import LIGHT, Services


def options_of(values: Sequence[Any]) -> Options:
    """The options from the controls' values, in the order of ``Steps.all``.

    Raises:
        UserError: OPTION_RANGE for a value out of range.
    """
    rest: Iterator[Any] = iter(values)

    def several(count: int) -> tuple[float, ...]:
        return tuple(float(next(rest)) for _ in range(count))

    return Options(
        confidence=float(next(rest)),
        window=int(next(rest)),
        visual_weight=float(next(rest)),
        bias=several(len(EXPRESSIONS)),
        fill=bool(next(rest)),
        window_dimensions=int(next(rest)),
        window_units=int(next(rest)),
        window_violence=int(next(rest)),
        unit_thresholds=several(len(ACTION_UNITS)),
        unit_mix=float(next(rest)),
        violence_threshold=float(next(rest)),
    )


def values_of(options: Options) -> list[Any]:
    """The controls' values from the options; :func:`options_of` the other way."""
    return [
        options.confidence, options.window, options.visual_weight, *options.bias, options.fill,
        options.window_dimensions, options.window_units, options.window_violence, *options.unit_thresholds,
        options.unit_mix, options.violence_threshold,
    ]  # fmt: skip


def wire(services: Services, parts: Parts) -> None:
    """Let sliders and cursor act."""
    steps, results = parts.steps, parts.results

    def desk_of(request: gr.Request) -> Desk:
        return services.session(request).room(SLUG, Desk)

    @guarded(results.notice)
    def step(request: gr.Request, *values: Any) -> Update:
        desk = desk_of(request)
        options = options_of(values)
        if not desk.people:
            desk.options = options
            return {}
        desk.decide(options)
        return showing.drawn(desk, parts)

    @guarded(results.notice)
    def reset(request: gr.Request) -> Update:
        desk, options = desk_of(request), Options()
        controls = dict(zip(steps.all, values_of(options), strict=True))
        if not desk.people:
            desk.options = options
            return controls
        desk.decide(options)
        return {**controls, **showing.drawn(desk, parts)}

    @guarded(results.notice)
    def move(frame: float | None, request: gr.Request) -> Update:
        desk = desk_of(request)
        if not desk.people:
            return {}
        desk.cursor = min(max(int(frame or 0), 0), len(desk.scores()) - 1)
        return showing.at_cursor(desk, parts)

    shared: dict[str, Any] = {**LIGHT, "show_progress": "hidden", "api_visibility": "private"}
    for control in steps.all:
        control.input(step, steps.all, results.drawn, trigger_mode="always_last", **shared)
    steps.reset.click(reset, outputs=[*steps.all, *results.drawn], **shared)
    line = results.cursor
    line.input(
        move, line, [results.notice, results.moment, results.reading], trigger_mode="always_last", **shared
    )
    line.change(None, line, js=FOLLOW, api_visibility="private")
