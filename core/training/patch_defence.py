"""Train an encoder to keep knowing people who wear patches: ``python -m core train patch-defence``.

The encoder as it was is the teacher: the pupil, which begins as its copy, is to say of a picture and of the
same picture with a patch what the teacher says of the clean one. So no names of training people are needed,
and the recipe is the same for whole people and for faces. Patches are made against the pupil as it is at that
step (arXiv 1706.06083), from random squares, those of a generator, or a store of patches that were made
before and go on being made worse (after arXiv 1904.12843, which reuses what it computed).
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from core.errors import Code, UserError
from core.metrics.identification import identify
from core.patches import apply, victims
from core.patches.apply import Conditions
from core.patches.base import Victim
from core.patches.generator import PATCH, PatchGenerator, one_pass
from core.patches.makers import CELLS
from core.patches.slots import Slot
from core.patches.victims import FaceVictim, PersonVictim
from core.recognition import Recognizer
from core.reid.protocol import as_input
from core.training.loop import Predict, Recipe, Values, one_cycle
from core.training.patch_people import People

EASED: Final = Conditions().eased(0.5)


@dataclass(frozen=True, slots=True)
class Options:
    """The recipe (our choice).

    Attributes:
        steps: signed gradient steps against the pupil in each step of the training.
        pace: largest change of a pixel of a patch in each of them.
        store: patches that are kept and made worse.
        random: share of the pictures that wear random squares, which are not made worse.
        clean: weight of what is said of clean pictures.
        rate: highest learning rate.
        conditions: under which patches are worn.
        check: steps of the attack by which the epoch is chosen.
        seed: of the store.
    """

    steps: int = 2
    pace: float = 0.1
    store: int = 24
    random: float = 0.25
    clean: float = 1.0
    rate: float = 4e-4
    conditions: Conditions = EASED
    check: int = 10
    seed: int = 0


class Pupil(nn.Module):
    """The encoder that learns. In training it dresses its pictures; judged, it embeds them as they are.

    Args:
        encoder: of N×3×H×W in 0..1 to N×D unit vectors; its normalisation keeps the moments that it has.
        places: where patches sit; each batch wears them in one of these, by lot.
        options: the recipe.
        generator: whose patches are worn too.
    """

    store: Tensor

    def __init__(
        self,
        encoder: nn.Module,
        places: Sequence[Slot],
        options: Options,
        generator: PatchGenerator | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder.eval().requires_grad_(True)
        self.places, self.options = tuple(places), options
        self.made = [] if generator is None else [generator.eval().requires_grad_(False)]  # not of its state
        chance = torch.Generator().manual_seed(options.seed)
        self.register_buffer("store", torch.rand(options.store, 3, PATCH, PATCH, generator=chance))

    def train(self, mode: bool = True) -> "Pupil":
        """As every module, but the encoder's normalisation stays as when it is used."""
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(self, pictures: Tensor, taught: Tensor) -> tuple[Tensor, ...]:
        """What the pupil says.

        Args:
            pictures: N×3×H×W in 0..1.
            taught: N×D unit vectors, what the teacher says of them.

        Returns:
            N×D of the pictures and, in training, N×D of the same with patches.
        """
        vectors: Tensor = self.encoder(pictures)
        if not self.training:
            return (vectors,)
        slot = self.places[int(torch.randint(len(self.places), ()))]
        worn = apply.paste(pictures, self._patches(pictures, taught, slot), slot, self._draw(len(pictures)))
        return vectors, self.encoder(worn.pictures)

    def _draw(self, count: int) -> apply.Draw:
        return apply.draw(self.options.conditions, count)

    def _patches(self, pictures: Tensor, taught: Tensor, slot: Slot) -> Tensor:
        """A patch for each picture: random squares first, then made ones, which return to the store."""
        options, count = self.options, len(pictures)
        plain = round(options.random * count)
        rows = torch.randint(len(self.store), (count,)).to(self.store.device)
        first = self.store[rows]
        for generator in self.made:  # every second of them begins with what the generator makes
            with torch.no_grad():
                first[plain::2] = one_pass(generator.to(pictures.device), pictures[plain::2], slot)
        cells = torch.rand(plain, 3, CELLS, CELLS, device=pictures.device)
        squares = functional.interpolate(cells, PATCH, mode="nearest")
        worse = descend(
            self.encoder, pictures[plain:], taught[plain:], slot, first[plain:],
            options.steps, options.pace, options.conditions,
        )  # fmt: skip
        self.store[rows[plain:]] = worse
        return torch.cat([squares, worse])


def descend(
    encoder: nn.Module,
    pictures: Tensor,
    taught: Tensor,
    slot: Slot,
    patches: Tensor,
    steps: int,
    pace: float,
    conditions: Conditions | None = None,
) -> Tensor:
    """Patches that the encoder likes ever less, one a picture, by signed gradient steps.

    Args:
        encoder: N×3×H×W to N×D unit vectors; its parameters get no gradient.
        pictures: N×3×H×W in 0..1, who wear them.
        taught: N×D unit vectors from which they are to lead away.
        slot: the place.
        patches: N×3×64×64 in 0..1, the first ones.
        steps: how many.
        pace: largest change of a pixel in each.
        conditions: drawn anew in each step, by torch's own generator; None for patches that sit still.

    Returns:
        N×3×64×64 in 0..1.
    """
    patches = patches.detach().clone()
    with torch.enable_grad():
        for _ in range(steps):
            patches.requires_grad_(True)
            drawn = None if conditions is None else apply.draw(conditions, len(pictures))
            worn = apply.paste(pictures, patches, slot, drawn).pictures
            cosine = (encoder(worn) * taught).sum()
            (slope,) = torch.autograd.grad(cosine, patches)
            patches = (patches.detach() - pace * slope.sign()).clamp(0, 1)
    return patches


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures with what the teacher says of them, and once more what it says."""

    inputs: Values
    labels: Values


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """People as a source for the training loop.

    Attributes:
        people: the pictures.
        taught: N×D unit vectors of the teacher.
    """

    people: People
    taught: Tensor

    def __len__(self) -> int:
        return len(self.people)

    def rows(self, numbers: NDArray[np.int64]) -> Batch:
        """These pictures and the teacher's vectors."""
        taught = self.taught[torch.from_numpy(numbers)]
        return Batch((as_input(self.people.pixels[numbers]), taught), (taught,))


