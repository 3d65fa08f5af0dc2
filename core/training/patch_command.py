"""The command line of patch generators: ``train patch-generator`` and ``evaluate patch-generator``.

    python -m core train patch-generator --victims a,b,c --mode evasion --kind faces --data DATA --out DIR
    python -m core evaluate patch-generator DIR/generator.safetensors --data DATA --unseen d,e --iterative 20

DIR holds found faces, checkpoints and, at the end, ``generator.safetensors``. A second call goes on where the
first one stopped. Under ``accelerate launch`` it runs on several devices. Training takes people of the
training part, evaluation those of the test part. With ``--layout`` DATA is the folder of a published set
(``core.training.patch_sets``), which is judged by its own queries, gallery and cameras where it has them:

    python -m core evaluate patch-generator FILE --data Market-1501-v15.09.15 --layout market1501
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from core.errors import Code, UserError
from core.training.bar import shown
from core.types import Progress

FILE: Final = "generator.safetensors"
LAYOUTS: Final = ("market1501", "dukemtmc", "celeba_hq", "pubfig")


def add_train(actions: Any) -> None:
    """Add ``patch-generator`` to the sub-commands of ``train``."""
    parser = actions.add_parser("patch-generator", help="adversarial patches in one pass")
    _add_source(parser)
    parser.add_argument("--out", type=Path, required=True, help="for faces, checkpoints and the generator")
    parser.add_argument("--victims", required=True, help="names of encoders, with commas between")
    parser.add_argument("--mode", choices=("evasion", "impersonation"), default="evasion")
    parser.add_argument("--kind", choices=("faces", "persons"), default="faces")
    parser.add_argument("--slots", help="places with commas between; all that there are without it")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch", type=int, default=12, help="pictures a step")
    parser.add_argument("--every", type=int, default=100, help="steps between checkpoints within an epoch")
    parser.add_argument("--people", type=int, default=0, help="most training people; 0 for all")
    parser.add_argument("--each", type=int, default=6, help="most pictures of a training person")
    parser.add_argument("--least", type=int, default=2, help="pictures that a training person has to have")
    parser.add_argument("--synthetic", type=int, default=0, help="synthetic faces beside them")
    parser.add_argument(
        "--filmed",
        type=int,
        default=0,
        metavar="COUNT",
        help="beside drawn people, so many pictures of each of MOT17's for training, by drawn cameras",
    )
    parser.add_argument(
        "--bundled-targets",
        type=float,
        nargs="?",
        const=0.5,
        default=0.0,
        metavar="SHARE",
        help="the bundled faces become targets too: half of all, or this share",
    )
    parser.add_argument(
        "--conditions", type=float, default=1.0, help="share of the full ranges of place, light and print"
    )
    parser.add_argument("--naturalness", type=float, default=0.0, help="weight of the PatchGAN")
    parser.add_argument(
        "--push-margin", type=float, default=-0.3, help="the cosine below which a person is far enough"
    )
    parser.add_argument("--pull-margin", type=float, default=0.7, help="and above which a target is near")
    parser.add_argument(
        "--push", type=float, default=0.3, help="weight of leading away from the wearer, beside a target"
    )
    parser.add_argument("--prior", default="", help="patches are offsets in this prior's latent")
    parser.add_argument("--radius", type=float, default=0.5, help="of the offset, a share of the RMS of z0")
    parser.add_argument("--label", default="", help="of the prior's picture that is begun with")
    parser.add_argument("--sample", type=int, default=0, help="the seed of that picture")
    parser.add_argument("--told", action="store_true", help="the decoder is told the victims' vectors")
    parser.add_argument("--cut", action="store_true", help="patches begin with what the target shows there")
    parser.add_argument("--basis", type=int, default=0, help="patches that the told vectors mix")
    parser.add_argument("--canvas", action="store_true", help="drawn places show parts of a common canvas")
    parser.add_argument("--together", type=int, default=0, help="victims that look at a batch; 0 for all")
    parser.add_argument("--always", default="", metavar="NAME", help="a victim that looks at every batch")
    parser.add_argument("--start", type=Path, metavar="FILE", help="a generator to begin with")
    parser.add_argument("--rate", type=float, default=1e-3, help="highest learning rate of the network")
    parser.add_argument("--basis-rate", type=float, default=0.0, help="of the basis; 0 for our rule")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cpu", action="store_true", help="leave the accelerator alone")
    parser.set_defaults(run=_train)


def add_evaluate(actions: Any) -> None:
    """Add ``patch-generator`` to the sub-commands of ``evaluate``."""
    parser = actions.add_parser("patch-generator", help="a patch generator on people it never saw")
    parser.add_argument("generator", type=Path, metavar="FILE", help="what training wrote")
    _add_source(parser)
    parser.add_argument("--keep", type=Path, help="a folder for found faces; FILE's own without it")
    parser.add_argument(
        "--unseen",
        default="",
        help="names of encoders that were not attacked; resnet50=FILE is torchreid's ResNet-50 from a file",
    )
    parser.add_argument("--people", type=int, default=100, help="most people who are looked for; 0 for all")
    parser.add_argument("--slot", help="the place; the first that the generator knows without it")
    parser.add_argument(
        "--bundled-targets", action="store_true", help="the bundled faces are the only targets"
    )
    parser.add_argument("--iterative", type=int, default=0, help="people for the iterative way")
    parser.add_argument("--steps", type=int, default=40, help="of the iterative way")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a JSON file with all figures")
    parser.set_defaults(run=_evaluate)


def _add_source(parser: argparse.ArgumentParser) -> None:
    """Where people come from."""
    parser.add_argument("--data", type=Path, required=True, help="the folder of research data, or of a set")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--drawn", type=int, default=0, help="drawn people in place of photographed ones")
    source.add_argument("--layout", choices=LAYOUTS, help="of the published set in --data")


def _evaluate(chosen: argparse.Namespace) -> int:
    from core.patches import generator, victims
    from core.patches.evaluate import rows
    from core.patches.makers import Budget
    from core.training import patch_evaluation, patch_people

    model = generator.load(chosen.generator)
    kind, encoder = model.about.kind, victims.KINDS[model.about.kind]
    seen = [encoder(name) for name in model.about.victims]
    unseen = [_unseen(kind, name) for name in chosen.unseen.split(",") if name]
    probes, gallery = _judged(chosen, kind, (seen[0].height, seen[0].width))
    count = len(set(probes.identities))
    tqdm.write(f"{len(probes)} pictures of {count} people, looked for among {len(gallery)}; {model.about}")
    idols = None
    if chosen.bundled_targets:
        idols = [patch_people.examples(views) for views in (patch_people.LENT, patch_people.JUDGED)]
    table = []
    for event in patch_evaluation.compare(
        model,
        probes,
        gallery,
        seen,
        unseen,
        place=chosen.slot,
        idols=idols,
        iterative=chosen.iterative,
        budget=Budget(chosen.steps),
        seed=chosen.seed,
    ):
        if not isinstance(event, Progress):
            table += rows(event)
            for line in patch_evaluation.lines(event):
                tqdm.write(line)
    if chosen.out is not None:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    return 0


def _unseen(kind: str, name: str) -> Any:
    """An encoder by its name, or torchreid's ResNet-50, which no registry has, from a file."""
    from core.patches import victims
    from core.reid import resnet

    network, _, file = name.partition("=")
    if kind == "persons" and network == "resnet50" and file:
        return victims.PersonVictim(resnet.read(Path(file)))
    return victims.KINDS[kind](name)


