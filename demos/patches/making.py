"""Make patches: one pass with its controls, the slow search, natural ones; then what is on the screen."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import gradio as gr

from core import weights
from core.errors import Code, UserError
from core.types import Progress
from demos.base import Update, guarded, paced
from demos.models import bar
from demos.patches import natural, readers, showing, words
from demos.patches.bench import SLUG, STEPS, Bench
from demos.patches.parts import Parts
from demos.services import FETCH, HEAVY, LIGHT, Services

if TYPE_CHECKING:
    from core.patches.makers import Maker

BESIDE: Final = {
    ("faces", "evasion"): ("camouflage", "natural crop"),
    ("faces", "impersonation"): ("target crop", "natural crop"),
    ("persons", "evasion"): ("natural crop",),
}
"""Baselines that are shown beside every patch, besides random squares."""


def maker(bench: Bench, name: str) -> "Maker":
    """One of the ways in the registry, ready for this bench."""
    import core.training.patch_camouflage  # noqa: F401  # registers face paint as a way
    from core.patches import bundled
    from core.patches.makers import makers

    if name == "generator":
        return makers.create(name, bundled.load(*bench.purpose()))
    return makers.create(name)


def knows(bench: Bench) -> bool:
    """Whether a bundled generator makes patches for this place."""
    from core.patches import bundled

    return bundled.knows(*bench.purpose())


def first(bench: Bench, seed: int = 0, steps: int = STEPS) -> Iterator[Progress]:
    """Baselines, then the patch of one pass; of a search where no generator knows the place."""
    bench.ready()
    yield Progress(0.05, "Looking at everybody in the gallery")
    bench.work().judge_clean()
    yield Progress(0.4, "Random squares in the same place")
    bench.throw()
    kind = bench.main().kind
    for number, name in enumerate(BESIDE[kind, bench.mode]):
        yield Progress(0.6 + 0.1 * number, words.WAYS[name])
        bench.try_out(name, words.WAYS[name], maker(bench, name), seed)
    name = "generator" if knows(bench) else "pgd"
    yield Progress(0.85, words.WAYS[name])
    if name == "generator":
        bench.work().make(
            maker(bench, name), bench.slot()
        )  # the first pass of a process is not a pass's time
    bench.try_out(name, words.WAYS[name], maker(bench, name), seed, steps)


def search(bench: Bench, seed: int = 0, steps: int = STEPS) -> Iterator[Progress]:
    """The patch of a search; before it what :func:`first` makes, where nothing was made yet."""
    begun = bool(bench.chance)
    if not begun:
        yield from first(bench, seed, steps)
    if begun or knows(bench):  # else the first patch was a search
        yield Progress(0.3, f"{steps} steps of search")
        bench.try_out("pgd", words.WAYS["pgd"], maker(bench, "pgd"), seed, steps)


def wire(services: Services, parts: Parts) -> list[Any]:
    """Wire the buttons; returns the events that "Forget my images" must stop."""
    inputs, slow, results, panel = parts.inputs, parts.natural, parts.results, parts.models

    def idle() -> Update:
        return {inputs.stop: gr.update(visible=False), results.working: ""}

    def bench_of(request: gr.Request) -> Bench:
        return services.session(request).room(SLUG, Bench)

    def asked(bench: Bench, drawn: str, names: Sequence[str]) -> Iterator[Update]:
        """Fetch what a job needs, after the checks that need no network."""
        with bench.arriving:
            one = bench.main()
        if bench.busy:
            raise UserError(Code.BUSY, "A patch of yours is being made.", "Wait for it, or stop it first.")
        if bench.place == "drawn":
            bench.draw(drawn or "")
        bench.ready()
        bench.stop.clear()
        bench.wanted = True
        yield {inputs.stop: gr.update(visible=True), results.working: bar(0, "Starting")}
        wanted = (*readers.needed(one.kind, bench.mode), *names)
        try:
            for event in paced(weights.fetch(tuple(dict.fromkeys(wanted)))):
                yield {results.working: bar(event.done, event.message)}
        except UserError as problem:  # the job says itself what it cannot do without
            gr.Warning(f"{problem.message} {problem.hint}", title="")
        yield {results.working: bar(0, "Waiting for its turn: one job at a time"), **panel.refreshed()}

    def job(request: gr.Request, steps: "Iterator[Progress]") -> Iterator[Update]:
        session, bench = services.session(request), bench_of(request)
        with bench.turn() as mine:
            if not mine:
                return
            stop, one, work = bench.stop, bench.main(), bench.work()
            problem: UserError | None = None
            try:
                for event in paced(steps, 0.3):
                    yield {results.working: bar(event.done, event.message)}
                    if stop.is_set():
                        break
            except UserError as found:  # what was made before it is shown all the same
                problem = found
        yield idle()
        current = bench.probe is one and bench.work() is work and bench.shown
        if current:  # else somebody else was chosen meanwhile, or it was stopped before there was anything
            yield showing.shown(session, bench, parts)
        if problem is not None:
            raise problem

    @guarded(inputs.notice)
    def fetch_for_patch(drawn: str, request: gr.Request) -> Iterator[Update]:
        yield from asked(bench_of(request), drawn, ())

    @guarded(inputs.notice, idle, follows=True)
    def make_patch(seed: float, steps: float, request: gr.Request) -> Iterator[Update]:
        yield from job(request, first(bench_of(request), int(seed or 0), int(steps)))

    @guarded(inputs.notice, idle, follows=True)
    def search_patch(seed: float, steps: float, request: gr.Request) -> Iterator[Update]:
        yield from job(request, search(bench_of(request), int(seed or 0), int(steps)))

    @guarded(inputs.notice)
    def fetch_for_natural(drawn: str, prior: str, request: gr.Request) -> Iterator[Update]:
        yield from asked(bench_of(request), drawn, natural.needed(prior))

    @guarded(inputs.notice, idle, follows=True)
    def paint_patch(
        prior: str, label: str, way: str, strength: float, seed: float, request: gr.Request
    ) -> Iterator[Update]:
        bench = bench_of(request)

        def run() -> Iterator[Progress]:
            if not bench.chance:
                yield from first(bench, int(seed or 0))
            yield from natural.paint(bench, prior, label, way, float(strength), int(seed or 0))

        yield from job(request, run())

    @guarded(inputs.notice)
    def fade_patch(opacity: float, request: gr.Request) -> Update:
        session, bench = services.session(request), bench_of(request)
        if not bench.shown:
            return {}
        bench.fade(opacity / 100)
        return {**showing.shown(session, bench, parts), results.opacity: gr.skip()}

    @guarded(inputs.notice)
    def show_patch(name: str, request: gr.Request) -> Update:
        session, bench = services.session(request), bench_of(request)
        bench.show(name)
        return showing.shown(session, bench, parts)

    def choose_prior(prior: str) -> dict[str, Any]:
        labels = natural.labels(prior)
        return gr.update(choices=labels, value=labels[0] if labels else "")

    def choose_way(prior: str) -> dict[str, Any]:
        ways = natural.ways(prior)
        return gr.update(choices=ways, value=ways[0][1])

    def stop_making(request: gr.Request) -> None:
        bench = bench_of(request)
        bench.wanted = False
        bench.stop.set()

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    fetching: dict[str, Any] = {
        "outputs": [inputs.stop, inputs.notice, results.working, *panel.outputs], **FETCH, **quiet,
    }  # fmt: skip
    making: dict[str, Any] = {
        "outputs": [inputs.stop, inputs.notice, results.working, *results.drawn], **HEAVY, **quiet,
    }  # fmt: skip
    begun = [
        (inputs.start, fetch_for_patch, [inputs.strokes], make_patch, [slow.seed, slow.steps]),
        (slow.iterate, fetch_for_patch, [inputs.strokes], search_patch, [slow.seed, slow.steps]),
        (
            slow.paint, fetch_for_natural, [inputs.strokes, slow.prior], paint_patch,
            [slow.prior, slow.label, slow.way, slow.strength, slow.seed],
        ),
    ]  # fmt: skip
    running = []
    for button, fetch, given, work, settings in begun:
        one = button.click(fetch, given, **fetching)
        one.then(None, js=words.TO_RESULT, api_visibility="private")
        two = one.then(work, settings, **making)
        running += [one, two]
    inputs.stop.click(stop_making, queue=False, **quiet)
    drawn: dict[str, Any] = {"outputs": [inputs.notice, *results.drawn], **LIGHT, **quiet}
    results.opacity.input(fade_patch, results.opacity, trigger_mode="always_last", **drawn)
    results.shown.input(show_patch, results.shown, **drawn)
    slow.prior.input(choose_prior, slow.prior, slow.label, queue=False, **quiet)
    slow.prior.input(choose_way, slow.prior, slow.way, queue=False, **quiet)
    return running
