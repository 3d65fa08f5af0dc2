"""Train what naturalness is held to, a detector and scales: ``python -m core train sticker-detector``.

What is natural: crops of photographs of flowers and of scikit-learn's two, the same through the autoencoder
of the prior, and the prior's samples; what is not: random colours and patches of attacks, free ones and
those in the prior's latent. The attacks are short, on the synthetic people that come with Facet and one
recogniser each: patches that anybody judges with the detector are of other people, places, seeds and steps.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from core import diffusion
from core.datasets import flowers as photographs
from core.datasets.flowers import CLASSES
from core.diffusion import Prior
from core.diffusion.flowers import CARD
from core.patches import bundled, makers, naturalness, slots, victims
from core.patches import natural_makers as natural_makers  # registers its makers
from core.patches.generator import PATCH, one_pass
from core.patches.makers import Budget, Gallery, Maker, Task, natural_crops
from core.patches.naturalness import Detector, Reference
from core.reid.protocol import as_input
from core.training import latent_bank, patch_people
from core.types import Progress

KEPT: Final = "stickers.safetensors"
NATURAL: Final = "natural.safetensors"
SIDES: Final = (64, 160)  # of crops, pixels of the photographs
RECOGNISERS: Final = ("edgeface-s", "mobilefacenet-ms1m")
PLACES: Final = ("forehead", "cheek", "medical mask", "glasses")
PARTS: Final = ("detector", "bank", "shares", "percentiles")
SHARES: Final = (0.4, 0.6, 0.8)  # where the photographs are cut into these parts
BANK, SCALE, OWN = 200, 200, 60  # crops; OWN of scikit-learn's photographs in the bank
FIRST: Final = 100  # seed of the attacks; the tab and benchmarks begin at 0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything.

    Attributes:
        attacks: patches of each kind of attack.
        steps: of an attack.
        natural: pictures of each kind of natural picture.
        rounds: of the detector's training.
        batch: pictures a round, half of them natural.
        rate: of AdamW, falling along a cosine.
        seed: of everything.
    """

    attacks: int = 12
    steps: int = 6
    natural: int = 240
    rounds: int = 100
    batch: int = 32
    rate: float = 3e-3
    seed: int = 0


def split(found: photographs.Photographs, seed: int) -> dict[str, Tensor]:
    """The photographs in four disjoint parts, N×3×S×S uint8 each."""
    order = np.random.default_rng(seed).permutation(len(found))
    cuts = np.array([round(share * len(order)) for share in SHARES])
    pictures = latent_bank.as_pictures(found)
    return {
        name: pictures[torch.from_numpy(np.sort(rows))]
        for name, rows in zip(PARTS, np.split(order, cuts), strict=True)
    }


def crops(pictures: Tensor, count: int, seed: int) -> Tensor:
    """So many crops of photographs N×3×S×S uint8, in turn, ``count``×3×64×64 in 0..1."""
    torch.manual_seed(seed)
    rows = torch.arange(count) % len(pictures)
    return (latent_bank.crops(pictures[rows], SIDES) + 1) / 2


def kinds() -> dict[str, Maker]:
    """Attacks, each a maker; they differ by kind and strength."""
    create: Callable[..., Maker] = makers.makers.create
    found = {"pgd": create("pgd")}
    for radius in (0.5, 1.0):
        found[f"offset {radius:g}"] = create("latent offset", label="", radius=radius)
    return found | {"guided 0.4": create("guided sample", label="", rate=0.4, steps=6)}


def attacks(plan: Plan) -> Iterator[Progress | dict[str, Tensor]]:
    """Patches of every kind of attack and of chance, N×3×64×64 by kind.

    Yields:
        Progress, then the patches.

    Raises:
        UserError: weights that cannot be had.
    """
    faces = patch_people.examples(patch_people.LENT)
    pictures = as_input(faces.pixels)
    known = [victims.face(name) for name in RECOGNISERS]
    places = [slots.face(name) for name in PLACES]
    chance = np.random.default_rng(plan.seed)
    ways, found = kinds(), {}
    for number, (name, maker) in enumerate(ways.items()):
        made = []
        for turn in range(plan.attacks):
            row = int(chance.integers(len(faces)))
            seen = [known[turn % len(known)]]
            source = Gallery.of(pictures[torch.from_numpy(faces.others(row))], seen)
            slot = places[int(chance.integers(len(places)))]
            seed = FIRST + turn + plan.attacks * number
            made.append(maker(Task(pictures[row], source, None, slot, seen, seed, Budget(plan.steps, 1))))
            yield Progress((number + (turn + 1) / plan.attacks) / len(ways), f"Patches: {name}")
        found[name] = torch.stack(made)
    generator = bundled.load("faces", "evasion")
    slot = places[-1]
    found["generator"] = torch.cat([one_pass(generator, one[None], slot, None, known) for one in pictures])
    yield found | by_chance(plan.attacks, plan.seed)


