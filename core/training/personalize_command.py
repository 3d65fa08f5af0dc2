"""The command line of TTA-CaP: ``personalize sources`` and ``personalize evaluate``.

    python -m core personalize sources FOLDER OUT.safetensors [--layout NAME] [--classes a,b] [--anonymous]
    python -m core personalize evaluate FOLDER [--layout NAME] [--classes a,b] [--prompts "a|b"]
        [--sources FILE | --others | --nobody] [--shots N] [--methods a,b] [--preset NAME] [--out report.json]

Under the layout "folder" clips lie as ``FOLDER/person/class/clip.mp4`` or as folders of pictures; "biovid",
"stressid" and "bah" are read as they were published. Embeddings of finished clips are kept, beside OUT or in
the folder that ``--keep`` names, so that a second call goes on where the first one stopped. Where nothing is
said of sources, the bundled source cache lends, if it is of this model and these classes.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tqdm import tqdm

from core.errors import Code, UserError
from core.personalize.options import PRESETS
from core.training.bar import shown

if TYPE_CHECKING:
    from core.datasets.person_clips import PersonClip
    from core.personalize.subjects import Sources
    from core.personalize.watch import Pace
    from core.training.personal_clips import Collected
    from core.training.personal_data import Part
    from core.training.personal_evaluation import Result
    from core.vision_language import ImageText

LAYOUTS: Final = ("folder", "biovid", "stressid", "bah")


def add(commands: Any) -> None:
    """Add ``personalize`` to the commands."""
    parser = commands.add_parser("personalize", help="TTA-CaP without a browser")
    actions = parser.add_subparsers(dest="action", required=True)
    sources = actions.add_parser("sources", help="the source cache of a folder of labelled people")
    _add_common(sources)
    sources.add_argument("out", type=Path, metavar="OUT", help="the safetensors file")
    sources.add_argument("--anonymous", action="store_true", help="call the people source-001, ...")
    sources.set_defaults(run=_sources)
    evaluating = actions.add_parser("evaluate", help="all methods by subject on a folder of labelled people")
    _add_common(evaluating)
    evaluating.add_argument("--prompts", default="", help='a sentence a class: "one|two"')
    lending = evaluating.add_mutually_exclusive_group()
    lending.add_argument("--sources", type=Path, help="what personalize sources wrote, of other people")
    lending.add_argument("--others", action="store_true", help="the other people of FOLDER lend to each")
    lending.add_argument("--nobody", action="store_true", help="lends: not even the bundled people do")
    evaluating.add_argument("--preset", choices=list(PRESETS), default="ours")
    evaluating.add_argument("--methods", default="", help="with commas between; all without it")
    evaluating.add_argument("--shots", type=int, default=0, help="frames a class set aside for Tip-Adapter")
    evaluating.add_argument("--unit", choices=("video", "frame"), default="video", help="one sample")
    evaluating.add_argument("--seed", type=int, default=0, help="of the order of each person's clips")
    evaluating.add_argument("--out", type=Path, help="a JSON file with the figures of every person")
    evaluating.set_defaults(run=_evaluate)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="of the data set")
    parser.add_argument("--layout", choices=LAYOUTS, default="folder")
    parser.add_argument("--classes", default="", help="names of the class folders, with commas between")
    parser.add_argument("--split", type=Path, help="of bah: the file that lists the clips")
    parser.add_argument("--model", default="facet-image-text", help="an image-text model")
    parser.add_argument("--rate", type=float, default=5.0, help="faces that are embedded a second")
    parser.add_argument("--keep", type=Path, help="a folder for embeddings of finished clips")


def _sources(chosen: argparse.Namespace) -> int:
    from core.training import personal_sources

    given = _opened(chosen, "train")
    found = _collected(given, chosen.keep or chosen.out.with_suffix(".clips"))
    sources = personal_sources.made(found.clips, given.classes, given.model.card.identity, chosen.anonymous)
    personal_sources.write(sources, chosen.out)
    for line in personal_sources.lines(sources, found.clips):
        tqdm.write(line)
    tqdm.write(f"{chosen.out.name} holds them in {chosen.out.stat().st_size / 1e6:.2f} MB")
    return 0


def _evaluate(chosen: argparse.Namespace) -> int:
    from core.personalize.evaluate import take_shots
    from core.training import personal_data, personal_evaluation, personal_sources

    if chosen.shots < 0:
        raise UserError(Code.OPTION_RANGE, "The number of shots is negative.", "Choose 0 or more.")
    given = _opened(chosen, "test")
    sentences = personal_data.sentences(given.classes, chosen.prompts)
    sources, origin = _lent(chosen, given)
    names = personal_evaluation.names(bool(origin), chosen.shots > 0, chosen.methods)
    found = _collected(given, chosen.keep)
    clips = personal_evaluation.shuffled(found.clips, chosen.seed)
    if chosen.others:
        sources = personal_sources.made(clips, given.classes, given.model.card.identity)
    elif sources is not None:
        personal_sources.keep_apart(sources, clips)
    shots = None
    if chosen.shots:
        shots, clips = take_shots(clips, chosen.shots)
        if not clips:
            raise UserError(Code.OPTION_RANGE, "No frame is left to judge.", "Choose fewer shots.")
    text, options = given.model.texts(sentences).numpy(), PRESETS[chosen.preset]
    methods = personal_evaluation.methods(text, given.model.scale, options, sources, chosen.others, shots)
    wanted = {name: methods[name] for name in names}
    results = list(personal_evaluation.judge(wanted, clips, len(sentences), chosen.unit))
    about = {
        "folder": chosen.folder.name, "layout": chosen.layout, "model": given.model.card.name,
        "rate": chosen.rate, "classes": dict(zip(given.classes, sentences, strict=True)),
        "preset": chosen.preset, "seed": chosen.seed, "shots": chosen.shots, "sample": chosen.unit,
        "sources": origin,
        "people that lend": 0 if sources is None else len(sources.statistics) - chosen.others,
        "people": len({clip.subject for clip in clips}), "clips": len(clips),
        "frames": sum(len(clip.embeddings) for clip in clips), "left out": found.left_out,
    }  # fmt: skip
    _report(about, results, chosen.out)
    return 0


def _lent(chosen: argparse.Namespace, given: "_Given") -> tuple["Sources | None", str]:
    """The sources as far as they are there before the clips are read, and what to call them."""
    from core.personalize import bundled
    from core.training import personal_sources

    if chosen.sources is not None:
        return personal_sources.read(chosen.sources, given.classes, given.model), chosen.sources.name
    if chosen.others or chosen.nobody:
        return None, "the others" if chosen.others else ""
    sources = bundled.sources(given.classes, given.model.card.name)
    return sources, "" if sources is None else bundled.NAME


def _report(about: dict[str, Any], results: "Sequence[Result]", out: Path | None) -> None:
    """A table for people, and a file for machines."""
    from core.training import personal_evaluation

    for name, sentence in about["classes"].items():
        tqdm.write(f'{name}: "{sentence}"')
    lending = f"{about['people that lend']} people lend" if about["sources"] else "nobody lends"
    tqdm.write(
        f"{about['people']} people, {about['clips']} clips, {about['frames']} frames; a sample is a "
        f"{about['sample']}; {about['model']}, preset {about['preset']}, {lending}"
    )
    for line in personal_evaluation.lines(results, about["frames"]):
        tqdm.write(line)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        told = {**about, "methods": personal_evaluation.told(results, about["frames"])}
        out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class _Given:
    """What the command line names, before any clip is read."""

    clips: "tuple[PersonClip, ...]"
    classes: tuple[str, ...]
    model: "ImageText"
    pace: "Pace"


def _opened(chosen: argparse.Namespace, part: "Part") -> _Given:
    from core import vision_language
    from core.personalize.watch import Pace
    from core.training import personal_data

    pace = Pace(chosen.rate)
    asked = chosen.classes.split(",") if chosen.classes else ()
    clips, classes = personal_data.read(chosen.folder, chosen.layout, asked, chosen.split, part)
    if chosen.layout == "folder" and (over := personal_data.passed_over(chosen.folder, classes)):
        tqdm.write(f"Folders of other classes are left out: {', '.join(over)}")
    return _Given(clips, classes, vision_language.load(chosen.model), pace)


def _collected(given: _Given, keep: Path | None) -> "Collected":
    """The embeddings of all clips that can be read; says which cannot, and why."""
    from core.training import personal_clips

    store = None if keep is None else personal_clips.Store(keep, given.model, given.pace.rate)
    found = shown(personal_clips.collect(given.clips, given.model, given.pace, store))
    assert found is not None  # the last event of collecting
    if found.known:
        tqdm.write(f"{found.known} of {len(given.clips)} clips were read before")
    for subject, name, reason in found.left_out:
        tqdm.write(f"{subject}/{name} is left out: {reason}")
    if not found.clips:
        raise UserError(
            Code.NO_FACE, "None of these clips shows a face.", "Give clips in which faces can be found."
        )
    return found
