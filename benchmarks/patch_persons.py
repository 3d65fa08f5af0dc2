"""Patches against re-identification of people: one pass, the slow way and patches of chance.

python -m benchmarks.patch_persons --data ../shared/data --write

Nobody here was seen by the training of the generator or of the encoders that it attacks: drawn people and
cameras are of the test town, photographed ones of MOT17's held-out sequences, filmed by drawn cameras. The
attacker has the picture that is to wear the patch and nothing of the gallery. The Open Model Zoo's nets are
seen by no attack. Intervals resample people.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor
from torch.nn import functional

from benchmarks.patch_tables import AIM, HALF, met, pace
from benchmarks.person_encoders import filmed
from benchmarks.results import table, write_section
from core.metrics import intervals
from core.patches import bundled, generator, makers, slots, victims
from core.patches.apply import STILL, Conditions
from core.patches.base import Victim
from core.patches.evaluate import Outcome, run
from core.patches.judge import ENSEMBLE, Labelled, Verdict
from core.patches.makers import Budget, Maker
from core.patches.pgd import EASED, Objective
from core.patches.slots import Slot
from core.patches.victims import PersonVictim
from core.reid import omz, protocol, siblings
from core.training.person_data import TEST_TOWN
from core.vision_language import vit

COMMAND = "python -m benchmarks.patch_persons --data ../shared/data --write"
CAMERAS = 4
CHANCE = ("random", "noise", "natural crop")
Found = dict[str, Outcome]


class Knowing:
    """An encoder that has seen some albums before and does not look at their pictures again."""

    def __init__(self, victim: Victim, albums: Sequence[Tensor]) -> None:
        self.name, self.height, self.width = victim.name, victim.height, victim.width
        self.victim = victim
        self.known = [(album, victims.embed([victim], album)[victim.name]) for album in albums]

    def embed(self, pixels: Tensor) -> Tensor:
        """As the victim does."""
        for album, vectors in self.known:  # a part of an album is a view of it
            if pixels.untyped_storage().data_ptr() == album.untyped_storage().data_ptr():
                start = pixels.storage_offset() // album.stride(0)
                if pixels.shape[1:] == album.shape[1:] and pixels.stride() == album.stride():
                    return vectors[start : start + len(pixels)]
        return self.victim.embed(pixels)

    def maps(self, pixels: Tensor) -> Tensor:
        """As the victim does."""
        return self.victim.maps(pixels)


class Photographs:
    """A general backbone that learnt from photographs, as one more encoder to attack; it knows nobody."""

    name, height, width = vit.NAME, 256, 128

    def __init__(self) -> None:
        self.net = vit.load()

    def embed(self, pixels: Tensor) -> Tensor:
        """N×3×256×128 RGB in 0..1 -> N×768 unit vectors."""
        small = functional.interpolate(pixels, (224, 112), mode="bilinear", antialias=True)
        vectors: Tensor = functional.normalize(self.net(vit.normalised(small)))
        return vectors

    def maps(self, pixels: Tensor) -> Tensor:
        """Nobody asks for them."""
        raise NotImplementedError


def drawn(people: int, probes: int) -> tuple[Labelled, Labelled]:
    """One probe each of the first so many people, and everybody's pictures by all cameras."""
    everyone = protocol.drawn(TEST_TOWN, people, CAMERAS).gallery
    whole = labelled(everyone)
    return whole.take(np.flatnonzero((everyone.cameras == 0) & (everyone.identities < probes))), whole


def photographed(root: Path, each: int) -> tuple[Labelled, Labelled]:
    """So many probes of each person of MOT17's held-out sequences, and all crops, seen by drawn cameras."""
    whole = labelled(filmed(root).gallery)
    assert whole.cameras is not None
    chosen: list[int] = []
    for name in dict.fromkeys(whole.identities):
        rows = np.flatnonzero(whole.identities == name)
        if len(set(whole.cameras[rows])) > 1:  # else no right answer is left
            chosen += rows[:each].tolist()
    return whole.take(chosen), whole