def by_chance(count: int, seed: int) -> dict[str, Tensor]:
    """Random colours in squares, pixels and clouds, ``count``×3×64×64 each."""
    draw = torch.Generator().manual_seed(seed)
    sizes = {"random": (8, "nearest"), "noise": (PATCH, "nearest"), "clouds": (8, "bicubic")}
    return {
        name: functional.interpolate(
            torch.rand(count, 3, cells, cells, generator=draw), (PATCH, PATCH), mode=mode
        ).clamp(0, 1)
        for name, (cells, mode) in sizes.items()
    }


@torch.no_grad()
def natural(pictures: Tensor, prior: Prior, plan: Plan) -> dict[str, Tensor]:
    """What the detector is to let pass, by kind: photographs, the same through the prior, its samples."""
    cut = crops(pictures, plan.natural, plan.seed)
    own = natural_crops(plan.natural // 4, np.random.default_rng(plan.seed))
    few = torch.split(cut[: plan.natural // 2], 40)
    drawn = []
    for start in range(0, plan.natural // 2, 40):
        labels = [CLASSES[number % len(CLASSES)] for number in range(start, start + 40)]
        drawn.append(prior.decode(prior.sample(labels, FIRST + start, 10, 1.0)))
    through = torch.cat([prior.project(part) for part in few])
    return {"crops": torch.cat([cut, own]), "autoencoder": through, "samples": torch.cat(drawn)}


def fit(good: dict[str, Tensor], bad: dict[str, Tensor], plan: Plan) -> Iterator[Progress | Detector]:
    """Train the detector; every kind of either side is drawn as often.

    Args:
        good: natural pictures by kind, N×3×64×64 in 0..1.
        bad: patches by kind.
        plan: rounds, batch, rate and seed.

    Yields:
        Progress, with the loss now and then, then the detector.
    """
    torch.manual_seed(plan.seed)
    chance = np.random.default_rng(plan.seed)
    net = Detector().train()
    optimiser = torch.optim.AdamW(net.parameters(), plan.rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, plan.rounds)
    half = plan.batch // 2
    truth = torch.cat([torch.zeros(half), torch.ones(half)])
    for turn in range(plan.rounds):
        batch = torch.cat([_drawn(side, half, chance) for side in (good, bad)])
        cost = functional.binary_cross_entropy_with_logits(net(batch), truth)
        optimiser.zero_grad()
        cost.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        data = {"round": turn + 1.0, "loss": float(cost.detach())} if turn % 50 == 49 else {}
        yield Progress((turn + 1) / plan.rounds, "Detector", data)
    yield net.eval().requires_grad_(False)


def train(data: Path, folder: Path, plan: Plan | None = None) -> Iterator[Progress | Reference]:
    """Make the patches (kept in ``folder``), train the detector and fit the scales.

    Args:
        data: the folder of research data, for the photographs of the training part.
        folder: for what takes long.
        plan: how much.

    Yields:
        Progress, then what naturalness is held to.

    Raises:
        UserError: the photographs are not there, or weights cannot be had.
    """
    plan = plan or Plan()
    parts = split(photographs.read(data, CLASSES, "train"), plan.seed)
    path = folder / KEPT
    if not path.is_file():
        for event in attacks(plan):
            if isinstance(event, Progress):
                yield event
            else:
                _keep(event, path)
    if not (folder / NATURAL).is_file():
        _keep(natural(parts["detector"], diffusion.load(CARD.name), plan), folder / NATURAL)
    good, bad = (
        {name: rows.float() for name, rows in load_file(one).items()} for one in (folder / NATURAL, path)
    )
    for found in fit(good, bad, plan):
        if isinstance(found, Progress):
            yield found
            continue
        bank = torch.cat(
            [crops(parts["bank"], BANK, plan.seed), natural_crops(OWN, np.random.default_rng(plan.seed + 1))]
        )
        scales = (crops(parts[name], SCALE, plan.seed) for name in PARTS[2:])
        yield naturalness.fitted(found, bank, *scales)


def _keep(kinds: dict[str, Tensor], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: rows.half().contiguous() for name, rows in kinds.items()}, path)


def _drawn(kinds: dict[str, Tensor], count: int, chance: np.random.Generator) -> Tensor:
    """Pictures of kinds by lot, mirrored by lot, in slightly other light."""
    names = list(kinds)
    rows = []
    for _ in range(count):
        some = kinds[names[int(chance.integers(len(names)))]]
        one = some[int(chance.integers(len(some)))]
        for axis in (1, 2):
            one = one.flip(axis) if chance.integers(2) else one
        rows.append((one * chance.uniform(0.8, 1.1) + chance.uniform(-0.05, 0.1)).clamp(0, 1))
    return torch.stack(rows)
