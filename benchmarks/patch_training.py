"""Training with patches: an encoder of whole people before and after, under an attack made against each.

python -m core train patch-defence --kind persons --encoder facet-person --drawn 150 --batch 16 --epochs 5
--steps 2 --cpu --out ../hardened
python -m benchmarks.patch_training --hardened ../hardened/encoder.safetensors \
    --people 32 --attacked 24 --steps 20 --write

Drawn people of a town that neither the training nor the choice of its epoch saw. The attack is white-box and
made from scratch for each probe and each encoder; both encoders also meet the patches made for the other.
"""

import argparse
import json
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.results import table, write_section
from core.metrics import intervals
from core.metrics.identification import identify
from core.patches import apply, makers, slots, victims
from core.patches.base import Victim
from core.patches.generator import PATCH
from core.patches.judge import Labelled
from core.patches.slots import Slot
from core.patches.victims import PersonVictim
from core.training import patch_defence, patch_people
from core.training.patch_evaluation import parts
from core.training.person_data import TEST_TOWN

COMMAND = (
    "python -m benchmarks.patch_training --hardened ../hardened/encoder.safetensors "
    "--people 32 --attacked 24 --steps 20 --write"
)
TITLE = "Patches: training with patches"
TRAINING = (
    "python -m core train patch-defence --kind persons --encoder facet-person --drawn 150 --batch 16 "
    "--epochs 5 --steps 2 --cpu --out ../hardened"
)
PACE = 0.1  # of a step of the attack


def attacked(victim: PersonVictim, probes: Labelled, slot: Slot, steps: int) -> Tensor:
    """The probes with patches made from scratch against this encoder, N×3×H×W."""
    own = victims.embed([victim], probes.pictures)[victim.name]
    first = torch.full((len(probes), 3, PATCH, PATCH), 0.5)
    made = []
    for rows in torch.split(torch.arange(len(probes)), victims.BATCH):
        some = probes.pictures[rows], own[rows], slot, first[rows]
        made.append(patch_defence.descend(victim.model, *some, steps, PACE))
    return apply.paste(probes.pictures, torch.cat(made), slot).pictures


def squares(probes: Labelled, slot: Slot) -> Tensor:
    """The probes with squares of random colours."""
    return apply.paste(probes.pictures, makers.blind("random", probes.pictures, slot), slot).pictures


def cell(victim: Victim, pictures: Tensor, probes: Labelled, gallery: Labelled) -> str:
    """mAP with its interval by person / rank-1, of as many probes as there are pictures."""
    found, known = (victims.embed([victim], each)[victim.name] for each in (pictures, gallery.pictures))
    names = probes.identities[: len(pictures)]
    judged = identify((found @ known.T).numpy(), names, gallery.identities)
    one = intervals.mean(judged.average_precision, names)
    return f"{one.estimate:.3f} [{one.low:.2f}, {one.high:.2f}] / {judged.rank1:.3f}"


def _epochs(encoder: Path) -> str:
    """How far the training came, by the history beside the encoder."""
    history = json.loads(encoder.with_name("history.json").read_text(encoding="utf-8"))
    best = max(history, key=lambda one: one["both"])
    return (
        f"{len(history)} epochs were done, of which number {best['epoch'] + 1:.0f} was best on validation "
        f"people (mAP {best['mAP']:.3f}, attacked {best['mAP attacked']:.3f})"
    )


def main() -> None:
    """Measure and, with ``--write``, renew the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hardened", type=Path, required=True, help="what train patch-defence wrote")
    parser.add_argument("--encoder", default="facet-person")
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--attacked", type=int, default=40, help="people with an iterative patch")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    before = victims.person(chosen.encoder)
    after = patch_defence.load(chosen.hardened, before)
    assert isinstance(after, PersonVictim)
    probes, gallery = parts(patch_people.drawn(TEST_TOWN, chosen.people, 4))
    slot = slots.torso(before.height, before.width)
    few = probes.take(range(chosen.attacked))
    columns = {
        f"clean ({len(probes)})": probes.pictures,
        f"random squares ({len(probes)})": squares(probes, slot),
        f"clean ({len(few)})": few.pictures,
        f"PGD against it as it was ({len(few)})": attacked(before, few, slot, chosen.steps),
        f"PGD against the trained one ({len(few)})": attacked(after, few, slot, chosen.steps),
    }
    rows = [
        [name, *(cell(one, pictures, probes, gallery) for pictures in columns.values())]
        for name, one in (("as it was", before), ("trained with patches", after))
    ]
    text = "\n\n".join(
        [
            f"{chosen.encoder} on {len(probes)} drawn people of town {TEST_TOWN}, one probe each (in "
            f"brackets how many), {len(gallery)} pictures in the gallery; mAP with its 95 % interval by "
            f"person / rank-1. Patches sit on the torso. PGD: {chosen.steps} signed steps of {PACE} from "
            "grey for each probe, with the encoder's gradients. Each encoder's own attack is the one that "
            f"counts; the other's shows what carries over. Trained by `{TRAINING}`; "
            f"{_epochs(chosen.hardened)}.",
            table(["encoder", *columns], rows),
        ]
    )
    print(text)
    if chosen.write:
        write_section(TITLE, COMMAND, text)


if __name__ == "__main__":
    main()
