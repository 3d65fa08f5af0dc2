"""Find universal patterns: `python -m benchmarks.camouflage_universal --split a`.

A pattern is searched on the photos of many people with some of the recognisers; the others, and the
test people, take no part. The splits `without-NAME` leave one recogniser out and are the rows of the
leave-one-model-out matrix. Checkpoints are written after every improvement, so the search can be ended
at any time. `benchmarks.camouflage` judges the results and turns a and b into shipped presets.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from core import faces
from core.camouflage.evaluate import Portrait
from core.camouflage.objective import Objective, ObjectiveOptions, Standard
from core.camouflage.pattern import Pattern
from core.camouflage.search import Budget, Search, SearchOptions, SearchResult, strategies
from core.camouflage.session import models, standards
from core.camouflage.space import SpaceOptions
from core.camouflage.subjects import subjects
from core.datasets import folders

FAR = 0.01
AREA_CAP = 0.195  # a little below a fifth, since the test photos' valid regions differ
# Every other person of lfw10, by name, is searched on; the five others only test.
# the five fastest recognisers take turns in being left out; LightCNN and SFace judge all of those searches
FAST = ("dlib-resnet", "edgeface-s", "facenet-vggface2", "mobilefacenet-ms1m", "mobilefacenet-w600k")
SPLITS = {
    "a": ("dlib-resnet", "edgeface-s", "mobilefacenet-ms1m", "mobilefacenet-w600k"),
    "b": ("dlib-resnet", "edgeface-s", "facenet-vggface2", "mobilefacenet-w600k"),
    **{f"without-{left}": tuple(name for name in FAST if name != left) for left in FAST},
}
DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "faces"
WORK = Path("/tmp/facet-camouflage")


def portraits(folder: Path) -> list[Portrait]:
    """Every photo of a folder of people whose face is found; the largest face of each."""
    found = []
    for photo in folders.people(folder):
        pixels = photo.pixels()
        seen = faces.find(pixels)
        if seen:
            found.append(Portrait(photo.identity, pixels, seen[0]))
    return found


def split_people(people: Sequence[str]) -> tuple[list[str], list[str]]:
    """Search and test people: every other one by name."""
    names = sorted(set(people))
    return names[::2], names[1::2]


def search_portraits(data: Path) -> list[Portrait]:
    """Those that a universal search sees: half of lfw10's people, and johns."""
    lfw = portraits(data / "lfw10")
    chosen, _ = split_people([one.person for one in lfw])
    return [one for one in lfw if one.person in chosen] + portraits(data / "johns")


def find(
    people: Sequence[Portrait],
    names: Sequence[str],
    known: dict[str, Standard],
    budget: Budget,
    seed: int,
    checkpoint: Path,
    *,
    strategy: str = "evolution",
    shapes: int = 6,
    photos: int = 10,
    initial: int = 32,
    population: int = 12,
    reference: int = 32,
    softness: float = 0.0,
    start: Pattern | None = None,
) -> SearchResult:
    """One universal search with rotating photos and conditions; the best so far is kept on disk."""
    nets = models(names)
    chosen = ObjectiveOptions(area_cap=AREA_CAP, photos=photos, softness=softness)
    objective = Objective(subjects(people, nets), nets, known, chosen)
    options = SearchOptions(
        budget,
        strategy,
        SpaceOptions(shapes=shapes),
        population=population,
        initial=initial if start is None else 4,
        seed=seed,
        starts=() if start is None else (start,),
        rotate=5,
        reference=reference,
    )
    search = Search(objective, options)
    best = float("inf")
    started = time.perf_counter()
    for event in search.run():
        if isinstance(event, SearchResult):
            return event
        print(f"{time.perf_counter() - started:6.0f} s {event.message}", event.data, flush=True)
        if event.data["best"] < best:
            best = event.data["best"]
            write(search.result(), names, checkpoint)
    raise AssertionError("a search ends with its result")


def write(result: SearchResult, names: Sequence[str], path: Path) -> None:
    """Keep a result as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    body = {
        "pattern": json.loads(result.pattern.to_json()),
        "optimised_on": list(names),
        "seed": result.seed,
        "strategy": result.strategy,
        "score": result.score,
        "margins": result.margins,
        "area": result.area,
        "band": list(result.band),
        "evaluations": result.evaluations,
        "seconds": result.seconds,
        "forward_share": result.forward_share,
        "history": [list(row) for row in result.history],
    }
    path.write_text(json.dumps(body, indent=1), encoding="utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=sorted(SPLITS), default="a")
    parser.add_argument("--evaluations", type=int, default=1500)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--strategy", choices=sorted(strategies), default="evolution")
    parser.add_argument("--shapes", type=int, default=6)
    parser.add_argument("--photos", type=int, default=10, help="in one evaluation, drawn anew now and then")
    parser.add_argument("--population", type=int, default=12)
    parser.add_argument("--initial", type=int, default=32, help="random patterns tried first")
    parser.add_argument("--reference", type=int, default=32, help="photos that judge the best so far")
    parser.add_argument("--softness", type=float, default=0.0, help="see ObjectiveOptions")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=WORK)
    parser.add_argument("--start", type=Path, help="a checkpoint to go on from")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    names = SPLITS[arguments.split]
    path = arguments.out / f"universal_{arguments.split}_{arguments.seed}.json"
    budget = Budget(arguments.evaluations, arguments.seconds)
    known = standards(names, FAR)
    start = None
    if arguments.start:
        body = json.loads(arguments.start.read_text(encoding="utf-8"))
        start = Pattern.from_json(json.dumps(body["pattern"]))
    people = search_portraits(arguments.data)
    result = find(
        people, names, known, budget, arguments.seed, path,
        strategy=arguments.strategy, shapes=arguments.shapes, photos=arguments.photos,
        population=arguments.population, initial=arguments.initial, reference=arguments.reference,
        softness=arguments.softness, start=start,
    )  # fmt: skip
    write(result, names, path)


if __name__ == "__main__":
    main()
