"""Find one for me: fetch what the preset needs, search, judge, then let late judges speak too."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from core import weights
from core.errors import Code, UserError
from core.types import Progress
from demos.base import Update, guarded, paced
from demos.camouflage import showing
from demos.camouflage.bench import SLUG, Bench
from demos.camouflage.hand import controls
from demos.camouflage.parts import Parts
from demos.camouflage.words import TO_RESULT
from demos.models import bar, runnable, within_first_fetch
from demos.services import FETCH, HEAVY, Services

if TYPE_CHECKING:
    from core.camouflage.options import Options


class Curve:
    """The chart that grows while a search runs, over the band of its random patterns."""

    def __init__(self, end: float) -> None:
        self.end = end
        self.started = time.monotonic()
        self.points: list[tuple[float, float]] = []
        self.band: tuple[float, float] | None = None

    def follow(self, event: Progress) -> str:
        """The chart with one more event; nothing before the first figures."""
        if "best" in event.data:
            self.points.append((time.monotonic() - self.started, event.data["best"]))
            self.band = event.data["band_low"], event.data["band_median"]
        return showing.chart(self.points, self.band, self.end) if self.points else ""


def options_for(
    preset: str,
    models: Sequence[str] = (),
    area: float | None = None,
    shapes: float | None = None,
    strategy: str | None = None,
    seed: float = 0,
) -> "Options":
    """The preset with the visitor's changes; what is empty stays as the preset has it.

    Raises:
        UserError: OPTION_RANGE for an unknown preset or a value out of range.
    """
    from core.camouflage.options import PRESETS

    if preset not in PRESETS:
        raise UserError(
            Code.OPTION_RANGE, "There is no such preset.", f"Choose one of: {', '.join(PRESETS)}."
        )
    chosen = PRESETS[preset]
    return replace(
        chosen,
        optimise_on=tuple(models) or chosen.optimise_on,
        area_cap=chosen.area_cap if area is None else area / 100,
        shapes=chosen.shapes if shapes is None else int(shapes),
        strategy=strategy or chosen.strategy,
        seed=int(seed or 0),
    )


def first_fetch(options: "Options") -> tuple[str, ...]:
    """The models to fetch before a search: those it uses, then the smallest judges that fit the limit."""
    return within_first_fetch(options.optimise_on)


def wire(services: Services, parts: Parts) -> list[Any]:
    """Wire the search; returns the events that "Forget my images" must stop."""
    find, results, panel = parts.find, parts.results, parts.models
    settings = [find.models, find.area, find.shapes, find.strategy, find.seed]

    def idle() -> Update:
        return {find.stop: gr.update(visible=False), results.working: ""}

    def bench_of(request: gr.Request) -> Bench:
        return services.session(request).room(SLUG, Bench)

    @guarded(results.notice)
    def fetch_needed(request: gr.Request, preset: str, *values: Any) -> Iterator[Update]:
        bench = bench_of(request)
        with bench.arriving:
            bench.main()
        options = options_for(preset, *values)
        if bench.busy:
            raise UserError(Code.BUSY, "A search of yours is running.", "Wait for it, or stop it first.")
        bench.stop.clear()
        bench.wanted = True
        yield {find.stop: gr.update(visible=True), results.working: bar(0, "Starting")}
        try:
            for event in paced(weights.fetch(first_fetch(options))):
                yield {results.working: bar(event.done, event.message)}
        except UserError as problem:  # the search goes on with what is here, and the bars say what is not
            gr.Warning(f"{problem.message} {problem.hint}", title="")
        yield {
            results.working: bar(0, "Waiting for its turn: one search runs at a time"),
            **panel.refreshed(),
        }

    @guarded(results.notice, idle, follows=True)
    def search(request: gr.Request, preset: str, *values: Any) -> Iterator[Update]:
        from core.camouflage import system

        session, bench = services.session(request), bench_of(request)
        with bench.turn() as asked:
            if not asked:
                return
            stop, work, options = bench.stop, bench.work(), options_for(preset, *values)
            curve = Curve(options.seconds / (2 if options.transfer else 1))
            final: system.Result | None = None
            for event in paced(system.run(work, options, stop.is_set), 0.5):
                if isinstance(event, Progress):
                    yield {results.working: bar(event.done, event.message) + curve.follow(event)}
                else:
                    final = event
        yield idle()
        if final is None or not bench.shots or work is not bench.work():
            return  # another photo was chosen meanwhile
        bench.found(final)
        yield {
            **showing.shown(session, bench, parts),
            **showing.searched(final, parts),
            **controls(parts.hand, final.judgement.pattern),
        }

    @guarded(results.notice, lambda: {results.working: ""}, follows=True)
    def fetch_judges(request: gr.Request) -> Iterator[Update]:
        """Go on to fetch the larger models that only judge."""
        if bench_of(request).judgement is None:
            return
        entries = [entry for entry in runnable("recognition") if not entry.optional]
        late = [e.name for e in entries if (s := weights.status(e.name)).fetchable and not s.present]
        if not late:
            return
        try:
            for event in paced(weights.fetch(late)):
                yield {results.working: bar(event.done, f"More judges are on their way. {event.message}")}
        except UserError as problem:
            gr.Warning(f"{problem.message} {problem.hint}", title="")
        yield {results.working: "", **panel.refreshed()}

    @guarded(results.notice, lambda: {results.working: ""}, follows=True)
    def extend(request: gr.Request) -> Iterator[Update]:
        """Let the judges that have just come look at the result on the screen."""
        session, bench = services.session(request), bench_of(request)
        if bench.judgement is None or bench.origin != "found":
            return
        yield {results.working: bar(0.5, "Asking the models that have just arrived")}
        extended = bench.extend()
        yield {results.working: "", **(showing.shown(session, bench, parts) if extended else {})}

    def methods() -> dict[str, Any]:
        from core.camouflage.search import strategies

        return gr.update(choices=list(strategies))

    def stop(request: gr.Request) -> None:
        bench_of(request).stop.set()

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    buttons = [find.stop, parts.ready, parts.ready_note, *results.all, results.chart_box, *panel.outputs]
    hand = [parts.hand.shape, *parts.hand.values]
    fetch: dict[str, Any] = {**FETCH, "outputs": buttons, **quiet}
    heavy: dict[str, Any] = {**HEAVY, "outputs": buttons + hand, **quiet}
    first = find.start.click(fetch_needed, [find.preset, *settings], **fetch)
    second = first.then(search, [find.preset, *settings], **heavy)
    second.then(None, js=TO_RESULT, api_visibility="private")
    third = second.then(fetch_judges, **fetch)
    fourth = third.then(extend, **heavy)
    find.more.expand(methods, outputs=find.strategy, queue=False, **quiet)
    find.stop.click(stop, queue=False, **quiet)
    return [first, second, third, fourth]
