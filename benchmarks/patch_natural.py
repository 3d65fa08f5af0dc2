"""Natural patches: what an attack in a prior's latent does to recognisers, against how natural it looks.

python -m benchmarks.patch_natural --keep DIR --write

Needs the folder of research data (FACET_TEST_DATA, else ../shared/data). People are of LFW's test part,
natural crops of the test photographs of flowers. Patches are kept in DIR: a second run only judges.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from benchmarks.results import table, write_section
from core.datasets import flowers as photographs
from core.datasets.flowers import CLASSES
from core.metrics import intervals
from core.patches import apply, bundled, naturalness, slots, victims
from core.patches import natural_makers as natural_makers  # registers
from core.patches.base import Victim
from core.patches.evaluate import scores
from core.patches.judge import ENSEMBLE, Labelled, judge
from core.patches.latent_generator import LatentGenerator
from core.patches.makers import Budget, Gallery, Maker, Task, make, makers
from core.settings import ROOT
from core.training import patch_people, sticker_detector
from core.training.bar import shown
from core.training.patch_evaluation import parts

TITLE = "Natural patches against attack strength"
COMMAND = "python -m benchmarks.patch_natural --keep DIR --write"
SEEN = ("edgeface-s", "mobilefacenet-w600k", "mobilefacenet-ms1m")
UNSEEN = "sface"
PROBES, PEOPLE = 12, 40
BUDGET, FACE_STEPS = Budget(40, 1), 8
RADII, RATES = (0.25, 0.5, 1.0), (0.2, 0.4)
CROPS = "held-out natural crops"
CONTROL, FREE = "natural sample", ("PGD", "free generator")
EYES = "synthetic-eyes"
ITS_SAMPLE, EYES_SAMPLE = "sample of the one pass", "sample of the eyes"
Made = Mapping[str, tuple[Tensor, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Probes, a clean gallery, and what all recognisers say of the probes."""

    probes: Labelled
    gallery: Labelled
    clean: Mapping[str, Tensor]
    kept: Path
    seen: Sequence[Victim]
    everyone: Sequence[Victim]

    @property
    def known(self) -> Mapping[str, Tensor]:
        """The gallery's vectors, kept in the folder."""
        path = self.kept / f"known-{PEOPLE}.safetensors"
        if not path.is_file():
            save_file(victims.embed(self.everyone, self.gallery.pictures), path)
        return load_file(path)


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """A way's attack: cosines of P probes to their own clean pictures, and the judge's mAP."""

    ensemble: np.ndarray
    unseen: np.ndarray
    retrieval: str
    elsewhere: str


def scene(data: Path, keep: Path) -> Scene:
    """The test people."""
    people = shown(patch_people.gather(data, "faces", "test", keep, (224, 224), each=4, limit=PEOPLE))
    assert people is not None
    probes, gallery = parts(people)
    probes = probes.take(range(PROBES))
    seen = [victims.face(name) for name in SEEN]
    everyone = [*seen, victims.face(UNSEEN)]
    return Scene(probes, gallery, victims.embed(everyone, probes.pictures), keep, seen, everyone)


def ways(label: str, place: str = "") -> dict[str, Maker]:
    """Every way to make a patch, those of the prior for one species; for a place where one hangs on it."""
    create = makers.create
    found = {
        "random": create("random"),
        "natural crop": create("natural crop"),
        CONTROL: create("natural sample", label=label),
        "PGD": create("pgd"),
        "free generator": create("generator", bundled.load("faces", "evasion", place=place)),
    }
    model = bundled.load("faces", "evasion", natural=True)
    assert isinstance(model, LatentGenerator)
    found[ITS_SAMPLE] = lambda _: model.natural()[0]
    for one in (radius for radius in RADII if radius <= model.about.radius):
        found[f"one pass, radius {one:g}"] = create("latent generator", model, one)
    found |= {f"offset, radius {one:g}": create("latent offset", label=label, radius=one) for one in RADII}
    steps = BUDGET.steps
    found |= {
        f"guided, rate {one:g}": create("guided sample", label=label, rate=one, steps=steps) for one in RATES
    }
    found[EYES_SAMPLE] = create("natural sample", EYES)
    found["eyes, radius 0.5"] = create("latent offset", EYES, radius=0.5, steps=FACE_STEPS)
    return found


def control(name: str) -> str:
    """The row that shows what the attack on a prior began with."""
    began = {"one pass": ITS_SAMPLE, "eyes": EYES_SAMPLE}
    return began.get(name.split(",")[0], CONTROL)


