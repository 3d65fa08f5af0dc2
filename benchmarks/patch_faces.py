"""Patches on faces of people whom no generator saw: evasion and impersonation, every way beside its controls.

python -m benchmarks.patch_faces --data ../shared/data --keep ../shared/work/patch_faces --write

KEEP holds found faces, what the recognisers said of every picture, and iterative patches with the time that
they took, so that a run that was ended goes on. Torch works on one thread.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import torch
from tqdm import tqdm

from benchmarks import patch_tables
from benchmarks.patch_data import (
    Kept,
    Remembered,
    Search,
    crowded,
    drawn_people,
    encoders,
    lfw,
    plain,
    towards_drawn,
    towards_strangers,
)
from benchmarks.results import write_section
from core.patches import bundled, generator, makers, slots
from core.patches.apply import STILL, Conditions
from core.patches.evaluate import Outcome, rows, run
from core.patches.generator import PatchGenerator
from core.patches.makers import Budget, Maker
from core.patches.pgd import EASED, Objective
from core.patches.slots import Slot
from core.training import patch_camouflage, patch_places
from core.types import Progress

COMMAND: Final = (
    "python -m benchmarks.patch_faces --data ../shared/data --keep ../shared/work/patch_faces --write"
)
PEOPLE, FEW, LEAST, CROWD = 100, 20, 8, 1000
MAIN: Final = ("glasses", "medical mask")
OTHER: Final = ("forehead", "cheek")
HARDEST: Final = ("medical mask", "sface")  # a place and who minds it least of those never seen
DRAWINGS: Final = 6
HAND: Final = 1  # another seed than that of the drawings in training
STEPS: Final = Budget(steps=40, draws=2)
LADDER: Final = {"full": 1.0, f"{EASED:g} of them": EASED, "none": 0.0}


@dataclass(frozen=True, slots=True)
class Bench:
    """What all rows share."""

    seen: list[Remembered]
    unseen: list[Remembered]
    few: int
    ladder: int
    keep: Path

    def row(
        self, way: str, maker: Maker, search: Search, slot: Slot, conditions: Conditions | None = None
    ) -> Outcome:
        """One way on one set of probes, without its pictures."""
        bar = tqdm(total=100, desc=f"{way}, {slot.name}", unit="%", leave=False)
        outcome: Outcome | None = None
        for event in run(
            way, maker, search.probes, search.gallery, slot, plain(self.seen), plain(self.unseen),
            search.targets, lent=search.lent, budget=STEPS, conditions=conditions,
        ):  # fmt: skip
            if isinstance(event, Progress):
                bar.update(100 * event.done - bar.n)
            else:
                outcome = event
        bar.close()
        assert outcome is not None
        for one in (*self.seen, *self.unseen):
            one.keep()
        if isinstance(maker, Kept):
            outcome = maker.told(outcome)
        return replace(outcome, attacked=outcome.attacked[:0], patches=outcome.patches[:0])


Found = dict[str, Outcome]
Models = Callable[[str], PatchGenerator]
"""From a place to the generator that makes patches for it."""


def way(name: str, *given: object, **options: object) -> Maker:
    """One of the registered ways."""
    return makers.makers.create(name, *given, **options)


def iterative(bench: Bench, share: float = EASED) -> Maker:
    """The iterative way under a share of the conditions."""
    aim = Objective(conditions=Conditions().eased(share) if share else STILL)
    return Kept(way("pgd", aim), repr(aim), bench.keep)


def one_pass(models: Models, name: str) -> dict[str, Maker]:
    """The generator as a way, where it makes patches for a place."""
    model = models(name)
    return {"generator": way("generator", model)} if {name, "drawn"} & set(model.about.slots) else {}


def evasion(bench: Bench, models: Models, search: Search, slot: Slot, *, main: bool = False) -> Found:
    """All ways at one place; away from the main ones the generator, random squares and the iterative way."""
    ways, found = one_pass(models, slot.name), {}
    ways["random"] = way("random")
    if main:
        ways |= {
            "noise": way("noise"),
            "natural crop": way("natural crop"),
            "camouflage": way(patch_camouflage.NAME),
        }
    for label, maker in ways.items():
        found[label] = bench.row(label, maker, search, slot)
    for label in ("generator", "random") if main else ():
        if label in ways:
            moved = f"{label}, moved"
            found[moved] = bench.row(moved, ways[label], search, slot, Conditions())
    if bench.few:
        found |= few(bench, ways | {"pgd": iterative(bench)}, search.first(bench.few), slot)
    return found


def impersonation(bench: Bench, models: Models, search: Search, name: str) -> Found:
    """All ways towards the targets at one place."""
    slot, ways, found = slots.face(name), one_pass(models, name), {}
    ways |= {label: way(label) for label in ("target crop", "natural crop", "random")}
    for label, maker in ways.items():
        found[label] = bench.row(label, maker, search, slot)
    if bench.few:
        found |= few(bench, ways | {"pgd": iterative(bench)}, search.first(bench.few), slot)
    return found


def few(bench: Bench, ways: Mapping[str, Maker], search: Search, slot: Slot) -> Found:
    """The iterative way on the first probes, with what it is compared with on these same."""
    labels = [label for label in ("generator", "random", "pgd") if label in ways]
    return {f"{one} (few)": bench.row(f"{one} (few)", ways[one], search, slot) for one in labels}


def against(bench: Bench, name: str, search: Search, slot: Slot) -> Outcome:
    """The iterative way against one that is never seen elsewhere, on the first probes."""
    own = replace(bench, seen=[one for one in bench.unseen if one.name == name], unseen=[])
    return own.row(f"pgd on {name}", iterative(own), search.first(bench.few), slot)


def ladder(bench: Bench, search: Search, name: str) -> Found:
    """What the iterative way reaches under full, some and no conditions, judged sitting still."""
    some, slot = search.first(bench.ladder), slots.face(name)
    return {label: bench.row(label, iterative(bench, share), some, slot) for label, share in LADDER.items()}


def main() -> None:
    """Measure and, with ``--write``, renew the sections."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of research data")
    parser.add_argument("--keep", type=Path, required=True, help="a folder for faces and embeddings")
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--few", type=int, default=FEW, help="probes of the iterative way")
    parser.add_argument("--ladder", type=int, default=LEAST, help="probes under fewer conditions")
    parser.add_argument("--crowd", type=int, default=CROWD, help="further people in the larger gallery")
    parser.add_argument("--evasion", type=Path, help="another generator than the bundled one")
    parser.add_argument("--impersonation", type=Path)
    parser.add_argument("--only", choices=("evasion", "impersonation"))
    parser.add_argument("--out", type=Path, help="a JSON file with all figures")
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    bench = Bench(*encoders(chosen.keep), chosen.few, chosen.ladder, chosen.keep)
    people = lfw(chosen.data, chosen.keep, chosen.people)
    figures: dict[str, list[dict[str, object]]] = {}

    def note(section: str, found: Found) -> Found:
        figures[section] = [line for outcome in found.values() for line in rows(outcome)]
        return found

    def finish(title: str, text: str) -> None:
        print(f"## {title}\n\n{text}\n")
        if chosen.out is not None:
            chosen.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        if chosen.write:
            sizes = ("people", PEOPLE), ("few", FEW), ("ladder", LEAST), ("crowd", CROWD)
            other = [f" --{n} {getattr(chosen, n)}" for n, usual in sizes if getattr(chosen, n) != usual]
            part = f" --only {chosen.only}" if chosen.only else ""
            write_section(title, COMMAND + part + "".join(other), text)

    if chosen.only != "impersonation":
        models = _models(chosen.evasion, "evasion")
        by_place = {
            name: note(
                f"evasion, {name}", evasion(bench, models, people, slots.face(name), main=name in MAIN)
            )
            for name in (*MAIN, *OTHER)
        }
        hand = [
            (slot, note(f"evasion, drawing {number}", evasion(bench, models, people, slot)))
            for number, slot in enumerate(patch_places.drawings("faces", 224, 224, HAND, DRAWINGS), 1)
        ]
        place, who = HARDEST
        alone = {place: against(bench, who, people, slots.face(place))} if bench.few else {}
        hardest = note("hardest", alone)
        crowd = crowded(people, chosen.data, chosen.keep, chosen.crowd)
        in_crowd = {name: note(f"crowd, {name}", _two(bench, models, crowd, name)) for name in MAIN}
        synthetic = drawn_people()
        in_colour = {name: note(f"synthetic, {name}", _two(bench, models, synthetic, name)) for name in MAIN}
        steps = note("conditions", ladder(bench, people, MAIN[0])) if bench.ladder else {}
        text = patch_tables.evasion(
            people, by_place, hand, hardest, crowd, in_crowd, synthetic, in_colour, steps, STEPS
        )
        finish("Patches on faces: evasion", text)
    if chosen.only != "evasion":
        models = {
            whom: _models(chosen.impersonation, "impersonation", stranger=whom == "strangers")
            for whom in ("strangers", "synthetic")
        }
        searches = {"strangers": towards_strangers(people), "synthetic": towards_drawn(people)}
        aimed = {
            (whom, name): note(
                f"impersonation, {whom}, {name}",
                impersonation(bench, models[whom], search, name),
            )
            for whom, search in searches.items()
            for name in MAIN
        }
        finish("Patches on faces: impersonation", patch_tables.impersonation(searches, aimed, STEPS))


def _two(bench: Bench, models: Models, search: Search, name: str) -> Found:
    ways = one_pass(models, name)
    ways |= {"random": way("random"), "camouflage": way(patch_camouflage.NAME)}
    return {label: bench.row(label, maker, search, slots.face(name)) for label, maker in ways.items()}


def _models(path: Path | None, mode: str, *, stranger: bool = False) -> Models:
    given = None if path is None else generator.load(path)
    return lambda name: given or bundled.load("faces", mode, place=name, stranger=stranger)


if __name__ == "__main__":
    main()