def _judged(chosen: argparse.Namespace, kind: str, size: tuple[int, int]) -> Any:
    """Probes and gallery."""
    from core.training import patch_people, patch_sets
    from core.training.patch_evaluation import parts
    from core.training.person_data import TEST_TOWN

    if kind == "persons" and chosen.drawn:
        return parts(patch_people.drawn(TEST_TOWN, chosen.drawn, 4))
    if kind == "persons" and chosen.layout:
        return patch_sets.search(chosen.layout, chosen.data, chosen.people)
    keep = chosen.keep or chosen.generator.parent
    given = {"layout": chosen.layout, "each": 4, "limit": chosen.people}
    return parts(_gathered(chosen.data, kind, "test", keep, size, **given))


def _train(chosen: argparse.Namespace) -> int:
    from accelerate import Accelerator

    from core.patches import generator, slots, victims
    from core.patches.apply import Conditions
    from core.patches.pgd import Objective
    from core.training import loop, patch_generator, patch_places

    names = tuple(chosen.victims.split(","))
    seen_by = [victims.KINDS[chosen.kind](name) for name in names]
    sizes = {(victim.height, victim.width) for victim in seen_by}
    if len(sizes) > 1:
        raise UserError(
            Code.OPTION_RANGE,
            "These victims take pictures of different sizes.",
            "Choose victims of one size.",
        )
    size = sizes.pop()
    length = victims.length(seen_by) if chosen.told else 0
    victims.move(seen_by, Accelerator(cpu=chosen.cpu).device)
    asked = chosen.slots.split(",") if chosen.slots else slots.names(chosen.kind)
    where = patch_places.places(chosen.kind, asked, *size, seed=chosen.seed)
    shape = (128, 128) if chosen.kind == "faces" else (128, 64)
    natural = (chosen.prior, chosen.radius, chosen.label, chosen.sample) if chosen.prior else ()
    about = generator.About(chosen.mode, chosen.kind, tuple(where), names, *shape, *natural)
    about = replace(about, told=length, cut=chosen.cut, basis=chosen.basis, canvas=chosen.canvas)
    training, validation = _people(chosen, size)
    options = loop.Options(
        epochs=chosen.epochs,
        batch=chosen.batch,
        seed=chosen.seed,
        clip=5,
        every=chosen.every,
        cpu=chosen.cpu,
    )
    conditions = Conditions().eased(chosen.conditions)
    objective = Objective(
        push_margin=chosen.push_margin,
        pull_margin=chosen.pull_margin,
        push=chosen.push,
        naturalness=chosen.naturalness,
        conditions=conditions,
    )
    recipe = patch_generator.recipe(
        about,
        seen_by,
        where,
        training,
        validation,
        objective,
        idols=_idols(chosen),
        share=chosen.bundled_targets,
        rates=patch_generator.Rates(chosen.rate, basis=chosen.basis_rate),
        seed=chosen.seed,
        together=chosen.together,
        always=chosen.always,
        start=generator.load(chosen.start) if chosen.start else None,
    )
    try:
        for event in loop.run(recipe, chosen.out, options):
            if isinstance(event, Progress):
                if event.data:
                    tqdm.write("  ".join(f"{name} {value:.4f}" for name, value in event.data.items()))
            elif loop.is_first():
                assert isinstance(event.model, patch_generator.Attack)
                generator.save(event.model.generator, chosen.out / FILE)
                megabytes = (chosen.out / FILE).stat().st_size / 1e6
                tqdm.write(f"{FILE}: {megabytes:.2f} MB, epoch {event.best['epoch']:.0f}")
    finally:
        loop.leave()
    return 0