def patches(given: Scene, place: str, keep: Path) -> Made:
    """P×3×64×64 and the processor seconds of one, by way; kept in a folder."""
    found: dict[str, tuple[Tensor, float]] = {}
    slot = slots.face(place)
    for name in ways(CLASSES[0]):
        path = keep / f"{place}_{name}.safetensors".replace(" ", "_").replace(",", "")
        if not path.is_file():
            made = []
            for row, picture in enumerate(given.probes.pictures):
                own = Gallery(
                    picture[None],
                    {victim.name: given.clean[victim.name][row : row + 1] for victim in given.seen},
                )
                task = Task(picture, own, None, slot, given.seen, row, BUDGET)
                made.append(make(ways(CLASSES[row % len(CLASSES)], place)[name], task))
            cost = torch.tensor([one.cpu_seconds for one in made])
            save_file({"patches": torch.stack([one.patch for one in made]), "cost": cost}, path)
            print(f"{place}: {name} made", flush=True)
        held = load_file(path)
        found[name] = held["patches"], float(held["cost"].mean())
    return found


def effect(given: Scene, known: Mapping[str, Tensor], rows: Tensor | None, place: str) -> Effect:
    """What patches do; without patches, what is there before."""
    worn = given.probes.pictures
    if rows is not None:
        with torch.no_grad():
            worn = apply.paste(worn, rows, slots.face(place)).pictures
    before, after = (scores(v, known) for v in (given.clean, victims.embed(given.everyone, worn)))
    for held in (before, after):
        held[ENSEMBLE] = np.mean([held[victim.name] for victim in given.seen], axis=0)
    both = {name: (before[name], after[name]) for name in (ENSEMBLE, UNSEEN)}
    verdicts = {one.victim: one for one in judge(both, given.probes, given.gallery, white_box=SEEN)}
    same = given.probes.identities[:, None] == given.gallery.identities[None, :]
    own = {
        name: np.array([row[mask].mean() for row, mask in zip(after[name], same, strict=True)])
        for name in both
    }
    told = []
    for name in (ENSEMBLE, UNSEEN):
        found = verdicts[name].mean_average_precision
        told.append(f"{found.estimate:.2f} ({found.low:.2f} to {found.high:.2f})")
    return Effect(own[ENSEMBLE], own[UNSEEN], *told)


def mean(values: np.ndarray, people: np.ndarray) -> str:
    """With its 95 % interval by person."""
    found = intervals.mean(values, people)
    return f"{found.estimate:.3f} ({found.low:.3f} to {found.high:.3f})"


def strength(given: Scene, made: Made, place: str) -> tuple[str, dict[str, Effect]]:
    """The table of effects, and the effects by way."""
    known = given.known
    found = {"no patch": effect(given, known, None, place)} | {
        name: effect(given, known, rows, place) for name, (rows, _) in made.items()
    }
    base = found["no patch"]
    rows = []
    for name, one in found.items():
        own = found[control(name)]
        cells = [name, one.retrieval, mean(one.ensemble, given.probes.identities), one.elsewhere]
        cells.append(mean(one.unseen, given.probes.identities))
        for free in FREE:
            whole = (base.ensemble - found[free].ensemble).mean()
            beyond = (own.ensemble - found[free].ensemble).mean()
            cells.append(
                f"{(base.ensemble - one.ensemble).mean() / whole:.0%} / "
                f"{(own.ensemble - one.ensemble).mean() / beyond:.0%}"
            )
        cells.append(f"{made[name][1]:.2f}" if name in made else "-")
        rows.append(cells)
    head = ["patch", "mAP, attacked three", "cosine, attacked three", f"mAP, {UNSEEN}", f"cosine, {UNSEEN}"]
    head += [f"effect of {free} kept, all / beyond the control" for free in FREE]
    return table([*head, "CPU s a patch"], rows), found


def looks(made: Made, natural: Tensor) -> tuple[str, dict[str, naturalness.Scores]]:
    """The table of naturalness, and the scores by way."""
    pictures = {CROPS: natural} | {name: rows for name, (rows, _) in made.items()}
    found = {name: naturalness.score(rows) for name, rows in pictures.items()}
    rows = []
    for name, one in found.items():
        set_apart = "-", "-"
        if name in made:
            both = naturalness.apart(one, found[CROPS])
            set_apart = f"{both.kernel:.2f}", f"{both.auc:.2f}"
        spread = [
            f"{np.median(values):.3f} ({np.quantile(values, 0.05):.3f} to {np.quantile(values, 0.95):.3f})"
            for values in (one.score, one.distance, one.variation, one.sticker)
        ]
        rows.append([name, f"{one.within.sum()} of {len(one.within)}", *spread, *set_apart])
    head = ["patch", "within", "score", "distance", "variation", "P(sticker)", "kernel distance", "AUC"]
    return table(head, rows), found


