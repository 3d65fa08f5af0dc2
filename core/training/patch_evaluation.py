"""How a patch generator does on people whom it never saw, beside the other ways to make a patch."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.patches import makers, slots, victims
from core.patches.base import Victim
from core.patches.evaluate import Outcome, rows, run
from core.patches.generator import PatchGenerator
from core.patches.judge import Labelled
from core.patches.makers import Budget, Maker
from core.reid.protocol import as_input
from core.training.patch_people import People
from core.types import Progress

CHANCE = ("random", "noise", "natural crop")


def parts(people: People) -> tuple[Labelled, Labelled]:
    """Each person's first picture as a probe, all others as the gallery."""
    _, first = np.unique(people.identities, return_index=True)
    rest = np.setdiff1d(np.arange(len(people)), first)
    everyone = labelled(people)
    return everyone.take(np.sort(first)), everyone.take(rest)


def answerable(probes: Labelled, gallery: Labelled) -> tuple[Labelled, Labelled]:
    """Without probes of whom the gallery has no picture, for what needs to know the claimed person."""
    return probes.take(np.flatnonzero(np.isin(probes.identities, gallery.identities))), gallery


def labelled(people: People) -> Labelled:
    """The same as tensors."""
    return Labelled(as_input(people.pixels), people.identities)


def strangers(probes: Labelled, gallery: Labelled) -> tuple[Labelled, Labelled, NDArray[np.str_]]:
    """Everybody is to be taken for another of these people, of whom the attacker has a picture.

    That picture is taken out of the gallery; so targets are those with two pictures there or more.

    Returns:
        What is left of the gallery; the attacker's pictures; for each probe the target's name.

    Raises:
        ValueError: fewer than two people have two pictures.
    """
    names = gallery.identities
    several = [name for name in dict.fromkeys(names.tolist()) if (names == name).sum() > 1]
    if len(several) < 2:
        raise ValueError("there are too few people with two pictures to be targets")
    lent = [int(np.flatnonzero(names == name)[0]) for name in several]
    rest = np.setdiff1d(np.arange(len(names)), lent)
    chosen, place = [], 0
    for person in probes.identities:
        place += several[place % len(several)] == person  # nobody is his own target
        chosen.append(several[place % len(several)])
        place += 1
    return gallery.take(rest), gallery.take(lent), np.array(chosen, np.str_)


def compare(
    model: PatchGenerator,
    probes: Labelled,
    gallery: Labelled,
    seen: Sequence[Victim],
    unseen: Sequence[Victim],
    *,
    place: str | None = None,
    idols: Sequence[People] | None = None,
    iterative: int = 0,
    budget: Budget | None = None,
    seed: int = 0,
) -> Iterator[Progress | Outcome]:
    """Judge the generator and the patches of chance on all people, and the iterative patch on some.

    The generator sees the probe alone, the iterative way its own clean picture; neither sees the gallery that
    is judged with. For impersonation everybody is to be taken for another of these people, of whom the
    attacker has a picture that is not in the gallery; or, given ``idols``, for one of these.

    Args:
        model: the generator.
        probes: of people whom neither the generator nor its training saw.
        gallery: other pictures of them, and of anybody else.
        seen: the encoders of ``model.about.victims``.
        unseen: others.
        place: where patches sit; None for the first place that the generator knows.
        idols: for impersonation, pictures that the attacker has of his targets, and others to judge by.
        iterative: on how many people the iterative way runs; the generator and random squares are judged on
            these once more, called "... (few)".
        budget: of the iterative way.
        seed: of patches of chance.

    Yields:
        Progress and outcomes, one a way.
    """
    height, width = probes.pictures.shape[2:]
    slot = slots.named(model.about.kind, place or model.about.slots[0], height, width)
    ways: Mapping[str, Maker] = {
        "generator": makers.makers.create("generator", model),
        "pgd": makers.makers.create("pgd"),
        **{name: makers.makers.create(name) for name in CHANCE},
    }
    aimed = model.about.mode == "impersonation"
    lent, whom = None, None
    if aimed and idols is None:
        gallery, lent, whom = strangers(probes, gallery)
    elif aimed and idols is not None:
        lent, shown = (labelled(one) for one in idols)
        gallery = gallery.beside(shown)
        whom = np.resize(np.unique(shown.identities), len(probes))
    known = victims.embed([*seen, *unseen], gallery.pictures)
    plan = [(name, len(probes)) for name in ("generator", *CHANCE)]
    plan += [(name, min(iterative, len(probes))) for name in ("generator", "random", "pgd") if iterative]
    for name, count in plan:
        some = probes.take(range(count))
        targets = None if whom is None else whom[:count]
        label = name if count == len(probes) else f"{name} (few)"
        yield from run(
            label,
            ways[name],
            some,
            gallery,
            slot,
            seen,
            unseen,
            targets,
            lent=lent,
            known=known,
            seed=seed,
            budget=budget,
        )


def lines(outcome: Outcome) -> list[str]:
    """A line of text for each encoder: retrieval, decisions, cost."""
    told = []
    for row, one in zip(rows(outcome), outcome.verdicts, strict=True):
        rates = "  ".join(
            f"ASR at FAR {success.far:g}{'' if success.supported else ' (too few impostors)'} "
            f"{row[f'ASR at FAR {success.far:g}']:.3f} of {success.eligible}"
            for success in one.success
        )
        told.append(
            f"{row['maker']:<18}{row['encoder']:<21}{row['box']}  N {row['probes']}  "
            f"mAP {row['mAP clean']:.3f} -> {row['mAP']:.3f} [{row['mAP low']:.3f}, {row['mAP high']:.3f}]  "
            f"rank-1 {row['rank-1 clean']:.3f} -> {row['rank-1']:.3f}  cosine {row['cosine']:.3f}  {rates}  "
            f"CPU {row['CPU s a patch']:.4f} s a patch"
        )
    return told