def labelled(people: protocol.Pictures) -> Labelled:
    """The same as tensors with names."""
    return Labelled(people.tensor(), people.identities.astype(str), people.cameras.astype(str))


def outcome(
    name: str,
    maker: Maker,
    parts: tuple[Labelled, Labelled],
    slot: Slot,
    seen: Sequence[Victim],
    unseen: Sequence[Victim],
    steps: int,
    draws: int = 1,
) -> Outcome:
    """Every probe wears a patch of one maker."""
    *_, last = run(name, maker, *parts, slot, seen, unseen, budget=Budget(steps, draws), fars=(0.01,))
    assert isinstance(last, Outcome)
    return last


def verdicts(found: Outcome) -> Mapping[str, Verdict]:
    """By encoder."""
    return {one.victim: one for one in found.verdicts}


def cell(one: Verdict) -> str:
    """mAP with its interval."""
    between = one.mean_average_precision
    return f"{between.estimate:.3f} [{between.low:.3f}, {between.high:.3f}]"


def whole(found: Found) -> str:
    """An encoder a row: mAP of every way."""
    first = verdicts(next(iter(found.values())))
    rows = []
    for name, one in first.items():
        cells = [f"{name} ({'attacked' if one.white_box else 'never seen'})", clean(one)]
        rows.append([*cells, *(cell(verdicts(each)[name]) for each in found.values())])
    return table(["encoder", "clean", *found], rows)


def clean(one: Verdict) -> str:
    """mAP without a patch."""
    return f"{one.clean.mean_average_precision:.3f}"


def decisions(found: Found) -> str:
    """An encoder a row: rank-1, success rate at FAR 1e-2 on pairs that the clean system accepts rightly."""
    first = verdicts(next(iter(found.values())))
    rows = []
    for name, one in first.items():
        cells = [name, f"{one.clean.rank1:.3f}"]
        for each in found.values():
            seen = verdicts(each)[name]
            rate = seen.success[0].rate
            asr = "-" if rate is None else f"{rate.estimate:.3f} [{rate.low:.3f}, {rate.high:.3f}]"
            cells.append(f"{seen.attacked.rank1:.3f} / {asr}")
        rows.append([*cells, str(one.success[0].eligible)])
    return table(["encoder", "clean rank-1", *found, "pairs"], rows)


def half(found: Found, probes: Labelled, name: str) -> tuple[float, intervals.Interval]:
    """The generator's share of the random patch's mAP as one encoder has it, and what it lies above half.

    The latter is the mean over probes of the average precision less half of the random patch's, by person.
    """
    one, chance = (verdicts(found[way])[name].attacked for way in ("generator", "random"))
    ours, theirs = one.average_precision, chance.average_precision
    return float(ours.mean() / theirs.mean()), intervals.mean(
        ours - HALF * theirs, probes.identities[one.valid]
    )


def aims(found: Found, probes: Labelled) -> str:
    """An encoder a row: the generator's share of the random patch's mAP, with an interval by person."""
    rows = []
    for name in verdicts(found["generator"]):
        share, less = half(found, probes, name)
        interval = f"{less.estimate:+.3f} [{less.low:+.3f}, {less.high:+.3f}]"
        rows.append([name, f"{share:.2f}", interval, _sure(less)])
    return table(["encoder", "generator / random", "generator - half of random", "at most half"], rows)


def _sure(less: intervals.Interval) -> str:
    return "met" if less.high <= 0 else "met, not surely" if less.estimate <= 0 else "missed"


def came_of_it(where: str, found: Found, probes: Labelled) -> str:
    """Every aim at one place and gallery, met or missed."""
    said = verdicts(found["generator"])
    white = {name: one for name, one in said.items() if one.white_box}
    maps = {name: one.mean_average_precision.estimate for name, one in white.items()}
    low = ", ".join(f"{name} {100 * share:.1f} % ({met(share <= AIM)})" for name, share in maps.items())
    parts = [f"mAP at most {100 * AIM:.0f} %: {low}"]
    for title, names in (
        ("attacked", [*white]),
        ("never seen", [name for name in said if name not in white]),
    ):
        judged = [(name, *half(found, probes, name)) for name in names]
        told = ", ".join(f"{name} {share:.2f} ({_sure(less)})" for name, share, less in judged)
        if told:
            parts.append(f"at most {HALF} of random squares', {title}: {told}")
    return f"- {where}, {'; '.join(parts)}."


