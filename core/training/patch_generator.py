"""Train a conditional patch generator: ``python -m core train patch-generator``.

Each step patches a batch of training people under drawn conditions, lets the frozen victims look, and pushes
or pulls (``core.patches.losses``); with a weight for naturalness a PatchGAN learns beside it. Gradients reach
the generator through victims that keep their parameters as they are. Figures after each epoch are of the
validation people, whose patches sit still.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.patches import apply, losses, victims
from core.patches.base import Victim
from core.patches.generator import About, PatchGenerator
from core.patches.makers import natural_crops
from core.patches.pgd import Objective
from core.patches.slots import Slot
from core.training.loop import Predict, Recipe, Values
from core.training.patch_people import People

WARM: Final = 0.1  # share of the steps over which the rates rise
GALLERY: Final = 2  # clean pictures with which a patched one is compared in a step


@dataclass(frozen=True, slots=True)
class Rates:
    """How fast the parts learn (our choice).

    Attributes:
        network: of encoder and decoder.
        common: of the common patch, in units before its tanh.
        judge: of the discriminator.
    """

    network: float = 1e-3
    common: float = 3e-2
    judge: float = 4e-4


class Attack(nn.Module):
    """A generator at work: pictures in, what the victims say of the patched ones out.

    Victims are no part of its state: they stay as they are.

    Args:
        generator: what is trained.
        seen_by: the victims.
        slot: where patches sit.
        objective: what is lowered.
    """

    def __init__(
        self, generator: PatchGenerator, seen_by: Sequence[Victim], slot: Slot, objective: Objective
    ) -> None:
        super().__init__()
        self.generator = generator
        self.judge = losses.PatchDiscriminator() if objective.naturalness else None
        self.victims, self.slot, self.objective = tuple(seen_by), slot, objective

    def forward(self, pictures: Tensor, natural: Tensor, target: Tensor | None = None) -> tuple[Tensor, ...]:
        """One look.

        Args:
            pictures: N×3×H×W in 0..1.
            natural: N×3×64×64 natural crops for the discriminator.
            target: N×3×H×W for impersonation.

        Returns:
            N×D unit vectors, one tensor a victim; then N times what the patches cost by their looks.
        """
        patches = self.generator(pictures, target)
        drawn = apply.draw(self.objective.conditions, len(pictures)) if self.training else None
        worn = apply.paste(pictures, patches, self.slot, drawn).pictures
        looks = self.objective.looks(patches, worn, pictures)
        if self.judge is not None and self.training:
            looks = looks + self.objective.naturalness * losses.naturalness(self.judge, patches)
            looks = looks + losses.discernment(self.judge, natural, patches)
        return *(victim.embed(worn) for victim in self.victims), looks.expand(len(pictures))

    def groups(self, rates: Rates) -> list[dict[str, object]]:
        """Parameters with their rates."""
        common = self.generator.common
        rest = [value for value in self.generator.parameters() if value is not common]
        found: list[dict[str, object]] = [
            {"params": rest, "lr": rates.network},
            {"params": [common], "lr": rates.common, "weight_decay": 0.0},
        ]
        if self.judge is not None:
            found.append({"params": list(self.judge.parameters()), "lr": rates.judge})
        return found


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures, and the galleries that the victims' vectors are compared with."""

    inputs: Values
    labels: Values


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """People as a source for the training loop; galleries and targets are drawn anew at every look.

    Attributes:
        people: the pictures.
        vectors: N×D unit vectors of the clean pictures by victim.
        aim: each gets a target, another person.
    """

    people: People
    vectors: Mapping[str, Tensor]
    aim: bool

    def __len__(self) -> int:
        return len(self.people)

    def rows(self, numbers: NDArray[np.int64]) -> Batch:
        """These people with galleries, and targets with galleries where there is an aim."""
        chance = np.random.default_rng(int(torch.randint(2**31, ()).item()))
        labels = self._galleries(numbers, chance)
        inputs = [self._pictures(numbers), natural_crops(len(numbers), chance)]
        if self.aim:
            names = self.people.identities
            targets = np.array([chance.choice(np.flatnonzero(names != names[row])) for row in numbers])
            inputs.append(self._pictures(targets))
            labels += self._galleries(targets, chance)
        return Batch(tuple(inputs), tuple(labels))

    def _pictures(self, numbers: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(self.people.pixels[numbers]).permute(0, 3, 1, 2).float() / 255

    def _galleries(self, numbers: NDArray[np.int64], chance: np.random.Generator) -> list[Tensor]:
        """N×G×D for each victim, of the same people's other pictures."""
        rows = np.stack([chance.choice(self.people.others(int(row)), GALLERY) for row in numbers])
        return [vectors[torch.from_numpy(rows)] for vectors in self.vectors.values()]


def pairs(people: People, seen_by: Sequence[Victim], aim: bool) -> Pairs:
    """People, embedded by the victims."""
    pictures = torch.from_numpy(people.pixels).permute(0, 3, 1, 2)
    parts = [victims.embed(seen_by, part.float() / 255) for part in torch.split(pictures, 64)]
    vectors = {victim.name: torch.cat([part[victim.name] for part in parts]) for victim in seen_by}
    return Pairs(people, vectors, aim)


def recipe(
    about: About,
    seen_by: Sequence[Victim],
    slot: Slot,
    training: People,
    validation: People,
    objective: Objective,
    *,
    rates: Rates = Rates(),
    seed: int = 0,
) -> Recipe:
    """What :mod:`core.training.loop` trains.

    Args:
        about: of the generator.
        seen_by: the victims, on the device of the training.
        slot: where patches sit.
        training: people to learn from.
        validation: others, on whom the best epoch is chosen.
        objective: what is lowered.
        rates: how fast.
        seed: of the first weights.
    """
    torch.manual_seed(seed)
    aim = about.mode == "impersonation"
    model = Attack(PatchGenerator(about), seen_by, slot, objective)
    checked = pairs(validation, seen_by, aim)

    def loss(outputs: tuple[Tensor, ...], labels: tuple[Tensor, ...]) -> Tensor:
        *vectors, looks = outputs
        return _attack(objective, seen_by, vectors, labels) + looks.mean()

    def validate(net: nn.Module, predict: Predict) -> dict[str, float]:
        (*vectors, _), labels = predict(net, checked)
        plain = replace(objective, push_margin=-1.0, pull_margin=1.0)
        cost = float(_attack(plain, seen_by, vectors, labels))
        found = {
            f"cosine to oneself, {victim.name}": float((one[:, None] * gallery).sum(-1).mean())
            for victim, one, gallery in zip(seen_by, vectors, labels, strict=False)
        }
        return found | {"effect": -cost}

    def schedule(optimiser: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.OneCycleLR:
        highest = [group["lr"] for group in optimiser.param_groups]
        total = max(steps, 4)  # a cycle has no shape below that
        return torch.optim.lr_scheduler.OneCycleLR(
            optimiser, highest, total_steps=total, pct_start=max(WARM, 2 / total)
        )

    return Recipe(
        model,
        pairs(training, seen_by, aim),
        loss,
        lambda _: torch.optim.AdamW(model.groups(rates), weight_decay=1e-4),
        schedule,
        validate,
        "effect",
    )


def _attack(
    objective: Objective, seen_by: Sequence[Victim], vectors: Sequence[Tensor], labels: Sequence[Tensor]
) -> Tensor:
    """The attack's loss of the victims' vectors; labels hold the sources' galleries, then the targets'."""
    names = [victim.name for victim in seen_by]
    count = len(names)
    target = dict(zip(names, labels[count:], strict=True)) if len(labels) > count else None
    return objective.attack(
        dict(zip(names, vectors, strict=True)), dict(zip(names, labels[:count], strict=True)), target
    )
