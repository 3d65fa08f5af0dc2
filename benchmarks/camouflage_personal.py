"""Patterns searched for one person, on the same person's other photos.

python -m benchmarks.camouflage_personal --write

For each of lfw10's ten people a pattern is searched on the first six photos with the quick preset's
recognisers, from random patterns only, and judged on the other four, beside random patterns of equal area.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.camouflage import interval, judges
from benchmarks.camouflage_universal import DATA, FAR, portraits
from benchmarks.results import table, write_section
from core.camouflage.evaluate import Portrait
from core.camouflage.figures import ModelFigures
from core.camouflage.options import PRESETS
from core.camouflage.session import Session
from core.camouflage.system import Result, run
from core.metrics import intervals

TITLE = "Camouflage: patterns for one person"
COMMAND = "python -m benchmarks.camouflage_personal --write"
SEARCHED = 6  # photos; the others of the ten only test


def figures_of(photos: list[Portrait], evaluations: int, test_on: tuple[str, ...]) -> Result:
    """Search on some of one person's photos, judge on the others."""
    options = replace(
        PRESETS["quick"], seconds=0, evaluations=evaluations, test_on=test_on, from_preset=False
    )
    *_, result = run(Session(photos[:SEARCHED], photos[SEARCHED:], FAR), options)
    assert isinstance(result, Result)
    return result


def row(name: str, people: list[ModelFigures]) -> list[str]:
    """One recogniser over all people; intervals over people."""
    bands = [one.band for one in people if one.band is not None]
    gains = np.array([one.painted_accepted - one.band.accepted for one in people if one.band is not None])
    difference = intervals.mean(gains, np.arange(len(gains)))
    return [
        name,
        "searched" if people[0].role == "optimised" else "never seen",
        f"{np.mean([one.clean_accepted for one in people]):.3f}",
        f"{np.mean([band.accepted for band in bands]):.3f}",
        f"**{np.mean([one.painted_accepted for one in people]):.3f}**",
        interval(difference),
        f"{sum(one.beats_random for one in people)} of {len(people)}",
    ]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--evaluations", type=int, default=240)
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    everyone = portraits(arguments.data / "lfw10")
    seven = judges()
    results = []
    for person in sorted({one.person for one in everyone}):
        own = [one for one in everyone if one.person == person]
        results.append(figures_of(own, arguments.evaluations, seven))
        print(person, results[-1].judgement.verdict.headline, flush=True)
    names = [one.name for one in results[0].judgement.figures]
    by = {name: [one for r in results for one in r.judgement.figures if one.name == name] for name in names}
    area = np.mean([one.judgement.area for one in results])
    found = np.mean([share for one in results for share in one.judgement.detected])
    quick = PRESETS["quick"]
    comparisons = by[names[0]][0].comparisons
    note = (
        f"{len(results)} people of lfw10. For each one a pattern was searched on {SEARCHED} photos "
        f"({arguments.evaluations} evaluations, strategy {quick.strategy}, no shipped pattern to begin with) "
        f"and judged on the other photos ({comparisons} comparisons a person, with all clean photos but the "
        f"painted one), beside {quick.randoms} random patterns of equal area. TAR at FAR {FAR:.0%}, mean "
        "over people; the difference with its interval over people; for how many people the mean cosine is "
        f"below the 5th percentile of the random patterns. Mean area {area:.1%}; {found:.0%} of the painted "
        "faces are found."
    )
    head = ["recogniser", "role", "TAR clean", "TAR random, mean", "TAR painted", "painted - random, 95 %"]
    text = f"{note}\n\n{table([*head, 'below random'], [row(name, by[name]) for name in names])}"
    print(text)
    if arguments.write:
        write_section(TITLE, COMMAND, text)


if __name__ == "__main__":
    main()
