"""Design by hand: one shape after another, the picture and the bars answer while a slider moves."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from core.camouflage.pattern import MAX_JSON, MAX_SHAPES, Pattern, Shape
from core.camouflage.space import clip
from core.errors import Code, UserError
from demos.base import Update, guarded
from demos.camouflage import showing
from demos.camouflage.bench import SLUG, Bench
from demos.camouflage.parts import Hand, Parts
from demos.models import bar
from demos.services import LIGHT, Services
from demos.sessions import discard

FIRST = Shape("stripe", 0.0, 0.4, 1.8, 0.3, 30.0, "black")


def controls(hand: Hand, pattern: Pattern, index: int = 0) -> Update:
    """The editor's controls for one shape of a pattern."""
    index = min(max(index, 0), len(pattern.shapes) - 1)
    shape = pattern.shapes[index]
    names = [(f"{number + 1} {one.family}", number) for number, one in enumerate(pattern.shapes)]
    sizes = (round(size, 2) for size in (shape.width, shape.height, shape.x, shape.y, pattern.opacity))
    width, height, x, y, opacity = sizes  # finer than a hand can paint, and short enough to be read
    values = (
        shape.family, shape.color, round(shape.angle, 1), width, height, x, y,
        opacity, pattern.mirror, pattern.repeat,
    )  # fmt: skip
    return {
        hand.shape: gr.update(choices=names, value=index),
        **dict(zip(hand.values, values, strict=True)),
    }


def edited(pattern: Pattern, index: int, values: Sequence[Any]) -> Pattern:
    """The pattern with one shape, and what all shapes share, as the controls say."""
    family, color, angle, width, height, x, y, opacity, mirror, repeat = values
    shape = clip(family, float(x), float(y), float(width), float(height), float(angle), color)
    shapes = list(pattern.shapes)
    shapes[min(max(int(index), 0), len(shapes) - 1)] = shape
    return replace(
        pattern, shapes=tuple(shapes), opacity=float(opacity), mirror=bool(mirror), repeat=int(repeat)
    )


def wire(services: Services, parts: Parts) -> None:
    """Let the editor work."""
    hand, results = parts.hand, parts.results
    idle = guarded(results.notice, lambda: {results.working: ""})
    listed = [hand.shape, *hand.values]

    def bench_of(request: gr.Request) -> Bench:
        bench = services.session(request).room(SLUG, Bench)
        bench.main()
        return bench

    def answered(request: gr.Request, bench: Bench) -> Iterator[Update]:
        """The painted photo, then what the recognisers make of it; they are loaded for the first one."""
        session = services.session(request)
        if not bench.measured:
            waiting = bar(0.5, "Loading the recognisers and looking at the photo")
            yield {results.slider: showing.pictures(session, bench), results.working: waiting}
        bench.judge(live=True)
        yield {**showing.shown(session, bench, parts), results.working: ""}

    @idle
    def edit(request: gr.Request, index: int, *values: Any) -> Iterator[Update]:
        bench = bench_of(request)
        bench.put(edited(bench.pattern or Pattern((FIRST,)), index, values), "hand")
        yield from answered(request, bench)

    @guarded(results.notice)
    def select(index: int, request: gr.Request) -> Update:
        return controls(hand, bench_of(request).pattern or Pattern((FIRST,)), index)

    @idle
    def add(request: gr.Request) -> Iterator[Update]:
        bench = bench_of(request)
        pattern = bench.pattern or Pattern((FIRST,))
        if len(pattern.shapes) == MAX_SHAPES:
            raise UserError(
                Code.OPTION_RANGE, f"A pattern has at most {MAX_SHAPES} shapes.", "Remove one first."
            )
        if bench.pattern is not None:
            pattern = replace(pattern, shapes=(*pattern.shapes, FIRST))
        bench.put(pattern, "hand")
        yield controls(hand, pattern, len(pattern.shapes) - 1)
        yield from answered(request, bench)

    @idle
    def remove(index: int, request: gr.Request) -> Iterator[Update]:
        bench = bench_of(request)
        if bench.pattern is None or len(bench.pattern.shapes) == 1:
            raise UserError(Code.OPTION_RANGE, "A pattern has at least one shape.", "Change it instead.")
        left = [shape for number, shape in enumerate(bench.pattern.shapes) if number != index]
        pattern = replace(bench.pattern, shapes=tuple(left))
        bench.put(pattern, "hand")
        yield controls(hand, pattern, int(index) - 1)
        yield from answered(request, bench)

    @idle
    def load(upload: dict[str, Any] | None, request: gr.Request) -> Iterator[Update]:
        bench = bench_of(request)
        pattern = Pattern.from_json(_text(upload))
        bench.put(pattern, "hand")
        yield {hand.load: None, **controls(hand, pattern)}
        yield from answered(request, bench)

    @idle
    def compare(request: gr.Request) -> Iterator[Update]:
        bench = bench_of(request)
        yield {results.working: bar(0.3, "Comparing with random patterns of equal area")}
        bench.judge(control=True)
        yield {**showing.shown(services.session(request), bench, parts), results.working: ""}

    shared: dict[str, Any] = {
        **LIGHT,
        "show_progress": "hidden",
        "api_visibility": "private",
        "outputs": [*listed, hand.load, parts.ready, parts.ready_note, *results.all],
    }
    for control in hand.values:
        control.input(edit, [hand.shape, *hand.values], trigger_mode="always_last", **shared)
    hand.shape.input(select, hand.shape, **shared)
    hand.compare.click(compare, **shared)
    hand.add.click(add, **shared)
    hand.remove.click(remove, hand.shape, **shared)
    hand.load.upload(load, hand.load, preprocess=False, **shared)


def _text(upload: dict[str, Any] | None) -> str:
    """The content of an uploaded pattern file, which is deleted."""
    if not upload:
        raise UserError(Code.PATTERN_INVALID, "There is no pattern file yet.", "Choose a JSON file.")
    path = Path(upload["path"])
    try:
        with path.open("rb") as file:
            return file.read(4 * MAX_JSON + 1).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise UserError(
            Code.PATTERN_INVALID, "This is no pattern file.", "Use a JSON file that this app exported."
        ) from None
    finally:
        discard(path)
