"""Ready-made: a universal pattern is painted at once, then compared with random ones of equal area."""

import html
from collections.abc import Iterator
from typing import Any

import gradio as gr

from core.camouflage import presets
from core.errors import Code, UserError
from demos.base import Update, guarded
from demos.camouflage import showing
from demos.camouflage.bench import SLUG, Bench
from demos.camouflage.hand import controls
from demos.camouflage.parts import Parts
from demos.camouflage.words import TO_RESULT
from demos.models import bar
from demos.services import LIGHT, Services


def choices() -> list[tuple[str, str]]:
    """(title, name) of the patterns that ship with the app."""
    return [(preset.title, preset.name) for preset in presets.load()]


def preset(name: str) -> presets.Preset:
    """A preset by name.

    Raises:
        UserError: OPTION_RANGE for an unknown one.
    """
    known = {one.name: one for one in presets.load()}
    if name not in known:
        raise UserError(
            Code.OPTION_RANGE,
            "There is no ready-made pattern of this name.",
            f"Choose one of: {', '.join(known)}." if known else "None ships with this copy of Facet.",
        )
    return known[name]


def wire(services: Services, parts: Parts) -> None:
    """Let a choice be painted and measured at once."""
    results = parts.results

    @guarded(results.notice, lambda: {results.working: ""})
    def choose(name: str | None, request: gr.Request) -> Iterator[Update]:
        if not name:
            return
        session = services.session(request)
        bench = session.room(SLUG, Bench)
        chosen = preset(name)
        yield {parts.ready_note: f'<div class="facet-note">{html.escape(chosen.sentence())}</div>'}
        bench.main()
        bench.put(chosen.pattern, "ready", chosen.optimised_on)
        yield {results.slider: showing.pictures(session, bench), **controls(parts.hand, chosen.pattern)}
        bench.judge()
        waiting = bar(0.6, "Comparing with random patterns of equal area")
        yield {**showing.shown(session, bench, parts), results.working: waiting}

    @guarded(results.notice, lambda: {results.working: ""}, follows=True)
    def compare(request: gr.Request) -> Update:
        """Set random patterns of equal area beside what is shown by now."""
        session = services.session(request)
        bench = session.room(SLUG, Bench)
        if bench.judgement is None or bench.origin != "ready":
            return {results.working: ""}
        bench.judge(control=True)
        return {**showing.shown(session, bench, parts), results.working: ""}

    settings: dict[str, Any] = {**LIGHT, "show_progress": "hidden", "api_visibility": "private"}
    outputs = [parts.ready, parts.ready_note, parts.hand.shape, *parts.hand.values, *results.all]
    chosen = parts.ready.input(choose, parts.ready, outputs, **settings)
    chosen.then(None, js=TO_RESULT, api_visibility="private")
    chosen.then(compare, outputs=outputs, **settings)
