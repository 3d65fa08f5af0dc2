"""The command line of training with patches: ``train patch-defence``.

    python -m core train patch-defence --kind persons --encoder facet-person --drawn 200 --out DIR
    python -m core train patch-defence --kind faces --encoder edgeface-s --data DATA --out DIR

DIR holds checkpoints and, at the end, ``encoder.safetensors``, which :func:`core.training.patch_defence.load`
reads and ``benchmarks/patch_defences.py`` judges. A second call goes on where the first one stopped. Under
``accelerate launch`` it runs on several devices. Nothing is put into ``weights/``.
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
    from core.patches import generator, victims
    from core.training import loop, patch_defence, patch_places

    teacher: Any = victims.KINDS[chosen.kind](chosen.encoder)
    size = teacher.height, teacher.width
    names = chosen.slots.split(",") if chosen.slots else _all_places(chosen.kind)
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


def _all_places(kind: str) -> tuple[str, ...]:
    from core.patches.slots import FACE_SHAPES

    return (*FACE_SHAPES, "drawn") if kind == "faces" else ("torso", "drawn")


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