def _idols(chosen: argparse.Namespace) -> Any:
    """Aligned faces of people who are targets only."""
    from core.training import patch_people

    return patch_people.examples(patch_people.LENT) if chosen.bundled_targets else None


def _gathered(*given: Any, **wanted: Any) -> Any:
    from core.training import patch_people

    people = shown(patch_people.gather(*given, **wanted))
    assert people is not None
    return people


def _people(chosen: argparse.Namespace, size: tuple[int, int]) -> Any:
    """Training and validation people."""
    from core.training import patch_people
    from core.training.person_data import CHECK_TOWN, TOWN

    if chosen.kind == "persons" and chosen.drawn:
        training = patch_people.drawn(TOWN, chosen.drawn, 6)
        validation = patch_people.drawn(CHECK_TOWN, 60, 2)
        if chosen.filmed:
            training = patch_people.joined([training, patch_people.filmed(chosen.data, TOWN, chosen.filmed)])
    else:
        given = chosen.data, chosen.kind
        many = {"each": chosen.each, "limit": chosen.people, "least": chosen.least}
        layout = chosen.layout
        training = _gathered(*given, "training", chosen.out, size, layout=layout, **many)
        validation = _gathered(*given, "validation", chosen.out, size, layout=layout, each=2, limit=60)
    if chosen.kind == "faces" and chosen.synthetic:
        drawn = shown(patch_people.synthetic(chosen.synthetic, chosen.out))
        assert drawn is not None
        training = patch_people.joined([training, drawn])
    tqdm.write(
        f"{len(training)} pictures of {len(set(training.identities))} people to learn from, "
        f"{len(validation)} of {len(set(validation.identities))} to choose the epoch by"
    )
    return training, validation
