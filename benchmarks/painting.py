"""What painting costs beside recognising: 16 patterns onto one photo against 16 images in each recogniser.

python -m benchmarks.painting --write
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.results import table, write_section
from core import faces, recognition
from core.camouflage.project import Surface, apply, paint_surface
from core.camouflage.render import render
from core.camouflage.space import SpaceOptions, random_pattern
from core.faces import skin
from core.media import images

COMMAND = "python -m benchmarks.painting --write"
PHOTO = Path(__file__).resolve().parent.parent / "demos" / "examples" / "faces" / "person-a_frontal.jpg"
POPULATION = 16


def seconds(work: Callable[[], object], runs: int) -> tuple[float, float, float]:
    """Least, median and most wall-clock seconds of several runs after one warm-up."""
    work()
    taken = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return min(taken), statistics.median(taken), max(taken)


def main() -> None:
    """Measure and, with --write, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="keep the figures in RESULTS.md")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    pixels = images.load(PHOTO).pixels
    face = faces.find(pixels)[0]
    surface = Surface.canonical(pixels, face)
    full = Surface.photo(pixels, face)
    rng = np.random.default_rng(0)
    patterns = [random_pattern(rng, SpaceOptions(shapes=8, mirror=True)) for _ in range(POPULATION)]
    textures = render(patterns)
    painted = apply(surface, textures)
    timed: dict[str, Callable[[], object]] = {
        "render 16 patterns and paint them on one aligned photo": lambda: apply(surface, render(patterns)),
        "of it: render": lambda: render(patterns),
        "of it: warp and blend": lambda: apply(surface, textures),
        "measure a photo's surface (224 px)": lambda: Surface.canonical(pixels, face),
        f"paint one {full.pixels.shape[1]} px photo": lambda: paint_surface(full, patterns[0]),
    }
    for state in recognition.available():
        if state.present:
            model = recognition.load(state.name)
            timed[f"{state.name}: forward pass of 16 images"] = lambda model=model: model(painted)
    with torch.inference_mode():
        rows = []
        for name, work in timed.items():
            low, middle, high = seconds(work, chosen.runs)
            rows.append([name, f"{1e3 * low:.0f}", f"{1e3 * middle:.0f}", f"{1e3 * high:.0f}"])
    text = table(["milliseconds", "least", "median", "most"], rows)
    text += (
        f"\n\n{chosen.runs} runs after a warm-up, {chosen.threads} threads on {os.cpu_count()} cores. "
        f"Patterns of 8 mirrored shapes; a surface is measured {'with' if skin.parser() else 'without'} the "
        "optional face parser. The aim: the first row is less than any recogniser's."
    )
    print(text)
    if chosen.write:
        write_section("Painting beside recognising", COMMAND, text)


if __name__ == "__main__":
    main()
