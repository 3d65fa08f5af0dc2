"""The command line that tunes the steps after a trained head: ``tune abaw expr|au``.

    python -m core tune abaw expr --data ANNOTATIONS --features DIR --head DIR --out FILE.json
    python -m core tune abaw au --data ANNOTATIONS --features DIR --head DIR [--second DIR] --out FILE.json

What is written names the videos that were tuned on; ``evaluate abaw --options FILE.json`` refuses to report
on these, and with ``--others`` keeps the rest.
"""

import argparse
from pathlib import Path
from typing import Any

from tqdm import tqdm

from core.datasets.frame_labels import Task


def add(actions: Any) -> None:
    """Add ``abaw`` to the sub-commands of ``tune``."""
    parser = actions.add_parser("abaw", help="p0, delta and bias of expr, or the thresholds of au")
    parser.add_argument("task", choices=[Task.EXPRESSION.value, Task.UNITS.value])
    parser.add_argument("--data", type=Path, required=True, help="annotations as they were published")
    parser.add_argument("--features", type=Path, required=True, help="stored features of one encoder")
    parser.add_argument("--head", type=Path, required=True, help="folder of a trained head")
    parser.add_argument("--second", type=Path, help="folder of the second head of au, on scores")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file of options")
    parser.add_argument("--seed", type=int, default=0, help="which videos are in which half")
    parser.set_defaults(run=_tune)


def _tune(chosen: argparse.Namespace) -> int:
    from core.abaw import tuned_file
    from core.abaw.evaluate import FIGURES
    from core.training import abaw, abaw_answers, abaw_tuning

    task = Task(chosen.task)
    truth = abaw.annotations(chosen.data, task, "validation")
    scorer = abaw_answers.Scorer.load(task, chosen.features, chosen.head, chosen.second)
    for note in scorer.notes:
        tqdm.write(note)
    tqdm.write(f"{FIGURES[task]} on the videos that are not tuned on")
    for step in abaw_tuning.tune(scorer, truth, chosen.seed):
        for line in abaw_tuning.lines(step):
            tqdm.write(line)
    about = {"task": task.value, "features": scorer.store.folder.name, "head": chosen.head.name}
    tuned_file.write(chosen.out, step.tuned, about)
    tqdm.write(f"{chosen.out.name} holds the last options, tuned on {len(step.tuned.clips)} annotations")
    return 0
