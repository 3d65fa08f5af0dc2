"""All expression encoders side by side on labelled stills.

    python -m benchmarks.expression                    validation: FER2013 PublicTest and the like
    python -m benchmarks.expression --report --write   the test parts, reported once

Needs the folder of research data (FACET_TEST_DATA, else ../shared/data); encoders whose weights are not here
are left out and named. Everything that was chosen (training, input ranges, class orders) was chosen on the
validation parts; the test parts are FER2013 PrivateTest and people of CK+ and LFW/film who are in no other
part. --write renews the section of RESULTS.md and the figures on the card of Facet's own encoder.
Probabilities are kept in FACET_CACHE/benchmarks/expression for as long as the weights are the same.
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
from core.expression.evaluate import Figures, figures, probabilities
from core.expressions import EXPRESSIONS, SPELLINGS
from core.metrics.intervals import Interval
from core.settings import ROOT, settings
from core.types import FloatArray

COMMAND = "python -m benchmarks.expression --report --write"
SETS = {
    "FER2013": ("expressions/fer2013.parquet", 48),
    "CK+": ("expressions/ckplus48.parquet", 48),
    "LFW and film": ("faces/lfw_expressions.parquet", 160),
}  # file, side of the stills in pixels
NAMES: dict[Part, dict[str, str]] = {
    "validation": {"FER2013": "FER2013 PublicTest", "CK+": "CK+", "LFW and film": "LFW and film"},
    "test": {"FER2013": "FER2013 PrivateTest", "CK+": "CK+", "LFW and film": "LFW and film"},
}


OWN = "facet-expression"
NOTE = (
    "Every still is taken whole, resampled by the encoder's own cut. Percent with 95 % intervals that "
    "resample people (FER2013 names none: stills). Macro-F1 is the mean over the classes that the set has. "
    "An answer outside the seven classes (contempt) is wrong. ECE: expected calibration error, 15 bins, no "
    "recalibration. The test parts were read before: once with stills enlarged by cubic splines, which the "
    "app never does, nothing was tuned in between; and once with an earlier encoder of ours (PrivateTest "
    "67.9, CK+ 73.6, LFW and film 81.4), whose recipe was changed because of acted clips, and the new one "
    "taken for its macro-F1 on FER2013 PublicTest and the validation people of CK+."
)
Results = dict[str, dict[str, Figures]]  # by set, then by encoder


def read(folder: Path, name: str, part: Part, limit: int | None) -> LabelledFaces:
    """One part of a set; with a limit, a random share of it."""
    file, size = SETS[name]
    faces = expressions.read(folder / file, EXPRESSIONS, part, size, SPELLINGS)
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


def measure(folder: Path, names: list[str], part: Part, limit: int | None) -> Results:
    """Figures of every encoder on one part of every set."""
    results: Results = {}
    for data in SETS:
        faces = read(folder, data, part, limit)
        results[data] = {name: figures(answers(name, faces), faces, EXPRESSIONS) for name in names}
    return results


def sections(results: Results, part: Part) -> Iterator[str]:
    """The parts of the report."""
    yield NOTE
    for data, by_name in results.items():
        yield from set_sections(NAMES[part][data], part, by_name)


def card(results: Results, name: str) -> str:
    """What a model card says of one encoder."""
    rows = []
    for data, by_name in results.items():
        found = by_name[name]
        of = f"{found.samples} stills" + (f" of {found.people} people" if found.people else "")
        rows.append([f"{NAMES['test'][data]} ({of})", *summary_row(name, found)[1:]])
    summary = table(["test part", "accuracy", "macro-F1", "ECE"], rows)
    classes = [class_row(NAMES["test"][data], by_name[name]) for data, by_name in results.items()]
    return f"{NOTE}\n\n{summary}\n\nF1 of each class:\n\n{table(['test part', *EXPRESSIONS], classes)}"


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
    parser.add_argument("--write", action="store_true", help="renew RESULTS.md and the card (with --report)")
    parser.add_argument("--models", nargs="+", default=list(expression.encoders))
    parser.add_argument("--limit", type=int, help="a random share of each set, for a quick look")
    arguments = parser.parse_args()
    if arguments.write and (not arguments.report or arguments.limit):
        parser.error("--write goes with --report and without --limit")
    folder = Path(os.environ.get("FACET_TEST_DATA") or ROOT.parent / "shared" / "data")
    part: Part = "test" if arguments.report else "validation"
    states = expression.available()
    names = [name for name in arguments.models if states[name].present]
    results = measure(folder, names, part, arguments.limit)
    parts = list(sections(results, part))
    if missing := [name for name in arguments.models if name not in names]:
        parts.insert(0, f"Not here, so not measured: {', '.join(missing)}.")
    print("\n\n".join(parts))
    if arguments.write:
        write_section("Expression encoders", COMMAND, "\n\n".join(parts))
        if OWN in names:
            page = settings().weights_dir / "cards" / f"{OWN}.md"
            write_section("Figures", COMMAND, card(results, OWN), page)


if __name__ == "__main__":
    main()
