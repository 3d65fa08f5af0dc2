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
from accelerate.utils import broadcast
from numpy.typing import NDArray
from torch import Tensor, nn

from core.errors import Code, UserError
from core.patches import apply, losses, victims
from core.patches.base import Victim
from core.patches.generator import About, PatchGenerator, built, heard
from core.patches.makers import natural_crops
from core.patches.pgd import Objective
from core.patches.slots import Slot
from core.reid.protocol import as_input
from core.training.loop import Predict, Recipe, Values, one_cycle
from core.training.patch_people import People, joined

Places = Mapping[str, Sequence[Slot]]
GALLERY: Final = 2  # clean pictures with which a patched one is compared in a step


@dataclass(frozen=True, slots=True)
class Rates:
    """How fast the parts learn (our choice).

    Attributes:
        network: of encoder and decoder.
        common: of the common patch and the canvas, in units before their tanh.
        judge: of the discriminator.
        basis: of the patches of a basis, in the same units; 0 for that with which their mixture moves as the
            common patch does, should all of them move one way. They never do, so this is cautious.
    """

    network: float = 1e-3
    common: float = 3e-2
    judge: float = 4e-4
    basis: float = 0.0


class Attack(nn.Module):
    """A generator at work: pictures in, what the victims say of the patched ones out.

    Victims are no part of its state: they stay as they are. A batch wears its patches in one place. In
    training the first place gets every second batch and the others share the rest evenly, by lot; when the
    generator is judged, the places take turns from the first one on.

    Args:
        generator: what is trained.
        seen_by: the victims.
        places: for each name of ``generator.about.slots`` one slot or more.
        objective: what is lowered.
        together: so many victims, drawn by lot, look at a batch of the training; 0 for all.
        always: one of their names, if one is to look at every batch.
    """

    def __init__(
        self,
        generator: PatchGenerator,
        seen_by: Sequence[Victim],
        places: Places,
        objective: Objective,
        together: int = 0,
        always: str = "",
    ) -> None:
        super().__init__()
        self.generator, self.together = generator, together or len(seen_by)
        self.judge = losses.PatchDiscriminator() if objective.naturalness else None
        self.victims, self.objective, self.always = tuple(seen_by), objective, always
        self.places = [places[name] for name in generator.about.slots]
        self._turn = 0

    def train(self, mode: bool = True) -> "Attack":
        """As every module; the turns of places begin anew."""
        self._turn = 0
        super().train(mode)
        return self

    def _place(self) -> Slot:
        if not self.training:
            turn, self._turn = self._turn, self._turn + 1
            same = self.places[turn % len(self.places)]
            return same[turn // len(self.places) % len(same)]
        first, *others = self.places
        same = first if not others or _lot(2) else others[_lot(len(others))]
        return same[_lot(len(same))]

    def _asked(self) -> list[str]:
        """Names of the victims that look at this batch."""
        names = [victim.name for victim in self.victims]
        if not self.training:
            return names
        lot = torch.randperm(len(names)).to(next(self.generator.parameters()).device)
        numbers: list[int] = broadcast(lot).tolist()  # processes gather what is seen, so they ask the same
        drawn = [names[number] for number in numbers]
        return sorted(drawn, key=lambda name: name != self.always)[: self.together]

    def forward(
        self, pictures: Tensor, natural: Tensor, told: Tensor, target: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """One look.

        Args:
            pictures: N×3×H×W in 0..1.
            natural: N×3×64×64 natural crops for the discriminator.
            told: N×told, N×0 for a generator that is told nothing (``core.patches.generator.heard``).
            target: N×3×H×W for impersonation.

        Returns:
            N×D unit vectors, one tensor a victim, N×0 of one that did not look; then N times what the patches
            cost by their looks.
        """
        slot = self._place()
        patches = self.generator(pictures, slot, target, told if told.shape[1] else None)
        drawn = apply.draw(self.objective.conditions, len(pictures)) if self.training else None
        worn = apply.paste(pictures, patches, slot, drawn).pictures
        looks = self.objective.looks(patches, worn, pictures)
        if self.judge is not None and self.training:
            looks = looks + self.objective.naturalness * losses.naturalness(self.judge, patches)
            looks = looks + losses.discernment(self.judge, natural, patches)
        asked = self._asked()
        seen = [
            victim.embed(worn) if victim.name in asked else worn.new_empty(len(worn), 0)
            for victim in self.victims
        ]
        return *seen, looks.expand(len(pictures))

    def groups(self, rates: Rates) -> list[dict[str, object]]:
        """Parameters with their rates."""
        share = max(self.generator.about.basis, 1) ** 0.5  # by up to so many times its parts a mixture moves
        own = {"common": rates.common, "canvas": rates.common, "basis": rates.basis or rates.common / share}
        named = dict(self.generator.named_parameters())
        rest = [value for name, value in named.items() if name not in own]
        found: list[dict[str, object]] = [{"params": rest, "lr": rates.network}]
        found += [
            {"params": [named[name]], "lr": rate, "weight_decay": 0.0}
            for name, rate in own.items()
            if name in named
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
    """People as a source for the training loop.

    Attributes:
        people: the pictures.
        vectors: N×D unit vectors of the clean pictures by victim.
        aim: each gets a target, another person.
        sources: so many of the pictures, from the first on, wear patches; the others are of people who are
            targets only.
        about: of the generator.
        idols: the share of targets that are such people, where there are any.
        still: a picture has the same gallery and target at every look, whatever batch it is in; otherwise
            they are drawn anew.
    """

    people: People
    vectors: Mapping[str, Tensor]
    aim: bool
    sources: int
    about: About
    idols: float = 0.5
    still: bool = False

    def __len__(self) -> int:
        return self.sources

    def rows(self, numbers: NDArray[np.int64]) -> Batch:
        """These people with galleries, and targets with galleries where there is an aim."""
        if not self.still:
            return self._rows(numbers, np.random.default_rng(int(torch.randint(2**31, ()).item())))
        parts = [self._rows(numbers[[n]], np.random.default_rng(int(row))) for n, row in enumerate(numbers)]
        inputs = [torch.cat(values) for values in zip(*(part.inputs for part in parts), strict=True)]
        labels = [torch.cat(values) for values in zip(*(part.labels for part in parts), strict=True)]
        return Batch(tuple(inputs), tuple(labels))

    def _rows(self, numbers: NDArray[np.int64], chance: np.random.Generator) -> Batch:
        labels = self._galleries(numbers, chance)
        inputs = [self._pictures(numbers), natural_crops(len(numbers), chance)]
        targets = np.array([self._target(int(row), chance) for row in numbers]) if self.aim else None
        known = [None if rows is None else self._vectors(rows) for rows in (numbers, targets)]
        assert known[0] is not None
        told = heard(known[0], known[1], self.about)
        inputs.append(inputs[0].new_empty(len(numbers), 0) if told is None else told)
        if targets is not None:
            inputs.append(self._pictures(targets))
            labels += self._galleries(targets, chance)
        return Batch(tuple(inputs), tuple(labels))

    def told(self) -> Tensor:
        """M×told: what a generator is told of each that may be a target, for evasion of each wearer."""
        first = self.sources if self.idols == 1 and self.sources < len(self.people) else 0
        found = heard(self._vectors(np.arange(first, len(self.people))), None, self.about)
        assert found is not None
        return found

    def _vectors(self, numbers: NDArray[np.int64]) -> dict[str, Tensor]:
        """Of these very pictures."""
        return {name: vectors[torch.from_numpy(numbers)] for name, vectors in self.vectors.items()}

    def _target(self, row: int, chance: np.random.Generator) -> int:
        rows = np.arange(len(self.people))
        if self.sources < len(rows):
            rows = rows[self.sources :] if chance.random() < self.idols else rows[: self.sources]
        names = self.people.identities
        return int(chance.choice(rows[names[rows] != names[row]]))

    def _pictures(self, numbers: NDArray[np.int64]) -> Tensor:
        return as_input(self.people.pixels[numbers])

    def _galleries(self, numbers: NDArray[np.int64], chance: np.random.Generator) -> list[Tensor]:
        """N×G×D for each victim, of the same people's other pictures."""
        rows = np.stack([chance.choice(self.people.others(int(row)), GALLERY) for row in numbers])
        return [vectors[torch.from_numpy(rows)] for vectors in self.vectors.values()]


def pairs(
    people: People,
    seen_by: Sequence[Victim],
    about: About,
    idols: People | None = None,
    share: float = 0.5,
) -> Pairs:
    """People for a generator, embedded by the victims; with ``idols``, a share of the targets and no more."""
    sources, aim = len(people), about.mode == "impersonation"
    people = people if idols is None else joined([people, idols])
    pictures = torch.from_numpy(people.pixels).permute(0, 3, 1, 2)
    parts = [victims.embed(seen_by, part.float() / 255) for part in torch.split(pictures, 64)]
    vectors = {victim.name: torch.cat([part[victim.name] for part in parts]) for victim in seen_by}
    return Pairs(people, vectors, aim, sources, about, share)


def recipe(
    about: About,
    seen_by: Sequence[Victim],
    places: Places,
    training: People,
    validation: People,
    objective: Objective,
    *,
    idols: People | None = None,
    share: float = 0.5,
    rates: Rates = Rates(),
    seed: int = 0,
    together: int = 0,
    always: str = "",
    start: PatchGenerator | None = None,
) -> Recipe:
    """What :mod:`core.training.loop` trains.

    Args:
        about: of the generator.
        seen_by: the victims, on the device of the training.
        places: where patches sit, for each name in ``about.slots`` one slot or more.
        training: people to learn from.
        validation: others, on whom the best epoch is chosen.
        objective: what is lowered.
        idols: for impersonation, people who are to be targets beside those of the training, several pictures
            each; none of them is a target when the epoch is chosen, unless all targets are.
        share: of the targets that are idols, 0..1.
        rates: how fast.
        seed: of the first weights.
        together: so many victims, drawn by lot, look at each batch; 0 for all.
        always: the name of one that looks at every batch: the one that is hardest to lead astray.
        start: a generator of the same mode and kind with whose weights this one begins.

    Raises:
        UserError: ``OPTION_RANGE``: one to start from that was made for something else; one that always
            looks and is no victim, or where all look; a share of targets that is none.
    """
    if always and (not together or always not in {victim.name for victim in seen_by}):
        raise UserError(
            Code.OPTION_RANGE,
            "The one that always looks is not attacked, or all look anyway.",
            "Choose one of the victims, and how many look together.",
        )
    if not 0 <= share <= 1:
        raise UserError(Code.OPTION_RANGE, "The share of targets is out of range.", "Use 0 to 1.")
    torch.manual_seed(seed)
    aim = about.mode == "impersonation"
    model = Attack(_begun(about, start), seen_by, places, objective, together, always)
    idols = idols if aim else None
    known = pairs(training, seen_by, about, idols, share)
    checked = replace(pairs(validation, seen_by, about, idols if share == 1 else None, 1), still=True)
    if about.basis and (start is None or (start.about.basis, start.about.told) != (about.basis, about.told)):
        model.generator.weigh_by(known.told())

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

    return Recipe(
        model,
        known,
        loss,
        lambda _: torch.optim.AdamW(model.groups(rates), weight_decay=1e-4),
        one_cycle,
        validate,
        "effect",
    )


def _begun(about: About, start: PatchGenerator | None) -> PatchGenerator:
    """A new generator, as far as it goes with the weights of another.

    That one may be told less, know other places, or draw something else than this one draws.
    """
    generator = built(about)
    if start is None:
        return generator
    if (start.about.mode, start.about.kind) != (about.mode, about.kind):
        raise UserError(
            Code.OPTION_RANGE,
            "The generator to start from was made for another purpose.",
            "Give one of the same mode and kind.",
        )
    wanted, given = generator.state_dict(), start.state_dict()
    by_place = {name: given.pop(name) for name in ("common", "basis") if name in given}
    if (start.about.cut, start.about.canvas) != (about.cut, about.canvas):  # it adds to something else
        given = {name: value for name, value in given.items() if not name.startswith("last.")}
        by_place = {}
    for name, held in by_place.items():
        if name in wanted and held.shape[1:] == wanted[name].shape[1:]:
            for number, place in enumerate(about.slots):
                if place in start.about.slots:
                    wanted[name][number] = held[start.about.slots.index(place)]
    shapes = {name: value.shape for name, value in wanted.items()}
    same = {name: value for name, value in given.items() if shapes.get(name) == value.shape}
    generator.load_state_dict(wanted | same)
    return generator


def _lot(count: int) -> int:
    """A number below ``count``, by torch's generator, which a checkpoint can rely on."""
    return int(torch.randint(count, ()))


def _attack(
    objective: Objective, seen_by: Sequence[Victim], vectors: Sequence[Tensor], labels: Sequence[Tensor]
) -> Tensor:
    """The attack's loss of the victims' vectors; labels hold the sources' galleries, then the targets'."""
    names = [victim.name for victim in seen_by]
    count = len(names)
    target = dict(zip(names, labels[count:], strict=True)) if len(labels) > count else None
    looked = {name: one for name, one in zip(names, vectors, strict=True) if one.shape[1]}
    return objective.attack(looked, dict(zip(names, labels[:count], strict=True)), target)
