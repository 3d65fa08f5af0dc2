"""Tables of the benchmark of patches on faces: a row a way, a column a recogniser; and what follows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from benchmarks.patch_data import SEEN, UNSEEN, Search
from benchmarks.results import table
from core.metrics.intervals import Interval
from core.patches.evaluate import Outcome
from core.patches.judge import ENSEMBLE, Success, Verdict
from core.patches.makers import Budget
from core.patches.slots import Slot

Found = Mapping[str, Outcome]
HALF, TWENTIETH, PAPER, AIM = 0.5, 0.05, 0.27, 0.05
LITTLE: Final = 5  # points of mAP below which a search has no effect to compare with
WAYS: Final = {
    "generator": "one forward pass",
    "random": "8×8 squares of random colours",
    "noise": "every pixel a random colour",
    "natural crop": "a square out of a photograph without people",
    "target crop": "the same place cut out of a picture of the target",
    "camouflage": "what lies in that place of the universal face paint of system 1 that covers most of it, "
    "on a white ground",
    "pgd": "{steps} steps of projected gradient descent with {draws} draws of .3 of the conditions, for each "
    "probe anew, on the first probes (few)",
}
MOVED: Final = (
    "moved: the same patches under fully drawn place, scale, rotation, light, blur, gamma and print"
)


def evasion(
    people: Search,
    by_place: Mapping[str, Found],
    hand: Sequence[tuple[Slot, Found]],
    hardest: Found,
    crowd: Search,
    in_crowd: Mapping[str, Found],
    synthetic: Search,
    in_colour: Mapping[str, Found],
    steps: Found,
    budget: Budget,
) -> str:
    """The section on evasion."""
    parts = [
        f"LFW's test people, grey photos: {_counts(people)}. Patches sit still where nothing else is said. "
        f"Attacked: the first three recognisers and the mean of their cosines ({ENSEMBLE}); never seen: the "
        f"last {len(UNSEEN)}. Intervals (95 %) resample people. {_ways(by_place, budget)}; {MOVED}.",
        "**What came of it.**\n\n"
        + "\n".join(
            [
                *_evasion_lines(by_place),
                *_drawn_line(hand),
                *_hardest_lines(hardest),
                *_crowd_lines(crowd, in_crowd),
            ]
        ),
    ]
    for name, found in by_place.items():
        parts.append(f"**{name}**: mAP in % [interval] / rank-1 in %.")
        parts.append(_table(found, _retrieval, clean=True, cost=True))
        parts.append(f"**{name}**: ASR in % at FAR 1e-2 [interval] / 1e-3 of pairs accepted clean; cosine.")
        parts.append(_table(found, _turned))
    if hand:
        parts.append(
            f"**Places that somebody drew**, none of them among those of the training: {ENSEMBLE}, mAP in % "
            "[interval] / rank-1 in %; cosine to the same person's gallery; where a drawing's middle lies is "
            "a share of the picture's width and height."
        )
        parts.append(_drawings(hand))
    parts.append(
        f"**Among more people**: the same probes and their gallery beside one picture each of further test "
        f"people ({_counts(crowd)}). mAP in % [interval] / rank-1 in %."
    )
    for name, found in in_crowd.items():
        parts.append(f"{name}:")
        parts.append(_table(found, _retrieval, clean=True))
    parts.append(
        f"**Synthetic people who come with Facet, in colour**: {_counts(synthetic)}, so few that whoever is "
        "like nobody any more is still found early. mAP in % [interval] / rank-1 in %; cosine."
    )
    for name, found in in_colour.items():
        parts.append(f"{name}:")
        parts.append(_table(found, _both, clean=True))
    if steps:
        count = _probes(next(iter(steps.values())))
        parts.append(
            "**What the conditions cost the iterative way**: mAP in % [interval] / rank-1 in % on the first "
            f"{count} probes in the place of glasses, patches judged sitting still; rows: the share of the "
            "full conditions under which each patch was made."
        )
        parts.append(_table(steps, _retrieval))
    return "\n\n".join(parts)


def impersonation(
    searches: Mapping[str, Search], aimed: Mapping[tuple[str, str], Found], budget: Budget
) -> str:
    """The section on impersonation."""
    words = {
        "strangers": "other test people, whom no generator saw; the attacker has one picture of each, which "
        "is not among those that judge, and the generator that learned from many targets",
        "synthetic": "the synthetic people who come with Facet, three pictures of each lent to the attacker "
        "(another generator learned with these as targets) and three others that judge",
    }
    sets = "; ".join(f"{name}: {words[name]} ({_counts(search)})" for name, search in searches.items())
    parts = [
        f"Every probe is to be accepted as one target. Targets, {sets}. ASR in % of probe-target pairs that "
        "were rejected clean, at FAR 1e-2 [95 % interval by wearer] / at 1e-3; the cosine is to the wearer's "
        f"own gallery. {_ways(aimed, budget)}.",
        "**What came of it.**\n\n" + "\n".join(_impersonation_lines(aimed)),
    ]
    for (whom, name), found in aimed.items():
        parts.append(f"**{whom}, {name}**")
        parts.append(_table(found, _turned, cost=True))
    return "\n\n".join(parts)


def _table(found: Found, cell: Callable[[Verdict], str], *, clean: bool = False, cost: bool = False) -> str:
    first = _ordered(next(iter(found.values())))
    body = [["no patch", *map(_clean, first), *(["-"] if cost else [])]] if clean else []
    for label, outcome in found.items():
        spent = [f"{outcome.cpu_seconds:.4f}"] if cost else []
        body.append([label, *map(cell, _ordered(outcome)), *spent])
    return table(["way", *(one.victim for one in first), *(["CPU s a patch"] if cost else [])], body)


def _ordered(outcome: Outcome) -> list[Verdict]:
    """The attacked recognisers, their ensemble, and those that were never seen."""
    return sorted(outcome.verdicts, key=lambda one: one.victim in UNSEEN)


def _retrieval(one: Verdict) -> str:
    return f"{_interval(one.mean_average_precision)} / {100 * one.attacked.rank1:.0f}"


def _both(one: Verdict) -> str:
    return f"{_retrieval(one)}; {one.genuine:.2f}"


def _turned(one: Verdict) -> str:
    return " / ".join(_rate(success, first=not n) for n, success in enumerate(one.success)) + (
        f"; {one.genuine:.2f}"
    )


def _rate(success: Success, *, first: bool) -> str:
    if not success.supported or success.rate is None:
        return "too few"
    return _interval(success.rate) if first else f"{100 * success.rate.estimate:.1f}"


def _interval(one: Interval) -> str:
    return f"{100 * one.estimate:.1f} [{100 * one.low:.1f}, {100 * one.high:.1f}]"


def _clean(one: Verdict) -> str:
    return f"{100 * one.clean.mean_average_precision:.1f} / {100 * one.clean.rank1:.0f}"


def _evasion_lines(by_place: Mapping[str, Found]) -> list[str]:
    lines = []
    for name, found in by_place.items():
        if "generator" not in found:
            lines.append(f"- {name}: the generator was not trained for it.")
            continue
        ours, chance = (_maps(found[label]) for label in ("generator", "random"))
        unseen = [ours[one] / chance[one] for one in UNSEEN]
        both = ours[ENSEMBLE], chance[ENSEMBLE]
        lines.append(
            f"- {name}: the ensemble's mAP {100 * both[0]:.1f} % ({met(both[0] <= AIM)}: at most "
            f"{100 * AIM:.0f} %), {both[0] / both[1]:.2f} of random squares' "
            f"({met(both[0] <= HALF * both[1])}: {HALF}). Never seen: {min(unseen):.2f} to "
            f"{max(unseen):.2f} of random squares' ({met(max(unseen) <= HALF)}: {HALF})."
        )
        if "pgd (few)" in found:
            lines.append(pace(found["generator (few)"], found["pgd (few)"]))
    return lines


def _drawn_line(hand: Sequence[tuple[Slot, Found]]) -> list[str]:
    """The generator's share of random squares' mAP over all drawings."""
    ours = [one for _, one in hand if "generator" in one]
    shares = [_maps(one["generator"])[ENSEMBLE] / _maps(one["random"])[ENSEMBLE] for one in ours]
    if not shares:
        return []
    lines = [
        f"- {len(shares)} drawings: the ensemble's mAP {min(shares):.2f} to {max(shares):.2f} of random "
        f"squares' ({met(max(shares) <= HALF)}: {HALF})."
    ]
    both = [(one, *_lost(one["generator (few)"], one["pgd (few)"])) for one in ours if "pgd (few)" in one]
    if some := [one for one in both if one[2] >= LITTLE]:
        said = ", ".join(f"{fast:.1f} of {slow:.1f}" for _, fast, slow in some)
        nearer = ", ".join("{:.2f} of {:.2f}".format(*_parted(found)) for found, _, _ in some)
        lines.append(
            f"  pgd takes {LITTLE} points of mAP or more in {len(some)} of {len(both)}; one pass takes there "
            f"{said} ({met(all(fast >= HALF * slow for _, fast, slow in some))}: {HALF} of that). From the "
            f"cosine that random squares leave it takes there {nearer}."
        )
    return lines


def _parted(found: Found) -> tuple[float, float]:
    """How much of the cosine behind random squares one pass and the search take, on the first probes."""
    left = [_of(found[f"{way} (few)"], ENSEMBLE).genuine for way in ("random", "generator", "pgd")]
    return left[0] - left[1], left[0] - left[2]


def _hardest_lines(hardest: Found) -> list[str]:
    """What the search does to one that is fooled little, where it may look at it and at nobody else."""
    return [
        f"- {place}, {one.victim}: a search that attacks it alone leaves it "
        f"{_interval(one.mean_average_precision)} % (cosine {one.genuine:.2f}) on {_probes(outcome)} probes."
        for place, outcome in hardest.items()
        for one in outcome.verdicts
    ]


def _drawings(hand: Sequence[tuple[Slot, Found]]) -> str:
    """A row a drawing."""
    body = []
    for slot, found in hand:
        down, across = (slot.mask > 0.5).nonzero().double().mean(0).tolist()
        where = f"{across / slot.size[1]:.2f}, {down / slot.size[0]:.2f}"
        seen = [_of(one, ENSEMBLE) for one in found.values()]
        cells = [f"{_retrieval(one)}; {one.genuine:.2f}" for one in seen]
        body.append([f"{100 * slot.share:.1f} %", where, *cells])
    return table(["of the picture", "middle", *hand[0][1]], body)


def _crowd_lines(crowd: Search, in_crowd: Mapping[str, Found]) -> list[str]:
    """The same aim in the larger gallery."""
    lines = []
    for name, found in in_crowd.items():
        if "generator" in found:
            ours = _maps(found["generator"])
            white = {one: ours[one] for one in (*SEEN, ENSEMBLE)}
            said = ", ".join(f"{one} {100 * share:.1f} %" for one, share in white.items())
            lines.append(
                f"- {name}, among {len(crowd.gallery)} pictures: {said} "
                f"({met(max(white.values()) <= AIM)}: each at most {100 * AIM:.0f} %)."
            )
    return lines


def pace(one: Outcome, slow: Outcome, way: str = "pgd") -> str:
    """One pass beside an iterative way on the same probes."""
    lost = _lost(one, slow)
    reached = met(lost[0] >= HALF * lost[1]) if lost[1] >= LITTLE else "which says nothing"
    return (
        f"  One pass beside {way} on {_probes(slow)} probes: it takes {lost[0]:.1f} points of mAP from the "
        f"ensemble, {way} {lost[1]:.1f} ({reached}: {HALF} of that) {_time(one, slow)}."
    )


def _lost(one: Outcome, slow: Outcome) -> tuple[float, float]:
    """Points of the ensemble's mAP that one pass and an iterative way take on the same probes."""
    clean = _of(slow, ENSEMBLE).clean.mean_average_precision
    return 100 * (clean - _maps(one)[ENSEMBLE]), 100 * (clean - _maps(slow)[ENSEMBLE])