def verdict(found: Mapping[str, Effect], seen: Mapping[str, naturalness.Scores]) -> str:
    """Which ways keep half of the free patches' effect, and which of them look like natural crops."""
    base = found["no patch"].ensemble.mean()
    lines = [
        "The aim: half of a free patch's effect, while the median patch lies within the range of natural "
        f"crops (of which {seen[CROPS].within.mean():.0%} do)."
    ]
    for name in found:
        if not name.startswith(("offset", "guided", "one pass", "eyes")):
            continue
        own, share = found[name].ensemble.mean(), seen[name].within.mean()
        began = found[control(name)].ensemble.mean()
        told = []
        for free in FREE:
            best = found[free].ensemble.mean()
            kept, beyond = (base - own) / (base - best), (began - own) / (began - best)
            reached = "no" if kept < 0.5 or share < 0.5 else "yes" if beyond >= 0.5 else "in all, not beyond"
            told.append(f"{free} {kept:.0%}, beyond the control {beyond:.0%}: {reached}")
        lines.append(f"- {name}: {share:.0%} within; of {'; of '.join(told)}.")
    return "\n".join(lines)


def held_out(data: Path) -> Tensor:
    """One crop of every second test photograph, N×3×64×64."""
    pictures = sticker_detector.latent_bank.as_pictures(photographs.read(data, CLASSES, "test"))
    return sticker_detector.crops(pictures, len(pictures), 1)[::2]


def main() -> None:
    """Make what is missing, judge, print, and write where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="into RESULTS.md")
    parser.add_argument("--keep", type=Path, required=True, help="a folder for found faces and patches")
    parser.add_argument("--slots", default="glasses,medical mask", help="places with commas between")
    parser.add_argument("--only-make", action="store_true", help="make patches, judge later")
    chosen = parser.parse_args()
    data = Path(os.environ.get("FACET_TEST_DATA") or ROOT.parent / "shared" / "data")
    given = scene(data, chosen.keep)
    texts = [INTRODUCTION]
    for place in chosen.slots.split(","):
        made = patches(given, place, chosen.keep)
        if chosen.only_make:
            continue
        strong, effects = strength(given, made, place)
        natural, scored = looks(made, held_out(data))
        texts += [f"### {place}", strong, natural, verdict(effects, scored)]
    if chosen.only_make:
        return
    text = "\n\n".join(texts)
    print(text)
    if chosen.write:
        write_section(TITLE, COMMAND, text)


INTRODUCTION = (
    f"Evasion: {PROBES} probes of {PROBES} people of LFW's test part against clean pictures of {PEOPLE} "
    f"people (up to three each), patches sitting still, the attacker having the probe only. Attacked: "
    f"{', '.join(SEEN)}; never seen: {UNSEEN}. Iterative ways take {BUDGET.steps} steps of one condition"
    f" each, those in the face generator {FACE_STEPS}; the samples are of one species of flowers a probe, "
    f"the same seed in every row, so that radius and rate 0 are the row of the natural sample. The one pass "
    f"(facet-patch-faces-natural) changes one picture of its own, the eyes are of the face generator; both "
    f"have the row of their samples beside them. Cosines are to the person's own clean pictures, intervals "
    f"by person (95 %). Effect kept: the fall of the attacked three's mean cosine as a share of a free "
    f"patch's, from no patch / from the sample that the way begins with, which is what the attack itself "
    f"adds. Naturalness (core.patches.naturalness): a patch is within when its score is not below"
    f" what 95 of 100 natural crops have; the natural crops are of photographs that neither prior, "
    f"detector nor scales saw, medians with 5th and 95th percentile. AUC is the detector's between the "
    f"row's patches and those crops; it learnt from attacks on synthetic people, in the latent too. The "
    f"natural crop of the makers is of scikit-learn's photographs, of which the bank of natural crops "
    f"has others. mAP among so few people is easily high: what counts is the cosines."
)

if __name__ == "__main__":
    main()
