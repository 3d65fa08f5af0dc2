"""All expression encoders side by side on labelled stills.

    python -m benchmarks.expression                    validation: FER2013 PublicTest and the like
    python -m benchmarks.expression --report --write   the test parts, reported once

Needs the folder of research data (FACET_TEST_DATA, else ../shared/data); encoders whose weights are not here
are left out and named. Everything that was chosen (training, input ranges, class orders) was chosen on the
validation parts; the test parts are FER2013 PrivateTest and people of CK+ and LFW/film who are in no other
part. Probabilities are kept in FACET_CACHE/benchmarks/expression for as long as the weights are the same.
"""

import argparse
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.results import table, write_section
from core import expression, weights
from core.datasets import expressions
from core.datasets.expressions import LabelledFaces, Part
from core.expression.classes import EXPRESSIONS, SPELLINGS
from core.expression.evaluate import Figures, figures, probabilities
from core.metrics.intervals import Interval
from core.settings import ROOT, settings
from core.types import FloatArray

COMMAND = "python -m benchmarks.expression --report --write"
SETS = {
    "FER2013": "expressions/fer2013.parquet",
    "CK+": "expressions/ckplus48.parquet",
    "LFW and film": "faces/lfw_expressions.parquet",
}
NAMES: dict[Part, dict[str, str]] = {
    "validation": {"FER2013": "FER2013 PublicTest", "CK+": "CK+", "LFW and film": "LFW and film"},
    "test": {"FER2013": "FER2013 PrivateTest", "CK+": "CK+", "LFW and film": "LFW and film"},
}


def read(folder: Path, name: str, part: Part, size: int, limit: int | None) -> LabelledFaces:
    """One part of a set as stills of one size; with a limit, the same random share for every encoder."""
    faces = expressions.read(folder / SETS[name], EXPRESSIONS, part, size, SPELLINGS)
    if limit is None or limit >= len(faces):
        return faces
    rows = np.sort(np.random.default_rng(0).permutation(len(faces))[:limit])
    return LabelledFaces(faces.pixels[rows], faces.labels[rows], tuple(faces.people[row] for row in rows))


def answers(name: str, faces: LabelledFaces) -> FloatArray:
    """Probabilities of one encoder, from the cache where the weights and the stills are the same."""
    known = hashlib.sha256(weights.entry(name).digest.encode())
    known.update(faces.pixels.tobytes())
    path = settings().cache_dir / "benchmarks" / "expression" / f"{name}-{known.hexdigest()[:16]}.npy"
    if path.exists():
        return np.asarray(np.load(path))
    found = probabilities(expression.load(name), faces, EXPRESSIONS)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, found)
    return found


def percent(interval: Interval) -> str:
    """``61.2 [59.6, 62.8]``."""
    return f"{100 * interval.estimate:.1f} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def summary_row(name: str, found: Figures) -> list[str]:
    """An encoder's line among the others."""
    return [name, *map(percent, (found.accuracy, found.macro_f1, found.calibration_error))]


def class_row(name: str, found: Figures) -> list[str]:
    """F1 of each class; a dash where the set has none."""
    return [name, *("-" if np.isnan(value) else f"{100 * value:.0f}" for value in found.f1)]


def confusion_table(found: Figures) -> str:
    """Counts, with the answers outside the classes where there are some."""
    other = bool(found.confusion[:, -1].any())
    columns = [*found.classes, *(["other"] if other else [])]
    rows = [
        [name, *map(str, counts[: len(columns)])]
        for name, counts in zip(found.classes, found.confusion.tolist(), strict=True)
    ]
    return table(["true \\ answer", *columns], rows)


def sections(folder: Path, names: list[str], part: Part, limit: int | None) -> Iterator[str]:
    """Measure; yield the parts of the report."""
    states = expression.available()
    here = [name for name in names if states[name].present]
    if missing := [name for name in names if name not in here]:
        yield f"Not here, so not measured: {', '.join(missing)}."
    yield (
        "Every still is taken whole as the crop. Percent with 95 % intervals that resample people (FER2013 "
        "names none: stills). Macro-F1 is the mean over the classes that the set has. An answer outside the "
        "seven classes (contempt) is wrong. ECE: expected calibration error, 15 bins, no recalibration."
    )
    for data in SETS:
        results: dict[str, Figures] = {}
        for name in here:
            faces = read(folder, data, part, expression.cards[name].size, limit)
            results[name] = figures(answers(name, faces), faces, EXPRESSIONS)
        yield from set_sections(NAMES[part][data], part, results)


def set_sections(title: str, part: Part, results: dict[str, Figures]) -> Iterator[str]:
    """The tables of one set."""
    first = next(iter(results.values()))
    people = f", {first.people} people" if first.people else ""
    header = ["encoder", "accuracy", "macro-F1", "ECE"]
    summary = table(header, [summary_row(name, found) for name, found in results.items()])
    yield f"**{title}** ({part}: {first.samples} stills{people})\n\n{summary}"
    rows = [class_row(name, found) for name, found in results.items()]
    yield f"F1 of each class:\n\n{table(['encoder', *EXPRESSIONS], rows)}"
    best = max(results, key=lambda name: results[name].macro_f1.estimate)
    yield f"Confusion of {best}:\n\n{confusion_table(results[best])}"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Measure the expression encoders.")
    parser.add_argument("--report", action="store_true", help="the test parts instead of validation")
    parser.add_argument("--write", action="store_true", help="renew RESULTS.md (with --report only)")
    parser.add_argument("--models", nargs="+", default=list(expression.encoders))
    parser.add_argument("--limit", type=int, help="a random share of each set, for a quick look")
    arguments = parser.parse_args()
    if arguments.write and (not arguments.report or arguments.limit):
        parser.error("--write goes with --report and without --limit")
    folder = Path(os.environ.get("FACET_TEST_DATA") or ROOT.parent / "shared" / "data")
    part: Part = "test" if arguments.report else "validation"
    text = "\n\n".join(sections(folder, arguments.models, part, arguments.limit))
    print(text)
    if arguments.write:
        write_section("Expression encoders", COMMAND, text)


if __name__ == "__main__":
    main()
