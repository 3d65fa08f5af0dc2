"""The command line of defences: ``train patch-defence`` and ``tune patch-defence``.

    python -m core train patch-defence --kind persons --encoder facet-person --drawn 200 --out DIR
    python -m core train patch-defence --kind faces --encoder edgeface-s --data DATA --out DIR
    python -m core tune patch-defence --data DATA --keep DIR

DIR holds checkpoints and, at the end, ``encoder.safetensors``, which :func:`core.training.patch_defence.load`
reads and ``benchmarks/patch_defences.py`` judges. A second call goes on where the first one stopped. Under
``accelerate launch`` it runs on several devices. Nothing is put into ``weights/``. To tune
renews ``core/patches/thresholds.json`` on validation people.
"""

import argparse
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from core.errors import Code, UserError
from core.training.bar import shown
from core.types import Progress

FILE: Final = "encoder.safetensors"


def add_train(actions: Any) -> None:
    """Add ``patch-defence`` to the sub-commands of ``train``."""
    parser = actions.add_parser("patch-defence", help="an encoder that keeps knowing people with patches")
    parser.add_argument("--out", type=Path, required=True, help="for faces, checkpoints and the encoder")
    parser.add_argument("--data", type=Path, help="the folder of research data; drawn people do without")
    parser.add_argument("--kind", choices=("faces", "persons"), default="persons")
    parser.add_argument("--encoder", default="facet-person", help="whose copy learns")
    parser.add_argument("--slots", help="places with commas between; all that there are without it")
    parser.add_argument("--generator", type=Path, help="a patch generator whose patches are worn too")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch", type=int, default=16, help="pictures a step")
    parser.add_argument("--people", type=int, default=0, help="most training people; 0 for all")
    parser.add_argument("--drawn", type=int, default=0, help="drawn people in place of photographed ones")
    parser.add_argument("--steps", type=int, default=2, help="of the attack in each step of the training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cpu", action="store_true", help="leave the accelerator alone")
    parser.set_defaults(run=_train)


def _train(chosen: argparse.Namespace) -> int:
    from core.patches import generator, slots, victims
    from core.training import loop, patch_defence, patch_places

    teacher: Any = victims.KINDS[chosen.kind](chosen.encoder)
    size = teacher.height, teacher.width
    names = chosen.slots.split(",") if chosen.slots else slots.names(chosen.kind)
    where = patch_places.places(chosen.kind, names, *size, seed=chosen.seed)
    training, validation = _people(chosen, size)
    worn = generator.load(chosen.generator) if chosen.generator else None
    recipe = patch_defence.recipe(
        teacher,
        [slot for slots in where.values() for slot in slots[:PLACES]],
        training,
        validation,
        patch_defence.Options(steps=chosen.steps, seed=chosen.seed),
        worn,
    )
    options = loop.Options(
        epochs=chosen.epochs, batch=chosen.batch, seed=chosen.seed, clip=5, drop_last=True, cpu=chosen.cpu
    )
    try:
        for event in loop.run(recipe, chosen.out, options):
            if isinstance(event, Progress):
                if event.data:
                    tqdm.write("  ".join(f"{name} {value:.4f}" for name, value in event.data.items()))
            elif loop.is_first():
                patch_defence.save(event.model, chosen.out / FILE, teacher.name)
                megabytes = (chosen.out / FILE).stat().st_size / 1e6
                tqdm.write(f"{FILE}: {megabytes:.2f} MB, epoch {event.best['epoch']:.0f}")
    finally:
        loop.leave()
    return 0


PLACES: Final = 4  # of a name that stands for many: drawings would crowd out the others


def _people(chosen: argparse.Namespace, size: tuple[int, int]) -> Any:
    """Training and validation people."""
    from core.training import patch_people
    from core.training.person_data import CHECK_TOWN, TOWN

    if chosen.kind == "persons" and chosen.drawn:
        return patch_people.drawn(TOWN, chosen.drawn, 4), patch_people.drawn(CHECK_TOWN, 32, 3)
    if chosen.data is None:
        raise UserError(Code.OPTION_RANGE, "There is nobody to learn from.", "Give --data, or --drawn 200.")
    given = chosen.data, chosen.kind
    training = shown(patch_people.gather(*given, "training", chosen.out, size, limit=chosen.people))
    checked = shown(patch_people.gather(*given, "validation", chosen.out, size, each=3, limit=32))
    assert training is not None and checked is not None
    return training, checked


FPR: Final = 0.05


def add_tune(actions: Any) -> None:
    """Add ``patch-defence`` to the sub-commands of ``tune``."""
    parser = actions.add_parser("patch-defence", help="the bundled thresholds of detectors of patches")
    parser.add_argument("--data", type=Path, required=True, help="the folder of research data")
    parser.add_argument("--keep", type=Path, required=True, help="a folder for found faces")
    parser.add_argument("--people", type=int, default=40, help="most validation people")
    parser.add_argument(
        "--encoders",
        help="recognisers with commas between; without it all that are here and whose card names a layer",
    )
    parser.add_argument(
        "--thorough",
        default="edgeface-s,mobilefacenet-ms1m",
        help="those through which occlusion and recovery look too, which takes most of the time",
    )
    parser.set_defaults(run=_tune)


def _tune(chosen: argparse.Namespace) -> int:
    from core.patches import bundled, thresholds, victims
    from core.training import patch_evaluation, patch_people, patch_thresholds
    from core.training.person_data import CHECK_TOWN

    faces = shown(
        patch_people.gather(
            chosen.data, "faces", "validation", chosen.keep, (224, 224), each=3, limit=chosen.people
        )
    )
    assert faces is not None
    people = {"faces": faces, "persons": patch_people.drawn(CHECK_TOWN, chosen.people, 3)}
    bodies = bundled.load("persons", "evasion").about.victims
    names = {"faces": _encoders(chosen.encoders), "persons": list(bodies)}
    source = {"faces": "validation people of LFW (grey photographs)", "persons": "drawn people"}
    groups, maps = {}, {}
    for kind, some in people.items():
        everyone = [victims.KINDS[kind](name) for name in names[kind]]
        probes, gallery = patch_evaluation.answerable(*patch_evaluation.parts(some))
        for victim in everyone:
            slot = patch_thresholds.slot_of(victim)
            maps[victim.name] = patch_thresholds.maps(victim, probes, gallery, slot)
            tqdm.write(f"{victim.name}: {maps[victim.name].rule}; {maps[victim.name].words}")
        found = shown(
            patch_thresholds.group(
                everyone, (*chosen.thorough.split(","), *names["persons"]), probes, gallery, source[kind], FPR
            )
        )
        assert found is not None
        groups[kind] = found
    command = f"python -m core tune patch-defence --data DATA --keep DIR --people {chosen.people}"
    command += f" --thorough {chosen.thorough}" + (
        f" --encoders {chosen.encoders}" if chosen.encoders else ""
    )
    thresholds.write(thresholds.Thresholds(FPR, command, groups, maps))
    return 0


def _encoders(given: str | None) -> list[str]:
    from core import recognition, weights

    if given:
        return given.split(",")
    here = [name for name, card in recognition.cards.items() if weights.status(name).present and card.layer]
    return sorted(here)
