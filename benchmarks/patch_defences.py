"""Countermeasures against patches on real faces: who is caught, who is suspected wrongly, what it costs.

python -m benchmarks.patch_defences --data ../shared/data --keep ../patches --write

Thresholds are the bundled ones, set on validation people of LFW (`python -m core tune patch-defence`); all
figures are of test people. All detectors look through one of the encoders that the generator attacks, the
disagreement through several. The attacker who knows goes on from the generator's patch by signed gradient
steps on the cosine and on the detector's surrogate (`core.patches.adaptive`); the one who does not takes as
many steps on the cosine alone.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.results import table, write_section
from core.metrics import intervals
from core.metrics.identification import identify
from core.patches import apply, bundled, makers, slots, thresholds, victims
from core.patches.adaptive import Knowing
from core.patches.base import Victim
from core.patches.countermeasures import Purifier
from core.patches.countermeasures.measure import detection
from core.patches.countermeasures.occlusion import Occlusion
from core.patches.defend import Memory, fitted
from core.patches.generator import one_pass
from core.patches.judge import Labelled
from core.patches.slots import Slot
from core.patches.thresholds import Group
from core.training import patch_people
from core.training.bar import shown
from core.training.patch_evaluation import answerable, parts
from core.training.patch_thresholds import references
from core.types import FloatArray

COMMAND = "python -m benchmarks.patch_defences --data ../shared/data --keep ../patches --write"
TITLE = "Patches: countermeasures on faces"
LOOKER, UNSEEN = "edgeface-s", "sface"
SINGLE = ("recovery", "occlusion", "concentration", "blur", "jpeg")
WEIGHT = {"recovery": 2.0, "disagreement": 0.3, "concentration": 0.5, "blur": 2.0, "jpeg": 2.0}
STEPS, PACE = 8, 0.08  # of the attackers who descend
KINDS = ("natural crop", "random", "generator", "descending", "knowing")
Penalty = Callable[[Tensor, int], Tensor]


@dataclass(frozen=True)
class Way:
    """A detector with the encoders that it looks through."""

    name: str
    encoders: tuple[str, ...]

    @property
    def label(self) -> str:
        """For the tables."""
        unseen = f" with {UNSEEN}" if self.name == "disagreement" and UNSEEN in self.encoders else ""
        return self.name + unseen


@dataclass
class Bench:
    """Everything that the parts of the measurement share."""

    everyone: dict[str, Memory]
    attacked: tuple[str, ...]
    probes: Labelled
    gallery: Labelled
    slot: Slot
    group: Group
    fpr: float
    towards: dict[str, Tensor] = field(default_factory=dict)
    pictures: dict[str, Tensor] = field(default_factory=dict)

    def scores(self, way: Way, pictures: Tensor) -> FloatArray:
        """N scores, the first N people."""
        some = {name: vectors[: len(pictures)] for name, vectors in self.towards.items()}
        watching = [self.everyone[name] for name in way.encoders]
        found = fitted(way.name, self.group).score(pictures, watching, some)
        return np.asarray(found.numpy(), np.float64)

    def threshold(self, way: Way) -> float:
        """The bundled one."""
        if way.name == "disagreement":
            found = self.group.disagreement(way.encoders, self.fpr)
            assert found is not None
            return found
        return self.group.scores[way.encoders[0]][way.name]

    def descended(self, count: int, first: Tensor, penalty: Penalty | None = None) -> Tensor:
        """The first people's pictures with patches that go on from ``first``, count×3×224×224."""
        seen_by: list[Victim] = [self.everyone[name].victim for name in self.attacked]
        done = []
        for row in range(count):
            picture, patch = self.probes.pictures[row : row + 1], first[row : row + 1]
            own = victims.embed(seen_by, picture)
            for _ in range(STEPS):
                patch = patch.detach().requires_grad_()
                worn = apply.paste(picture, patch, self.slot).pictures
                cosines = [(one.embed(worn) * own[one.name]).sum() for one in seen_by]
                cost = torch.stack(cosines).mean()
                if penalty is not None:
                    cost = cost + penalty(worn, row)
                (slope,) = torch.autograd.grad(cost, patch)
                patch = (patch.detach() - PACE * slope.sign()).clamp(0, 1)
            done.append(apply.paste(picture, patch, self.slot).pictures)
        return torch.cat(done)

    def knowing(self, way: Way, count: int, first: Tensor) -> Tensor:
        """The same by somebody who knows the detector, its fit and its encoders."""
        detector = fitted(way.name, self.group)
        watching = [self.everyone[name].victim for name in way.encoders]

        def penalty(worn: Tensor, row: int) -> Tensor:
            some = {name: vectors[row : row + 1] for name, vectors in self.towards.items()}
            return Knowing([(WEIGHT[way.name], detector)], watching, some)(worn)

        return self.descended(count, first, penalty)


