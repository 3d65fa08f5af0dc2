"""The command line of the ABAW heads: ``train abaw TASK`` and ``evaluate abaw TASK``.

    python -m core train abaw expr --data ANNOTATIONS --features DIR --out DIR
    python -m core evaluate abaw expr --data ANNOTATIONS --features DIR --head DIR [--submission FILE]
    python -m core evaluate abaw expr --data ANNOTATIONS --features DIR --head DIR --options JSON --others
    python -m core evaluate abaw expr --data ANNOTATIONS --predictions FILE

On several processes: ``accelerate launch --multi_gpu --num_processes N -m core train abaw ...``, with
``--num_machines``, ``--machine_rank`` and ``--main_process_ip`` for several machines, and ``--cpu`` after
``train abaw ...`` to run on processors alone. Machines must see the same annotations and features.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from core.datasets.frame_labels import Annotation, Task
from core.errors import Code, UserError
from core.types import Progress

if TYPE_CHECKING:
    from core.abaw.split import Tuned

Actions = Any  # argparse keeps the type of its sub-parsers to itself


def add_train(actions: Actions) -> None:
    """Add ``abaw`` to the sub-commands of ``train``."""
    parser = actions.add_parser("abaw", help="a head of the ABAW system on stored features")
    _add_common(parser)
    parser.add_argument("--features", type=Path, required=True, help="stored features of one encoder")
    parser.add_argument("--out", type=Path, required=True, help="for checkpoints and the head")
    parser.add_argument("--branch", choices=("features", "scores"), default="features", help="of au")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch", type=int, help="samples a step, over all processes together")
    parser.add_argument("--rate", type=float, help="learning rate")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--every", type=int, help="steps between checkpoints inside an epoch")
    parser.add_argument("--workers", type=int, help="processes that load data")
    parser.add_argument("--precision", choices=("no", "fp16", "bf16"))
    parser.add_argument("--cpu", action="store_true", help="leave accelerators alone")
    parser.set_defaults(run=_train)


def add_evaluate(actions: Actions) -> None:
    """Add ``abaw`` to the sub-commands of ``evaluate``."""
    parser = actions.add_parser("abaw", help="the challenges' figures against annotations")
    _add_common(parser)
    parser.add_argument("--part", choices=("training", "validation"), default="validation")
    parser.add_argument("--predictions", type=Path, help="a submission file; for violence a folder of them")
    parser.add_argument("--features", type=Path, help="stored features of one encoder")
    parser.add_argument("--head", type=Path, help="folder of a trained head")
    parser.add_argument("--second", type=Path, help="folder of the second head of au, on scores")
    parser.add_argument("--confidence", type=float, help="p0 of expr")
    parser.add_argument("--window", type=int, help="half width of the average, in frames")
    parser.add_argument("--options", type=Path, help="options that tune abaw wrote, instead of these two")
    parser.add_argument("--others", action="store_true", help="only videos that --options was not tuned on")
    parser.add_argument("--submission", type=Path, help="write the answers here, too")
    parser.set_defaults(run=_evaluate)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", choices=[task.value for task in Task])
    parser.add_argument("--data", type=Path, required=True, help="annotations as they were published")


def _train(chosen: argparse.Namespace) -> int:
    from core.training import abaw, loop

    task = Task(chosen.task)
    setting = abaw.SETTINGS[task]
    names = ("epochs", "batch", "seed", "every", "workers", "precision")
    given = {name: getattr(chosen, name) for name in names if getattr(chosen, name) is not None}
    setting = replace(
        setting,
        options=replace(setting.options, cpu=chosen.cpu, **given),
        rate=setting.rate if chosen.rate is None else chosen.rate,
        branch=chosen.branch,
    )
    try:
        _show(abaw.train(task, chosen.data, chosen.features, chosen.out, setting))
    finally:
        loop.leave()
    return 0


def _show(events: Iterator[Any]) -> None:
    """A bar on the first process, and a line for each epoch."""
    from core.training import loop

    bar: tqdm[None] | None = None
    for event in events:
        if not loop.is_first():
            continue
        if bar is None:
            bar = tqdm(total=100, unit="%")
        if isinstance(event, Progress):
            bar.set_description(event.message, refresh=False)
            bar.update(round(100 * event.done) - bar.n)
            if event.data:
                bar.write("  ".join(f"{name} {value:.4f}" for name, value in event.data.items()))
        else:
            bar.write("best  " + "  ".join(f"{name} {value:.4f}" for name, value in event.best.items()))
    if bar is not None:
        bar.close()


def _evaluate(chosen: argparse.Namespace) -> int:
    from core.abaw.evaluate import evaluate
    from core.training import abaw, abaw_answers

    task = Task(chosen.task)
    tuned = _tuned(chosen)
    truth = _reportable(abaw.annotations(chosen.data, task, chosen.part), tuned, chosen.others)
    if chosen.predictions is not None:
        answers = abaw_answers.read(chosen.predictions, task, [one.name for one in truth])
    elif chosen.features is not None and chosen.head is not None:
        scorer = abaw_answers.Scorer.load(task, chosen.features, chosen.head, chosen.second)
        for note in scorer.notes:
            tqdm.write(note)
        answers = abaw_answers.predict(scorer, [one.name for one in truth], tuned.options)
    else:
        raise UserError(
            Code.OPTION_RANGE,
            "There is nothing to evaluate.",
            "Give --predictions, or --features and --head.",
        )
    if chosen.submission is not None:
        abaw_answers.write(chosen.submission, task, answers)
    for line in abaw_answers.lines(evaluate(((one, answers[one.name]) for one in truth), tuned=tuned)):
        tqdm.write(line)
    return 0


def _reportable(truth: Sequence[Annotation], tuned: "Tuned", others: bool) -> Sequence[Annotation]:
    """The annotations, of which none may have been tuned on; with ``others`` those are left out."""
    seen = tuned.seen(one.name for one in truth)
    kept = [one for one in truth if one.name not in seen]
    if seen and not (others and kept):
        raise UserError(
            Code.OPTION_RANGE,
            f"The options were tuned on {len(seen)} of these {len(truth)} annotations; that would flatter.",
            "Give --others to report on the rest." if kept else "Give annotations of other videos.",
        )
    return kept


def _tuned(chosen: argparse.Namespace) -> "Tuned":
    """The options of a file with what they were tuned on, or those of the command line."""
    from core.abaw import tuned_file
    from core.abaw.split import Tuned
    from core.training import abaw_answers

    if chosen.options is None:
        return Tuned(abaw_answers.options(Task(chosen.task), chosen.confidence, chosen.window))
    if any(given is not None for given in (chosen.confidence, chosen.window, chosen.predictions)):
        raise UserError(
            Code.OPTION_RANGE,
            "Options from a file go with a head, and without --confidence and --window.",
            "Leave one of them out.",
        )
    return tuned_file.read(chosen.options)