def _time(one: Outcome, slow: Outcome) -> str:
    """How much faster one pass is."""
    share = one.cpu_seconds / slow.cpu_seconds
    return (
        f"in {share:.5f} of the time ({met(share <= TWENTIETH)}: {TWENTIETH}), {one.cpu_seconds:.4f} "
        f"against {slow.cpu_seconds:.1f} s"
    )


def _impersonation_lines(aimed: Mapping[tuple[str, str], Found]) -> list[str]:
    lines = []
    for (whom, name), found in aimed.items():
        if "generator" not in found:
            lines.append(f"- {whom}, {name}: the generator was not trained for it.")
            continue
        rates = {label: _first(found[label]) for label in ("generator", "target crop", "random")}
        said = ", ".join(f"{label} {100 * rate:.1f} %" for label, rate in rates.items())
        lines.append(
            f"- {whom}, {name}: ASR at FAR 1e-2 of the ensemble: {said} "
            f"({met(rates['generator'] > PAPER)}: {100 * PAPER:.0f} %; "
            f"{'above' if rates['generator'] > rates['target crop'] else 'NOT above'} the target crop)."
        )
        if "pgd (few)" in found:
            one, slow = found["generator (few)"], found["pgd (few)"]
            ours, theirs = _first(one), _first(slow)
            effect = f"{met(ours >= HALF * theirs)}: {HALF} of that" if theirs else "nothing to compare"
            lines.append(
                f"  On {_probes(slow)} probes: one pass {100 * ours:.1f} %, pgd {100 * theirs:.1f} % "
                f"({effect}) {_time(one, slow)}."
            )
    return lines