def bench(data: Path, keep: Path, people: int, few: int) -> tuple[Bench, Tensor]:
    """Test people with all patches but the knowing ones; and the generator's patches."""
    some = shown(patch_people.gather(data, "faces", "test", keep, (224, 224), each=4, limit=people))
    assert some is not None
    model, bundle = bundled.load("faces", "evasion"), thresholds.load()
    probes, gallery = answerable(*parts(some))
    attacked = tuple(sorted(model.about.victims, key=lambda name: name != LOOKER))
    everyone = {name: Memory(victims.face(name)) for name in (*attacked, UNSEEN)}
    slot = slots.face(model.about.slots[0])
    made = Bench(everyone, attacked, probes, gallery, slot, bundle.groups["faces"], bundle.fpr)
    made.towards = {name: references(one, probes, gallery) for name, one in everyone.items()}
    patches = {"generator": one_pass(model, probes.pictures, slot, None, list(everyone.values()))}
    patches |= {name: makers.blind(name, probes.pictures, slot) for name in ("natural crop", "random")}
    made.pictures = {"clean": probes.pictures}
    for name, each in patches.items():
        made.pictures[name] = apply.paste(probes.pictures, each, slot).pictures
    made.pictures["descending"] = made.descended(few, patches["generator"])
    return made, patches["generator"]


def ways(found: Bench) -> list[Way]:
    """What is measured."""
    both = [Way("disagreement", found.attacked), Way("disagreement", (*found.attacked, UNSEEN))]
    return [*(Way(name, (LOOKER,)) for name in SINGLE), *both]


def detected(found: Bench, first: Tensor, few: int) -> tuple[str, str]:
    """The table of detectors, and what the knowing attackers pay for looking harmless."""
    rows, paid = [], []
    names = found.probes.identities
    for way in ways(found):
        scores = {kind: found.scores(way, each) for kind, each in found.pictures.items()}
        if way.name in WEIGHT:
            worn = found.knowing(way, few, first)
            scores["knowing"] = found.scores(way, worn)
            paid.append([way.label, _hidden(found, worn)])
        limit = found.threshold(way)
        cells = [way.label, _share(scores["clean"] >= limit)]
        cells += [_share(scores[kind] >= limit) if kind in scores else "not tried" for kind in KINDS]
        for kind in ("random", "generator", "descending", "knowing"):
            if kind not in scores:
                cells.append("not tried")
                continue
            count = len(scores[kind])
            judged = detection(
                scores["clean"][:count], scores[kind], names[:count], names[:count], fpr=found.fpr
            )
            cells.append(_with(judged.auc))
        rows.append(cells)
        print(cells, flush=True)
    head = ["detector", "clean, alarms", *(f"{kind}, alarms" for kind in KINDS)]
    head += [f"AUC, {kind}" for kind in ("random", "generator", "descending", "knowing")]
    plain = [
        [kind, _hidden(found, found.pictures[kind][:few])] for kind in ("clean", "generator", "descending")
    ]
    hidden = table(["pictures", "mean cosine to the gallery"], plain + [[f"knowing {a}", b] for a, b in paid])
    return table(head, rows), hidden


def _hidden(found: Bench, pictures: Tensor) -> str:
    """How far the attacked encoders still know the people, the mean of the encoders."""
    each = [
        (victims.embed([found.everyone[name]], pictures)[name] * found.towards[name][: len(pictures)]).sum(1)
        for name in found.attacked
    ]
    return f"{float(torch.stack(each).mean()):.3f}"


