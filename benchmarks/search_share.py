"""How long a whole run takes, and how much of its search is spent inside the recognisers.

python -m benchmarks.search_share --write
"""

import argparse
import time
from dataclasses import replace

import torch

from benchmarks.results import table, write_section
from core import faces
from core.camouflage.evaluate import Portrait
from core.camouflage.options import PRESETS, Options
from core.camouflage.session import Session
from core.camouflage.system import Result, run
from core.media import images
from core.training.example_index import FOLDER, Index

TITLE = "Camouflage: where a search's time goes"
COMMAND = "python -m benchmarks.search_share --write"
PERSON = "person-a"


def photos(count: int) -> list[Portrait]:
    """The first views of a synthetic person."""
    files = [file for name, _, file in Index.load().pictures() if name == PERSON][:count]
    pictures = [images.load(FOLDER / file).pixels for file in files]
    found = faces.find_batch(pictures)
    return [Portrait(PERSON, pixels, seen[0]) for pixels, seen in zip(pictures, found, strict=True)]


def measured(label: str, options: Options, searched: int, tested: int) -> list[str]:
    """One run from the photos to the result; loading the models is part of the first one."""
    own = photos(searched + tested)
    started = time.perf_counter()
    *_, result = run(Session(own[:searched], own[searched:]), options)
    seconds = time.perf_counter() - started
    assert isinstance(result, Result)
    found = result.search
    return [
        label,
        f"{searched} + {tested}",
        f"{found.evaluations}",
        f"{found.seconds:.1f}",
        f"{found.evaluations / found.seconds:.1f}",
        f"{found.forward_share:.1%}",
        f"{seconds:.1f}",
    ]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--thorough", action="store_true", help="also the thorough preset: four minutes more")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    quick, thorough = PRESETS["quick"], PRESETS["thorough"]
    five = replace(quick, seconds=60, optimise_on=thorough.optimise_on)
    rows = [
        measured("quick, first of the process", quick, 1, 0),
        measured("quick", quick, 1, 0),
        measured("quick", quick, 4, 2),
        measured("thorough's recognisers, 60 s", five, 1, 0),
    ]
    if arguments.thorough:
        rows.append(measured("thorough", thorough, 4, 2))
    head = ["run", "photos searched + tested", "evaluations", "search, s", "evaluations a second"]
    text = (
        f"{arguments.threads} threads, two cores, views of a synthetic person; the last column is everything "
        "from the photos to the result: looking, searching, judging beside random patterns. The aim is 85 % "
        "of the search inside the recognisers' forward passes (their native crops included), and 30 s for "
        f"the quick preset.\n\n{table([*head, 'inside the recognisers', 'whole run, s'], rows)}"
    )
    print(text)
    if arguments.write:
        write_section(TITLE, COMMAND, text)


if __name__ == "__main__":
    main()
