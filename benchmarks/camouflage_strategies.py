"""Which search strategy gets furthest: `python -m benchmarks.camouflage_strategies`.

One person (Colin Powell of lfw10, the first three photos), two recognisers, the same number of
evaluations for every strategy: the objective reached, beside the random patterns' band.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from benchmarks.camouflage_universal import AREA_CAP, DATA, FAR, portraits
from benchmarks.results import table, write_section
from core.camouflage.objective import Objective, ObjectiveOptions
from core.camouflage.search import Budget, Search, SearchOptions, SearchResult, strategies
from core.camouflage.session import models, standards
from core.camouflage.space import SpaceOptions
from core.camouflage.subjects import subjects

MODELS = ("dlib-resnet", "mobilefacenet-ms1m")
PERSON = "Colin_Powell"
TITLE = "Camouflage: search strategies"
COMMAND = "python -m benchmarks.camouflage_strategies --write"


def best_of(objective: Objective, name: str, evaluations: int, seed: int) -> SearchResult:
    """One search's result."""
    options = SearchOptions(Budget(evaluations), name, SpaceOptions(shapes=6), 12, seed=seed)
    *_, result = Search(objective, options).run()
    assert isinstance(result, SearchResult)
    return result


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--evaluations", type=int, default=140)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    photos = [one for one in portraits(arguments.data / "lfw10") if one.person == PERSON][:3]
    nets, known = models(MODELS), standards(MODELS, FAR)
    people = subjects(photos, nets)
    reached: dict[str, list[float]] = {name: [] for name in strategies}
    bands = []
    for seed in range(arguments.seeds):
        for name, scores in reached.items():
            objective = Objective(people, nets, known, ObjectiveOptions(area_cap=AREA_CAP))
            result = best_of(objective, name, arguments.evaluations, seed)
            scores.append(result.score)
            print(f"{name} seed {seed}: {result.score:.2f}", flush=True)
        bands.append(np.percentile(result.band, (5, 50)))
    rows = [
        [name, *(f"{score:.2f}" for score in scores), f"{np.mean(scores):.2f}"]
        for name, scores in sorted(reached.items(), key=lambda item: float(np.mean(item[1])))
    ]
    for label, index in (("random patterns, 5th percentile", 0), ("random patterns, median", 1)):
        values = [float(band[index]) for band in bands]
        rows.append([label, *(f"{value:.2f}" for value in values), f"{np.mean(values):.2f}"])
    text = (
        f"Objective after {arguments.evaluations} evaluations on three photos of one person of lfw10, "
        f"searched on {' and '.join(MODELS)}; in impostor spreads above the threshold of the least "
        "impressed, lower is better. A few seeds on one person rank the strategies only roughly; evolution "
        "is the default.\n\n"
        + table(["strategy", *(f"seed {seed}" for seed in range(arguments.seeds)), "mean"], rows)
    )
    print(text)
    if arguments.write:
        write_section(TITLE, COMMAND, text)


if __name__ == "__main__":
    main()
