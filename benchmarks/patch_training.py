"""Training with patches: an encoder of whole people before and after, under an attack made against each.

python -m core train patch-defence --kind persons --encoder facet-person --drawn 150 --batch 16 --epochs 5
--steps 2 --cpu --out ../hardened
python -m benchmarks.patch_training --hardened ../hardened/encoder.safetensors --write

Drawn people of a town that neither the training nor the choice of its epoch saw. The attack is white-box and
made from scratch for each probe and each encoder; both encoders also meet the patches made for the other.
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.results import table, write_section
from core.metrics import intervals
from core.metrics.identification import identify
from core.patches import apply, makers, slots, victims
from core.patches.base import Victim
from core.patches.judge import Labelled
from core.patches.makers import Budget, Gallery, Task, make
from core.patches.slots import Slot
from core.training import patch_defence, patch_people
from core.training.patch_evaluation import parts
from core.training.person_data import TEST_TOWN

COMMAND = "python -m benchmarks.patch_training --hardened ../hardened/encoder.safetensors --write"
TITLE = "Patches: training with patches"


def worn(maker: str, victim: Victim, probes: Labelled, slot: Slot, budget: Budget) -> Tensor:
    """The probes with patches, N×3×H×W; the attacker has each probe's own clean picture."""
    own = victims.embed([victim], probes.pictures)[victim.name]
    made = []
    for row, picture in enumerate(probes.pictures):
        source = Gallery(picture[None], {victim.name: own[row : row + 1]})
        task = Task(picture, source, None, slot, (victim,), row, budget)
        made.append(make(makers.makers.create(maker), task).patch)
    return apply.paste(probes.pictures, torch.stack(made), slot).pictures


def cell(victim: Victim, pictures: Tensor, probes: Labelled, gallery: Labelled) -> str:
    """mAP with its interval by person / rank-1, of as many probes as there are pictures."""
    found, known = (victims.embed([victim], each)[victim.name] for each in (pictures, gallery.pictures))
    names = probes.identities[: len(pictures)]
    judged = identify((found @ known.T).numpy(), names, gallery.identities)
    one = intervals.mean(judged.average_precision, names)
    return f"{one.estimate:.3f} [{one.low:.2f}, {one.high:.2f}] / {judged.rank1:.3f}"


def main() -> None:
    """Measure and, with ``--write``, renew the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hardened", type=Path, required=True, help="what train patch-defence wrote")
    parser.add_argument("--encoder", default="facet-person")
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--attacked", type=int, default=20, help="people with an iterative patch")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    before = victims.person(chosen.encoder)
    after = patch_defence.load(chosen.hardened, before)
    probes, gallery = parts(patch_people.drawn(TEST_TOWN, chosen.people, 4))
    slot = slots.torso(before.height, before.width)
    few, budget = probes.take(range(chosen.attacked)), Budget(chosen.steps)
    columns = {
        f"clean ({len(probes)})": probes.pictures,
        f"random squares ({len(probes)})": worn("random", before, probes, slot, budget),
        f"clean ({len(few)})": few.pictures,
        f"PGD against it as it was ({len(few)})": worn("pgd", before, few, slot, budget),
        f"PGD against the trained one ({len(few)})": worn("pgd", after, few, slot, budget),
    }
    rows = [
        [name, *(cell(one, pictures, probes, gallery) for pictures in columns.values())]
        for name, one in (("as it was", before), ("trained with patches", after))
    ]
    text = "\n\n".join(
        [
            f"{chosen.encoder} on {len(probes)} drawn people of town {TEST_TOWN}, one probe each (in "
            f"brackets how many), {len(gallery)} pictures in the gallery; mAP with its 95 % interval by "
            f"person / rank-1. Patches sit on the torso. PGD: {chosen.steps} steps of {budget.draws} draws "
            "from scratch for each probe, with the encoder's gradients. Each encoder's own attack is the "
            "one that counts; the other's shows what carries over. Trained by `python -m core train "
            "patch-defence --kind persons --encoder facet-person --drawn 150 --batch 16 --epochs 5 --steps "
            "2 --cpu --out DIR`.",
            table(["encoder", *columns], rows),
        ]
    )
    print(text)
    if chosen.write:
        write_section(TITLE, COMMAND, text)


if __name__ == "__main__":
    main()
