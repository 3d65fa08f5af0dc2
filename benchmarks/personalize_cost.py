"""CPU time a frame and memory of personalisation, beside TDA and gradient tuning, in one run.

python -m benchmarks.personalize_cost --write

CPU seconds of this process, so that other work on the machine does not count; one thread.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.results import table, write_section
from core import vision_language
from core.expressions import EXPRESSIONS
from core.personalize import bundled
from core.personalize.methods import Method, Personalized, ZeroShot
from core.personalize.options import PRESETS, Options
from core.personalize.peers import EntropyTuning, Tda
from core.personalize.subjects import statistics as statistics_of
from core.personalize.types import Prototypes
from core.personalize.vectors import Vectors, unit
from core.vision_language import facet

COMMAND = "python -m benchmarks.personalize_cost --write"
TITLE = "Personalisation: CPU time a frame and memory"
AIM = 0.03
"""Largest share of the image encoder's time that may be added."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one method takes.

    Attributes:
        milliseconds: CPU time a frame, median of the rounds.
        spread: fastest and slowest round.
        memory: bytes kept of the person.
        lent: bytes of borrowed prototypes.
    """

    milliseconds: float
    spread: tuple[float, float]
    memory: int
    lent: int = 0


def world(classes: int, dim: int, frames: int, prototypes: int) -> tuple[Vectors, Vectors, Prototypes]:
    """Texts, a stream that fills all caches, and prototypes of each class; drawn with seed 0."""
    rng = np.random.default_rng(0)
    text = unit(rng.normal(size=(classes, dim)))
    labels = np.repeat(np.arange(classes), prototypes)
    lent = unit(text[labels] + 0.03 * rng.normal(size=(len(labels), dim)))
    shown = np.repeat(rng.integers(classes, size=frames // 10 + 1), 10)[:frames]
    spread = rng.uniform(0.02, 0.25, size=(frames, 1))
    stream = unit(text[shown] + spread * rng.normal(size=(frames, dim)))
    return text, stream, Prototypes(lent, labels, ("source",) * len(labels))


def methods(text: Vectors, lent: Prototypes, scale: float = 10.0) -> dict[str, Method]:
    """Everything that is compared."""
    found: dict[str, Method] = {"zero-shot": ZeroShot(text, scale), "TDA": Tda(text, scale)}
    for name, options in PRESETS.items():
        method = Personalized(text, scale, options)
        method.session.lend(lent)
        found[f"TTA-CaP, {name}"] = method
    return found | {"entropy tuning a frame (a gradient)": EntropyTuning(text, scale)}


def measure(found: dict[str, Method], stream: Vectors, rounds: int) -> dict[str, Cost]:
    """Each method over the stream, in turn, several rounds; the first round warms up and is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(rounds + 1):
        for name, method in found.items():
            method.begin()
            started = time.process_time()
            for row in stream:
                method.step(row)
            taken[name].append(1000 * (time.process_time() - started) / len(stream))
    costs = {}
    for name, method in found.items():
        counted = taken[name][1:]
        lent = method.session.shelf.memory if isinstance(method, Personalized) else 0
        costs[name] = Cost(statistics.median(counted), (min(counted), max(counted)), method.memory, lent)
    return costs


def fastest(call: Callable[[], object], rounds: int = 10) -> float:
    """Wall milliseconds of one call, the fastest after a warm-up: hardest on what is compared with it."""
    call()
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - started))
    return min(taken)


def report(costs: dict[str, Cost], encoder: float | None = None) -> str:
    """A table; with the encoder's milliseconds also what is added to them, beyond zero-shot."""
    plain = costs["zero-shot"].milliseconds
    heads = [
        "method",
        "CPU ms a frame (fastest, slowest round)",
        "beyond zero-shot",
        "kept of a person",
        "lent",
    ]
    if encoder is not None:
        heads.append(f"share of the encoder's {encoder:.1f} ms")
    rows = []
    for name, cost in costs.items():
        added = cost.milliseconds - plain
        low, high = cost.spread
        row = [name, f"{cost.milliseconds:.3f} ({low:.3f}, {high:.3f})", f"{added:+.3f}"]
        row += [f"{cost.memory / 1000:.0f} kB", f"{cost.lent / 1000:.0f} kB"]
        if encoder is not None:
            row.append(f"{added / encoder:.2%}")
        rows.append(row)
    return table(heads, rows)


def main() -> None:
    """Measure and, with --write, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="keep the figures in RESULTS.md")
    chosen = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        raise SystemExit("set OMP_NUM_THREADS=1: threads that wait are counted as CPU time")
    torch.set_num_threads(1)
    model = vision_language.load(facet.CARD.name)
    sources = bundled.sources(EXPRESSIONS, facet.CARD.name)
    assert sources is not None
    classes, dim = len(EXPRESSIONS), model.card.dim
    text, stream, _ = world(classes, dim, chosen.frames, 15)
    _, lent = sources.borrow(statistics_of(stream), Options())
    costs = measure(methods(text, lent), stream, chosen.rounds)
    batch = 16
    crops = torch.zeros(batch, 3, model.card.size, model.card.size, dtype=torch.uint8)
    torch.set_num_threads(2)
    wall = fastest(lambda: model.images(crops)) / batch
    note = (
        f"K = {classes} classes, D = {dim}, {len(lent)} prototypes lent by the bundled source cache; "
        f"{chosen.frames} drawn embeddings, {chosen.rounds} rounds after a warm-up, all methods in "
        "turn, CPU time of the process with one thread. The image encoder is that of "
        f"`{facet.CARD.name}`, wall time a face in batches of {batch} with two threads, the fastest of "
        f"several calls. Aim: at most {AIM:.0%} of it, and less than 1 MB a person."
    )
    text_block = f"{note}\n\n{report(costs, wall)}"
    print(text_block)
    if chosen.write:
        write_section(TITLE, f"OMP_NUM_THREADS=1 {COMMAND}", text_block)


if __name__ == "__main__":
    main()
