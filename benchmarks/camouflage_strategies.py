"""Which search strategy gets furthest: `python -m benchmarks.camouflage_strategies`.

One person (Colin Powell of lfw10, the first three photos), two recognisers, the same number of
evaluations for every strategy; prints the objective reached beside the random patterns' band.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.camouflage_universal import AREA_CAP, DATA, FAR, portraits
from core.camouflage.objective import Objective, ObjectiveOptions
from core.camouflage.search import Budget, Search, SearchOptions, SearchResult, strategies
from core.camouflage.session import models, standards
from core.camouflage.space import SpaceOptions
from core.camouflage.subjects import subjects

MODELS = ("dlib-resnet", "mobilefacenet-ms1m")
PERSON = "Colin_Powell"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--evaluations", type=int, default=140)
    parser.add_argument("--seeds", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    photos = [one for one in portraits(arguments.data / "lfw10") if one.person == PERSON][:3]
    nets, known = models(MODELS), standards(MODELS, FAR)
    people = subjects(photos, nets)
    for seed in range(arguments.seeds):
        for name in strategies:
            objective = Objective(people, nets, known, ObjectiveOptions(area_cap=AREA_CAP))
            budget = Budget(arguments.evaluations)
            options = SearchOptions(budget, name, SpaceOptions(shapes=6), 12, seed=seed)
            before = time.process_time()
            *_, result = Search(objective, options).run()
            assert isinstance(result, SearchResult)
            low, median = np.percentile(result.band, (5, 50))
            print(
                f"{name} seed {seed}: {result.score:.2f} (random 5 % {low:.2f}, median {median:.2f}), "
                f"{time.process_time() - before:.0f} CPU s, {result.forward_share:.0%} in recognisers",
                flush=True,
            )


if __name__ == "__main__":
    main()
