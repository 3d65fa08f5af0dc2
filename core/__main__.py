"""The command line: ``python -m core weights list|fetch|add|verify|table``, ``examples draw|aim|find|check``,
``clips``, ``train expression|export-expression|abaw|stand-ins|audio-head|image-text|source-cache``,
``train latent-diffusion|person-encoder|patch-generator|patch-defence|sticker-detector``,
``abaw features``, ``tune abaw|patch-defence``,
``evaluate abaw|patch-generator``, ``personalize sources|evaluate``.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from core import weights
from core.errors import UserError
from core.settings import settings, share_processors
from core.training import (
    abaw_command,
    audio_command,
    features_command,
    image_text_command,
    latent_diffusion_command,
    patch_command,
    patch_defence_command,
    person_command,
    personalize_command,
    source_cache_command,
    stand_ins_command,
    sticker_command,
    tune_command,
)
from core.training.bar import shown
from core.types import Progress
from core.weights import Entry, Health, megabytes, table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when all went well, 1 when not, with a sentence and a hint on stderr."""
    parser = argparse.ArgumentParser(prog="python -m core", description="Facet without a browser.")
    commands = parser.add_subparsers(dest="command", required=True)
    _add_weights(commands.add_parser("weights", help="list, fetch and verify the weights"))
    _add_examples(commands.add_parser("examples", help="draw, find and check the synthetic example faces"))
    _add_train(commands.add_parser("train", help="train what comes with Facet"))
    clips = commands.add_parser("clips", help="draw the example clips of the video tab again")
    clips.set_defaults(run=_make_clips)
    features_command.add(commands)
    personalize_command.add(commands)
    evaluating = commands.add_parser("evaluate", help="figures against the annotations of a data set")
    judged = evaluating.add_subparsers(dest="action", required=True)
    abaw_command.add_evaluate(judged)
    patch_command.add_evaluate(judged)
    tuning = commands.add_parser("tune", help="options and thresholds, on data that nothing is reported on")
    tuned = tuning.add_subparsers(dest="action", required=True)
    tune_command.add(tuned)
    patch_defence_command.add_tune(tuned)
    chosen = parser.parse_args(arguments)
    share_processors()
    try:
        return int(chosen.run(chosen))
    except UserError as problem:
        print(problem.message, problem.hint, sep="\n", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _add_weights(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="what there is and whether it is here")
    listing.add_argument("--role", help="only one role, for instance recognition")
    listing.set_defaults(run=_list)
    fetching = actions.add_parser("fetch", help="fetch by name; without names all that are not optional")
    fetching.add_argument("names", nargs="*", metavar="NAME")
    fetching.add_argument("--all", action="store_true", help="the optional ones too")
    fetching.set_defaults(run=_fetch)
    adding = actions.add_parser("add", help="install an entry from files that you have")
    adding.add_argument("name", metavar="NAME")
    adding.add_argument("files", nargs="+", type=Path, metavar="FILE")
    adding.set_defaults(run=_add)
    verifying = actions.add_parser("verify", help="hash again what is here; without names all")
    verifying.add_argument("names", nargs="*", metavar="NAME")
    verifying.set_defaults(run=_verify)
    tabling = actions.add_parser("table", help="the table of the docs, printed or written")
    tabling.add_argument("--write", action="store_true", help="into weights/README.md")
    tabling.set_defaults(run=_table)


def _add_examples(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    for action, help in (
        ("draw", "every picture again, from the seeds and moves of the index"),
        ("aim", "find the moves anew with the directions that are there, then draw"),
        ("find", "find the directions anew too"),
    ):
        actions.add_parser(action, help=help).set_defaults(run=_make_examples)
    checking = actions.add_parser("check", help="whether recognisers agree on who is who")
    checking.add_argument("names", nargs="*", metavar="RECOGNISER", help="without names all that are here")
    checking.set_defaults(run=_check_examples)


def _add_train(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    _add_train_expression(actions)
    abaw_command.add_train(actions)
    stand_ins_command.add_train(actions)
    audio_command.add_train(actions)
    image_text_command.add_train(actions)
    latent_diffusion_command.add_train(actions)
    person_command.add_train(actions)
    source_cache_command.add_train(actions)
    patch_command.add_train(actions)
    sticker_command.add_train(actions)
    patch_defence_command.add_train(actions)


def _add_train_expression(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    training = actions.add_parser("expression", help="the expression encoder; goes on where a run stopped")
    training.add_argument("--data", type=Path, required=True, help="the folder of research data")
    training.add_argument("--out", type=Path, required=True, help="where the checkpoint is kept")
    training.add_argument("--epochs", type=int, help="passes over FER2013 Training")
    training.add_argument("--seed", type=int, help="of the order, the augmentation and the new layer")
    training.set_defaults(run=_train_expression)
    exporting = actions.add_parser("export-expression", help="a checkpoint's mean weights into weights/")
    exporting.add_argument("--run", dest="folder", type=Path, required=True, help="the --out of training")
    exporting.set_defaults(run=_export_expression)


def _list(chosen: argparse.Namespace) -> int:
    entries = weights.entries(chosen.role)
    wide = max((len(entry.name) for entry in entries), default=0)
    for entry in entries:
        here = weights.status(entry.name)
        mark = "*" if here.present else " "
        print(f"{mark} {entry.name:{wide}}  {entry.role:13}  {megabytes(entry.bytes):>7}  {here.reason}")
        print(f"  {'':{wide}}  {entry.title}; weights: {entry.weights_licence}")
    return 0


def _fetch(chosen: argparse.Namespace) -> int:
    names = [entry.name for entry in weights.entries()] if chosen.all else chosen.names
    _show(weights.fetch(names))
    return 0


def _add(chosen: argparse.Namespace) -> int:
    weights.installed().add(chosen.name, chosen.files)
    print(f"{weights.entry(chosen.name).title} is ready.")
    return 0


def _show(events: Iterator[Progress]) -> None:
    """A bar for each download, and a line for everything that is ready."""
    bar: tqdm[None] | None = None
    try:
        for event in events:
            total = int(event.data.get("total", 0))
            if bar is not None and bar.total != total:
                bar.close()
                bar = None
            if not total:
                tqdm.write(event.message)
                continue
            if bar is None:
                bar = tqdm(total=total, unit="B", unit_scale=True, desc=event.message.rpartition(" (")[0])
            bar.update(int(event.data["bytes"]) - bar.n)
    finally:
        if bar is not None:
            bar.close()


def _verify(chosen: argparse.Namespace) -> int:
    entries: Sequence[Entry] = [weights.entry(name) for name in chosen.names] or weights.entries()
    found = {entry.name: weights.verify(entry.name) for entry in entries}
    for name, health in found.items():
        print(f"{health:8} {name}")
    wrong = {Health.DAMAGED, Health.ABSENT} if chosen.names else {Health.DAMAGED}
    return int(any(health in wrong for health in found.values()))


def _table(chosen: argparse.Namespace) -> int:
    if not chosen.write:
        print(table.markdown(weights.entries()))
        return 0
    changed = table.write(settings().weights_dir / "README.md", weights.entries())
    print("weights/README.md was", "brought up to date." if changed else "up to date.")
    return 0


def _make_examples(chosen: argparse.Namespace) -> int:
    from core.training import make_examples

    actions = {"draw": make_examples.draw, "aim": make_examples.aim_all, "find": make_examples.find}
    return _percent(actions[chosen.action]())


def _make_clips(_: argparse.Namespace) -> int:
    from core.training import make_clips

    return _percent(make_clips.make())


def _percent(events: Iterator[Progress]) -> int:
    shown(events)
    return 0


def _check_examples(chosen: argparse.Namespace) -> int:
    from core.camouflage.session import usable
    from core.training.check_examples import check

    found = check(chosen.names or usable())
    for one in found:
        print(one.text)
    return int(not all(one.agrees for one in found))


def _train_expression(chosen: argparse.Namespace) -> int:
    from core.training import expression_encoder

    given = {name: getattr(chosen, name) for name in ("epochs", "seed") if getattr(chosen, name) is not None}
    options = expression_encoder.Options(**given)
    with tqdm(total=options.epochs, unit="epoch") as bar:
        for epoch in expression_encoder.run(chosen.data, chosen.out, options):
            bar.update(epoch.number + 1 - bar.n)
            tqdm.write(f"epoch {epoch.number}: loss {epoch.loss:.4f}, PublicTest {epoch.accuracy:.4f}")
    return 0


def _export_expression(chosen: argparse.Namespace) -> int:
    from core.training.export_expression import export

    print(export(chosen.folder, settings().weights_dir))
    return 0


if __name__ == "__main__":
    sys.exit(main())