def _attacked(one: Outcome) -> Verdict:
    """What the ensemble of those attacked says, or the one that was."""
    found = verdicts(one)
    return found[ENSEMBLE] if ENSEMBLE in found else next(each for each in found.values() if each.white_box)


def costs(found: Found) -> str:
    """Seconds and passes a patch."""
    rows = [
        [name, f"{one.cpu_seconds:.4f}", f"{one.victim_passes:.0f}", cell(_attacked(one))]
        for name, one in found.items()
    ]
    return table(["way", "CPU s a patch", "pictures through encoders", "mAP, attacked"], rows)


def _all(some: Sequence[Victim]) -> str:
    """Their names."""
    return " + ".join(one.name for one in some)


def main() -> None:
    """Measure and, with ``--write``, renew the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--generator", type=Path, help="a file of a generator in place of the bundled one")
    parser.add_argument("--people", type=int, default=100, help="drawn people in the gallery")
    parser.add_argument("--probes", type=int, default=40, help="of them, who wear patches")
    parser.add_argument("--crowd", type=int, default=300, help="drawn people in the larger gallery")
    parser.add_argument("--few", type=int, default=8, help="of them, on whom the slow way runs")
    parser.add_argument("--steps", type=int, default=40, help="of the slow way")
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    model = generator.load(chosen.generator) if chosen.generator else bundled.load("persons", "evasion")
    place, *others = [slots.named("persons", name, 256, 128) for name in model.about.slots if name != "drawn"]
    one_pass = makers.makers.create("generator", model)
    ways: dict[str, Maker] = {"generator": one_pass, **{name: makers.makers.create(name) for name in CHANCE}}
    slow = {
        "PGD, still": (makers.makers.create("pgd", Objective(conditions=STILL)), 1),
        "PGD, as in training": (
            makers.makers.create("pgd", Objective(conditions=Conditions().eased(EASED))),
            2,
        ),
    }
    probes, gallery = drawn(chosen.people, chosen.probes)
    few = probes.take(range(chosen.few)), gallery
    photos = photographed(chosen.data, 2)
    crowd = drawn(chosen.crowd, chosen.probes)
    albums = [one.pictures for one in (gallery, probes, few[0], *crowd, *photos)]
    seen = [Knowing(victims.person(name), albums) for name in model.about.victims]
    unseen = [Knowing(PersonVictim(omz.read(chosen.data, name)), albums) for name in omz.NAMES]
    spared = [name for name in siblings.FACET if name not in model.about.victims]
    unseen = [*(Knowing(victims.person(name), albums) for name in spared), *unseen]
    steps = chosen.steps

    everyone = {
        name: outcome(name, maker, (probes, gallery), place, seen, unseen, steps)
        for name, maker in ways.items()
    }
    print(whole(everyone), "\n", aims(everyone, probes), flush=True)
    in_crowd = {
        name: outcome(name, ways[name], crowd, place, seen, unseen, steps) for name in ("generator", "random")
    }
    elsewhere = {
        slot.name: {
            name: outcome(name, ways[name], (probes, gallery), slot, seen, unseen, steps)
            for name in ("generator", "random")
        }
        for slot in others
    }
    some = {
        name: outcome(name, ways[name], few, place, seen, unseen, steps) for name in ("generator", "random")
    }
    some |= {
        name: outcome(name, maker, few, place, seen, unseen, steps, draws)
        for name, (maker, draws) in slow.items()
    }
    print(whole(some), flush=True)
    still = slow["PGD, still"][0]
    known: list[Victim] = [*seen, *unseen]
    photographs = [*seen, Photographs()]
    ladder = {
        _all(attacked): outcome(
            "pgd", still, few, place, attacked, [one for one in known if one not in attacked], steps
        )
        for attacked in (*([one] for one in known), photographs)
    }
    ladder[_all(seen)] = some["PGD, still"]
    smaller = {
        f"{name}, {slot.name}": outcome(name, maker, few, slot, seen, unseen, steps)
        for slot in others
        for name, maker in (("generator", one_pass), ("PGD, still", still))
    }
    filmed_ways = {
        name: outcome(name, ways[name], photos, place, seen, unseen, steps)
        for name in ("generator", "random", "natural crop")
    }
    rows = [[name, *(cell(verdicts(one)[each.name]) for each in known)] for name, one in ladder.items()]
    people = len(set(photos[0].identities))
    paces = [pace(some["generator"], some[name], name) for name in slow] if len(seen) > 1 else []
    judged = [
        (f"{place.name}, {len(crowd[1])} pictures", in_crowd, crowd[0]),
        *((f"{name}, {len(gallery)} pictures", found, probes) for name, found in elsewhere.items()),
        (f"MOT17 (photographs), {place.name}, {len(photos[1])} pictures", filmed_ways, photos[0]),
    ]
    text = "\n\n".join(
        [
            f"mAP with its 95 % interval by person. {len(probes)} drawn probes of {len(probes)} people,"
            f" gallery of {len(gallery)} pictures of {chosen.people} people by {CAMERAS} cameras, Market"
            f" rule. Patches sit still on the {place.name} ({100 * place.share:.1f} % of the picture). The"
            f" generator was made against {', '.join(model.about.victims)}; ensemble: the mean of their"
            " cosines.",
            "**What came of it.** Met, not surely: the interval by person reaches beyond half.\n\n"
            + "\n".join(
                [
                    came_of_it(f"{place.name}, {len(gallery)} pictures", everyone, probes),
                    *paces,
                    *(came_of_it(*each) for each in judged),
                ]
            ),
            whole(everyone),
            "Rank-1, and the share of rightly accepted pairs (of the last column) that the patch turns at FAR"
            " 1e-2:",
            decisions(everyone),
            "The aim: at most half of the random patch's mAP (mean over probes of the generator's average"
            " precision less half of the random patch's).",
            aims(everyone, probes),
            f"The same probes among more people: {len(crowd[1])} pictures of {chosen.crowd}.",
            whole(in_crowd),
            aims(in_crowd, crowd[0]),
            *(
                part
                for slot in others
                for part in (
                    f"On the {slot.name} ({100 * slot.share:.1f} % of the picture), the first gallery:",
                    whole(elsewhere[slot.name]),
                    aims(elsewhere[slot.name], probes),
                )
            ),
            f"Beside {steps} steps of projected gradient descent with momentum for each probe, on the first"
            f" {chosen.few} probes (still: judged as it was made; as in training: two draws a step of {EASED}"
            " of the full conditions).",
            whole(some | smaller),
            costs(some | smaller),
            f"Who is fooled by a still PGD patch on the {place.name} that attacks only these (mAP, the same"
            f" {chosen.few} probes). {vit.NAME} is a general backbone that learnt from photographs; the Open"
            " Model Zoo's are attacked here alone, to see how far the place and a sibling go:",
            table(["attacked", *(each.name for each in known)], rows),
            f"MOT17's held-out sequences, each crop seen by one of eight drawn cameras: {len(photos[0])}"
            f" probes of {people} people, {len(photos[1])} crops in the gallery, Market rule.",
            whole(filmed_ways),
            aims(filmed_ways, photos[0]),
        ]
    )
    print(text)
    if chosen.write:
        changed = "".join(
            f" --{name} {value}"
            for name in ("people", "probes", "crowd", "few", "steps")
            if (value := getattr(chosen, name)) != parser.get_default(name)
        )
        write_section("Patches against encoders of people", COMMAND + changed, text)


if __name__ == "__main__":
    main()