def _first(outcome: Outcome) -> float:
    """ASR of the ensemble at the first FAR."""
    rate = _of(outcome, ENSEMBLE).success[0].rate
    return float("nan") if rate is None else rate.estimate


def _of(outcome: Outcome, name: str) -> Verdict:
    return next(one for one in outcome.verdicts if one.victim == name)


def _maps(outcome: Outcome) -> dict[str, float]:
    return {one.victim: one.mean_average_precision.estimate for one in outcome.verdicts}


def _probes(outcome: Outcome) -> int:
    return len(outcome.verdicts[0].attacked.average_precision)


def _counts(search: Search) -> str:
    names = search.probes.identities
    text = f"{len(names)} probes of {len(np.unique(names))} people, {len(search.gallery)} in the gallery"
    return text if search.targets is None else f"{text}, {len(np.unique(search.targets))} targets"


def _ways(tables: Mapping[Any, Found], budget: Budget) -> str:
    """The ways that are in some table, in words."""
    there = {label.removesuffix(" (few)") for found in tables.values() for label in found}
    told = "; ".join(f"{name}: {text}" for name, text in WAYS.items() if name in there)
    return "Ways: " + told.format(steps=budget.steps, draws=budget.draws)


def met(reached: bool) -> str:
    """What is said of an aim."""
    return "met" if reached else "missed"
