"""Measure what ``core.patches.thresholds`` keeps, on validation people: ``core tune patch-defence``."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor

from core.metrics import intervals
from core.patches import activation, apply, bundled, makers, slots, victims
from core.patches.activation import RULES, Rule
from core.patches.base import Victim
from core.patches.countermeasures.concentration import Concentration
from core.patches.countermeasures.disagreement import Disagreement
from core.patches.defend import ORDER, Memory, fitted, mean
from core.patches.generator import one_pass
from core.patches.judge import Labelled
from core.patches.slots import Slot
from core.patches.thresholds import Group, Maps, cut
from core.training.patch_defence import descend
from core.types import FloatArray, Progress

STEPS: Final = 10  # of the attack on encoders that no bundled generator is for
PIECE: Final = 8  # pictures whose covered copies are remembered together


def references(victim: Victim, probes: Labelled, gallery: Labelled) -> Tensor:
    """N×D: for each probe the direction of the same person's gallery.

    Raises:
        ValueError: the gallery has no picture of one of them.
    """
    if not np.isin(probes.identities, gallery.identities).all():
        raise ValueError("there is no other picture of one of the probes")
    known = victims.embed([victim], gallery.pictures)[victim.name]
    return torch.cat([mean(known[torch.from_numpy(gallery.identities == who)]) for who in probes.identities])


def scores(
    name: str,
    group: Group | None,
    watching: Sequence[Victim],
    pictures: Tensor,
    towards: Mapping[str, Tensor],
) -> FloatArray:
    """N scores of one detector; pass :class:`Memory` to let detectors share their work."""
    return np.asarray(fitted(name, group).score(pictures, watching, towards).numpy(), np.float64)


def group(
    everyone: Sequence[Victim],
    thorough: Sequence[str],
    probes: Labelled,
    gallery: Labelled,
    source: str,
    fpr: float,
) -> Iterator[Progress | Group]:
    """Thresholds of all detectors for each encoder.

    Args:
        everyone: the encoders.
        thorough: names of those through which the detectors look that cover many places.
        probes: clean pictures, one a person.
        gallery: other clean pictures of these people.
        source: who they are, for reports.
        fpr: share of the probes that may be suspected.
    """
    usual, opinions, density = {}, {}, {}
    found: dict[str, dict[str, float]] = {}
    for number, victim in enumerate(everyone):
        watching, towards = [victim], {victim.name: references(victim, probes, gallery)}
        own = Disagreement().fit(probes.pictures, watching, towards).usual[victim.name]
        usual[victim.name] = own
        vectors = victims.embed(watching, probes.pictures)[victim.name]
        cosines = (vectors * towards[victim.name]).sum(1)
        opinions[victim.name] = tuple(((cosines - own[0]) / own[1]).tolist())
        density[victim.name] = Concentration().fit(probes.pictures, watching).usual[victim.name]
        so_far = Group(len(probes), source, usual=usual, density=density)
        collected: dict[str, list[FloatArray]] = {}
        for rows in torch.split(torch.arange(len(probes)), PIECE):
            remembering = [Memory(victim)]
            part = {victim.name: towards[victim.name][rows]}
            for name in _ways(victim, thorough):
                each = scores(name, so_far, remembering, probes.pictures[rows], part)
                collected.setdefault(name, []).append(each)
            done = (number + (int(rows[-1]) + 1) / len(probes)) / len(everyone)
            yield Progress(done, f"Clean pictures through {victim.name}")
        found[victim.name] = {name: cut(np.concatenate(each), fpr) for name, each in collected.items()}
    yield Group(len(probes), source, found, usual, opinions, density)


def _ways(victim: Victim, thorough: Sequence[str]) -> list[str]:
    slow = () if victim.name in thorough else ("occlusion", "recovery")
    return [name for name in ORDER if name != Disagreement.name and name not in slow]


def attacked(victim: Victim, probes: Labelled, slot: Slot, seed: int = 0) -> tuple[Tensor, Tensor]:
    """The probes with an evading patch, and with random squares, N×3×H×W each.

    Faces wear what the bundled generator makes; for others the patch is made against the encoder itself.
    """
    random = makers.blind("random", probes.pictures, slot, seed)
    if (victim.height, victim.width) == (224, 224):
        made = one_pass(bundled.load("faces", "evasion"), probes.pictures, slot, None, [victim])
    else:
        taught = victims.embed([victim], probes.pictures)[victim.name]
        first = torch.full((len(probes), 3, 64, 64), 0.5)
        made = descend(_Embedding(victim), probes.pictures, taught, slot, first, STEPS, 0.1)
    return apply.paste(probes.pictures, made, slot).pictures, apply.paste(
        probes.pictures, random, slot
    ).pictures


class _Embedding(torch.nn.Module):
    def __init__(self, victim: Victim) -> None:
        super().__init__()
        self.embed = victim.embed

    def forward(self, pictures: Tensor) -> Tensor:
        return self.embed(pictures)


def shares(
    victim: Victim, pictures: Sequence[Tensor], towards: Tensor, slot: Slot
) -> dict[Rule, list[FloatArray]]:
    """By rule, N shares of the maps inside the slot for each set of pictures; an empty map has 0 there."""
    mask, found = slot.mask[None, None], dict[Rule, list[FloatArray]]()
    for each in pictures:
        both = activation.slopes(victim, each, towards)
        for rule in RULES:
            placed = activation.placed(activation.weighed(*both, rule), victim)
            share = activation.share_inside(placed, mask).nan_to_num(0)
            found.setdefault(rule, []).append(np.asarray(share.numpy(), np.float64))
    return found


def maps(victim: Victim, probes: Labelled, gallery: Labelled, slot: Slot) -> Maps:
    """The rule under which a patch draws an encoder's maps most, and how much."""
    towards = references(victim, probes, gallery)
    evading, random = attacked(victim, probes, slot)
    tried = shares(victim, (probes.pictures, evading, random), towards, slot)
    best = max(tried, key=lambda rule: float((tried[rule][1] - tried[rule][0]).mean()))
    clean, worn, chance = tried[best]
    between = intervals.paired_difference(worn, clean, probes.identities)
    seen = activation.placed(torch.ones(1, 1, 1), victim)
    area = float(activation.share_inside(seen, slot.mask[None, None]))
    return Maps(
        best, float(clean.mean()), float(worn.mean()), float(chance.mean()), area, bool(between.low > 0)
    )


def slot_of(victim: Victim) -> Slot:
    """Where the patches of the measurement sit: the generator's first place, or the torso."""
    if (victim.height, victim.width) == (224, 224):
        return slots.face(bundled.load("faces", "evasion").about.slots[0])
    return slots.torso(victim.height, victim.width)
