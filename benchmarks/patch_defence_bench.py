"""What the benchmark of countermeasures shares: test people, their patches, detectors and their scores."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from core.patches import apply, bundled, makers, slots, thresholds, victims
from core.patches.adaptive import Knowing
from core.patches.base import Victim
from core.patches.defend import Memory, fitted
from core.patches.generator import one_pass
from core.patches.judge import Labelled
from core.patches.slots import Slot
from core.patches.thresholds import Group
from core.training import patch_people
from core.training.bar import shown
from core.training.patch_evaluation import answerable, parts
from core.training.patch_people import People
from core.training.patch_thresholds import references
from core.training.person_data import TEST_TOWN
from core.types import FloatArray

LOOKERS: Final = {"faces": "edgeface-s", "persons": "facet-person"}
UNSEEN: Final = {"faces": "sface", "persons": ""}
"""An encoder with thresholds that the generator never saw, if there is one."""
CAMERAS: Final = 4  # pictures of each drawn person, of which the first is the probe
SINGLE: Final = ("recovery", "occlusion", "concentration", "blur", "jpeg")
WEIGHT: Final = {
    "recovery": 2.0,
    "occlusion": 0.5,
    "disagreement": 0.3,
    "concentration": 0.5,
    "blur": 2.0,
    "jpeg": 2.0,
}
"""Of each detector's surrogate beside the cosine: tried on two or three validation people of either kind."""
STEPS, PACE = 8, 0.08  # of the attackers who descend
Penalty = Callable[[Tensor, int], Tensor]
Scores = dict["Way", dict[str, FloatArray]]
"""By detector and kind of pictures, N scores."""


@dataclass(frozen=True)
class Way:
    """A detector with the encoders that it looks through.

    Attributes:
        name: in the registry.
        encoders: their names.
        beside: that of them which the generator never saw, for the tables.
    """

    name: str
    encoders: tuple[str, ...]
    beside: str = ""

    @property
    def label(self) -> str:
        """For the tables."""
        return f"{self.name} with {self.beside}" if self.beside else self.name


@dataclass
class Bench:
    """Everything that the parts of the measurement share."""

    everyone: dict[str, Memory]
    attacked: tuple[str, ...]
    unseen: str
    probes: Labelled
    gallery: Labelled
    slot: Slot
    group: Group
    fpr: float
    towards: dict[str, Tensor] = field(default_factory=dict)
    pictures: dict[str, Tensor] = field(default_factory=dict)

    @property
    def looker(self) -> Memory:
        """Through whom single detectors look."""
        return self.everyone[self.attacked[0]]

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
        """The first people's pictures with patches that go on from ``first``, count×3×H×W."""
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


def gathered(kind: str, data: Path, keep: Path, count: int) -> People:
    """Test people with a probe and other pictures of each."""
    if kind == "persons":
        return patch_people.drawn(TEST_TOWN, count, CAMERAS)
    some = shown(patch_people.gather(data, kind, "test", keep, (224, 224), each=4, limit=count))
    assert some is not None
    return some


def bench(kind: str, some: People, few: int) -> tuple[Bench, Tensor]:
    """Test people with all patches but the knowing ones; and the generator's patches."""
    model, bundle = bundled.load(kind, "evasion"), thresholds.load()
    probes, gallery = answerable(*parts(some))
    attacked = tuple(sorted(model.about.victims, key=lambda name: name != LOOKERS[kind]))
    everyone = {
        name: Memory(victims.KINDS[kind](name)) for name in (*attacked, *filter(None, [UNSEEN[kind]]))
    }
    slot = slots.named(kind, model.about.slots[0], *probes.pictures.shape[2:])
    made = Bench(everyone, attacked, UNSEEN[kind], probes, gallery, slot, bundle.groups[kind], bundle.fpr)
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
    single = [Way(name, (found.looker.name,)) for name in SINGLE]
    both = [Way("disagreement", found.attacked)]
    if found.unseen:
        both.append(Way("disagreement", (*found.attacked, found.unseen), found.unseen))
    return [*single, *both]


def scored(found: Bench, first: Tensor, few: int) -> tuple[Scores, dict[str, Tensor]]:
    """What every detector says of every kind of picture; and the knowing attackers' pictures."""
    scores: Scores = {}
    known = {}
    for way in ways(found):
        scores[way] = {kind: found.scores(way, each) for kind, each in found.pictures.items()}
        worn = found.knowing(way, few, first)
        scores[way]["knowing"] = found.scores(way, worn)
        known[f"knowing {way.label}"] = worn
        print(way.label, {kind: float(each.mean()) for kind, each in scores[way].items()}, flush=True)
    return scores, known
