"""Do the shipped patterns work on many more people? `python -m benchmarks.camouflage_grey --write`.

The colour photos at hand show few people, so this is the same measurement on LFW's black-and-white photos of
people who took no part in any search. Paint has no colour there, only lightness. Their photos did take part
in measuring the recognisers' thresholds, as impostors and genuine pairs, unpainted.
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.camouflage import control, interval, judged, judging, rows
from benchmarks.camouflage_universal import DATA, FAR, WORK
from benchmarks.results import table, write_section
from core import faces
from core.camouflage import presets
from core.camouflage.evaluate import Genuine, Outcome, Portrait
from core.camouflage.presets import Preset
from core.datasets import folders, lfw
from core.datasets.folders import Photo

TITLE = "Camouflage: the shipped patterns on many more people, in black and white"
COMMAND = "python -m benchmarks.camouflage_grey --write"


def chosen_people(data: Path, count: int, photos: int) -> dict[str, list[Photo]]:
    """Evenly chosen people with enough photos, without those of lfw10: name -> their first photos."""
    known = {photo.identity for photo in folders.people(data / "lfw10")}
    found = defaultdict[str, list[Photo]](list)
    for photo in lfw.photos(data / "lfw_expressions.parquet", "lfw"):
        if photo.identity not in known and len(found[photo.identity]) < photos:
            found[photo.identity].append(photo)
    full = sorted(name for name, theirs in found.items() if len(theirs) == photos)
    chosen = np.linspace(0, len(full) - 1, count).round().astype(int)
    return {full[index]: found[full[index]] for index in chosen}


def portraits(chosen: dict[str, list[Photo]]) -> list[Portrait]:
    """Their photos with a face in the middle; a person with fewer than two is left out."""
    result = []
    for name, theirs in chosen.items():
        own = []
        for photo in theirs:
            pixels = photo.pixels()
            middle = pixels.shape[1] / 2
            seen = [face for face in faces.find_batch([pixels])[0] if face.box[0] <= middle < face.box[2]]
            own += [Portrait(name, pixels, face) for face in seen[:1]]
        result += own if len(own) > 1 else []
    return result


def report(
    clean: Genuine,
    chance: Sequence[Outcome],
    shipped: Sequence[Preset],
    outcomes: Sequence[Outcome],
    taus: dict[str, float],
) -> str:
    """The shipped patterns side by side, beside the same random patterns."""
    drawn = [one.genuine for one in chance]
    found = [
        rows(clean, outcome.genuine, drawn, one.optimised_on, taus)
        for one, outcome in zip(shipped, outcomes, strict=True)
    ]
    cells = []
    for name in taus:
        own = [next(row for row in each if row.model == name) for each in found]
        cells.append([name, f"{own[0].clean:.3f}", f"{own[0].random:.3f} ({own[0].random_low:.3f})"])
        cells[-1] += [
            f"**{row.painted:.3f}** ({'searched' if row.optimised else 'never seen'}), "
            f"{interval(row.difference)}, {row.reached}"
            for row in own
        ]
    named = list(zip((one.title for one in shipped), outcomes, strict=True))
    painted = ", ".join(f"{title} {one.area:.1%}" for title, one in named)
    seen = ", ".join(f"{title} {one.detected:.0%}" for title, one in named)
    people, photos = (len(set(each.tolist())) for each in (clean.person, clean.probe))
    area, found_by_chance = (np.mean([(one.area, one.detected) for one in chance], axis=0)).tolist()
    note = (
        f"{people} people of LFW (grey, 160 px), none of lfw10, {photos} photos, {len(clean.probe)} genuine "
        f"comparisons of painted with clean photos through the whole pipeline; thresholds at FAR {FAR:.0%}. "
        f"Control: {len(chance)} random patterns (mean area {area:.1%}; {painted}). Each cell: TAR painted, "
        "painted minus random with its interval over people, and what was reached (as in the section above). "
        f"Painted faces that the detector finds: {seen}, random patterns {found_by_chance:.0%}; where it "
        "finds none, the clean photo's alignment stands in, so the TARs are not lowered by that."
    )
    head = ["recogniser", "TAR clean", "TAR random, mean (5th pct.)", *(title for title, _ in named)]
    return f"{note}\n\n{table(head, cells)}"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--work", type=Path, default=WORK)
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--photos", type=int, default=4, help="of each of them")
    parser.add_argument("--randoms", type=int, default=20)
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    chosen = portraits(chosen_people(arguments.data, arguments.people, arguments.photos))
    evaluator, taus = judging(chosen)
    cache = arguments.work / "grey"
    chance = control(evaluator, arguments.randoms, cache)
    shipped = presets.load()
    outcomes = [judged(evaluator, one.pattern, cache) for one in shipped]
    text = report(evaluator.unpainted(), chance, shipped, outcomes, taus)
    print(text)
    if arguments.write:
        write_section(TITLE, COMMAND, text)


if __name__ == "__main__":
    main()