def lessons(people: People, teacher: Victim) -> Lessons:
    """People with the teacher's word on them."""
    parts = [
        victims.embed([teacher], as_input(people.pixels[start : start + 64]))[teacher.name]
        for start in range(0, len(people), 64)
    ]
    return Lessons(people, torch.cat(parts))


def recipe(
    teacher: FaceVictim | PersonVictim,
    places: Sequence[Slot],
    training: People,
    validation: People,
    options: Options = Options(),
    generator: PatchGenerator | None = None,
) -> Recipe:
    """What :mod:`core.training.loop` trains: a :class:`Pupil`.

    The epoch is chosen on the validation people by the mean of two mAPs, with clean probes and with probes
    that wear patches made from scratch against the pupil; the gallery is clean.

    Args:
        teacher: the encoder as it is; it is left alone.
        places: where patches sit; the first one is that of the check.
        training: people to learn from.
        validation: others, at least two pictures each.
        options: the recipe.
        generator: of patches for such pictures, or None.
    """
    pupil = Pupil(copy.deepcopy(teacher.model), places, options, generator)
    checked = lessons(validation, teacher)

    def loss(outputs: tuple[Tensor, ...], labels: tuple[Tensor, ...]) -> Tensor:
        clean, worn = (1 - (vectors * labels[0]).sum(1).mean() for vectors in outputs)
        return options.clean * clean + worn

    def validate(net: nn.Module, predict: Predict) -> Mapping[str, float]:
        (vectors,), _ = predict(net, checked)
        assert isinstance(net, Pupil)
        found = retrieval(net.encoder, vectors, validation, places[0], options.check)
        return found | {"both": (found["mAP"] + found["mAP attacked"]) / 2}

    return Recipe(
        pupil,
        lessons(training, teacher),
        loss,
        lambda parameters: torch.optim.AdamW(parameters, options.rate, weight_decay=0.0),
        one_cycle,
        validate,
        "both",
    )


def retrieval(
    encoder: nn.Module, vectors: Tensor, people: People, slot: Slot, steps: int, pace: float = 0.1
) -> dict[str, float]:
    """mAP of everybody's first picture among the others, clean and with fresh patches against this encoder.

    Args:
        encoder: N×3×H×W to N×D unit vectors.
        vectors: N×D, what it says of the people's pictures.
        people: at least two pictures each.
        slot: where patches sit, exactly.
        steps: of each attack.
        pace: of each step.
    """
    _, first = np.unique(people.identities, return_index=True)
    rest = np.setdiff1d(np.arange(len(people)), first)
    device = next(encoder.parameters()).device
    worn = []
    for rows in np.split(first, range(victims.BATCH, len(first), victims.BATCH)):
        pictures = as_input(people.pixels[rows]).to(device)
        start = torch.full((len(rows), 3, PATCH, PATCH), 0.5, device=device)
        own = vectors[torch.from_numpy(rows)].to(device)
        patches = descend(encoder, pictures, own, slot, start, steps, pace)
        with torch.no_grad():
            worn.append(encoder(apply.paste(pictures, patches, slot).pictures).cpu())
    gallery = vectors[torch.from_numpy(rest)].T
    probes = {"mAP": vectors[torch.from_numpy(first)], "mAP attacked": torch.cat(worn)}
    names = people.identities
    return {
        name: identify((one @ gallery).numpy(), names[first], names[rest]).mean_average_precision
        for name, one in probes.items()
    }


def save(model: nn.Module, path: Path, name: str) -> None:
    """Write the encoder of a trained :class:`Pupil` in half precision, with the name of its teacher.

    Raises:
        OSError: the file cannot be written.
    """
    assert isinstance(model, Pupil)
    state = model.encoder.state_dict()
    kept = {key: value.detach().cpu().half().contiguous().clone() for key, value in state.items()}
    save_file(kept, path, {"teacher": name})


def load(path: Path, teacher: FaceVictim | PersonVictim, name: str = "") -> FaceVictim | PersonVictim:
    """A trained encoder as a victim; the teacher is left alone.

    Args:
        path: what :func:`save` wrote.
        teacher: the encoder that it was a copy of.
        name: of the victim; the teacher's with "-hardened" without it.

    Raises:
        UserError: ``WEIGHTS_CORRUPT``: the file holds something else.
    """
    model = copy.deepcopy(teacher.model)
    state = {key: value.float() for key, value in load_file(path).items()}
    if {key: value.shape for key, value in state.items()} != {
        key: value.shape for key, value in model.state_dict().items()
    }:
        raise UserError(
            Code.WEIGHTS_CORRUPT,
            f"{path.name} holds no weights of {teacher.name}.",
            "Give what train patch-defence wrote for it.",
        )
    model.load_state_dict(state)
    found: FaceVictim | PersonVictim
    found = FaceVictim(model) if isinstance(model, Recognizer) else PersonVictim(model)
    found.name = name or f"{teacher.name}-hardened"
    return found