def retrieved(found: Bench) -> str:
    """mAP and rank-1 of the looking encoder with the defence on, for clean and attacked probes."""
    looker = found.everyone[LOOKER]
    known = victims.embed([looker], found.gallery.pictures)[LOOKER]
    people = found.probes.identities, found.gallery.identities
    rows = []

    def cell(similarity: Tensor, refused: FloatArray | None = None) -> str:
        judged = identify(similarity.numpy(), *people)
        kept = np.ones(len(people[0])) if refused is None else 1.0 - refused
        precision = intervals.mean(judged.average_precision * kept[judged.valid], people[0][judged.valid])
        return f"{_with(precision)} / {judged.rank1:.3f}" if refused is None else _with(precision)

    def embedded(pictures: Tensor) -> Tensor:
        return victims.embed([looker], pictures)[LOOKER] @ known.T

    kinds = ("clean", "random", "generator")
    rows.append(["none", *(cell(embedded(found.pictures[kind])) for kind in kinds)])
    for name in ("occlusion", "concentration", "blur", "jpeg"):
        purifier = fitted(name, found.group)
        assert isinstance(purifier, Purifier)
        cleaned = [purifier.clean(found.pictures[kind], [looker]) for kind in kinds]
        rows.append([f"repair by {name}", *(cell(embedded(each)) for each in cleaned)])
    best = []
    for kind in kinds:
        views = [embedded(found.pictures[kind]), *map(embedded, Occlusion().covered(found.pictures[kind]))]
        best.append(cell(torch.stack(views).amax(0)))
    rows.append(["best covered view for each in the gallery", *best])
    for way in ways(found):
        limit = found.threshold(way)
        row = [f"refuse by {way.label}"]
        for kind in kinds:
            alarm = (found.scores(way, found.pictures[kind]) >= limit).astype(float)
            row.append(cell(embedded(found.pictures[kind]), alarm))
        rows.append(row)
    return table(["defence", *(f"{kind} probes, mAP / rank-1" for kind in kinds)], rows)


def _with(one: intervals.Interval) -> str:
    return f"{one.estimate:.3f} [{one.low:.2f}, {one.high:.2f}]"


def _share(alarms: NDArray[np.bool_]) -> str:
    return f"{alarms.mean():.2f}"


def main() -> None:
    """Measure and, with ``--write``, renew the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--keep", type=Path, required=True, help="a folder for found faces")
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--few", type=int, default=6, help="people on whom attackers descend")
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    found, first = bench(chosen.data, chosen.keep, chosen.people, chosen.few)
    caught, hidden = detected(found, first, chosen.few)
    about = (
        f"{len(found.probes)} test people of LFW (grey), one probe each, {len(found.gallery)} pictures in "
        f"the gallery; patches sit at the {found.slot.name}. The generator attacks "
        f"{', '.join(found.attacked)}; single detectors look through {LOOKER}, disagreement through the "
        f"attacked ones, and with {UNSEEN}, which the generator never saw. Thresholds let {found.fpr:.0%} "
        f"of {found.group.people} {found.group.source} be suspected; alarms are shares of test pictures "
        "over that threshold. AUC against the same people's clean pictures, with its 95 % interval by "
        f"person. Descending and knowing: the first {chosen.few} people, {STEPS} steps on from the "
        "generator's patch. Natural crops are the control: an occluder that is no attack."
    )
    kept = (
        f"Retrieval by {LOOKER} with the defence on. Repairs are made to every probe, suspected or not. "
        "Refused: a probe over the threshold finds nobody (its precision is 0), so for clean probes that "
        "is the cost and for attacked ones nothing is lost but the search. Best covered view: each gallery "
        "picture is compared with the probe and with the probe under every square, and the nearest counts."
    )
    price = (
        "What the attackers keep: cosine to the person's gallery, mean of the attacked encoders, on the few."
    )
    text = "\n\n".join([about, caught, price, hidden, kept, retrieved(found)])
    print(text)
    if chosen.write:
        write_section(TITLE, COMMAND, text)


if __name__ == "__main__":
    main()
