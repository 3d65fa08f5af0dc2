"""Which activation maps show a patch: their share inside it on clean, attacked and randomly patched people.

python -m benchmarks.patch_maps --data ../shared/data --keep ../patches --write

The layer of each recogniser (its card's) and the rule (`core/patches/thresholds.json`) were chosen on
validation people; the figures are of test people.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from benchmarks.results import table, write_section
from core.metrics import intervals
from core.patches import activation, thresholds, victims
from core.patches.base import Victim
from core.patches.judge import Labelled
from core.patches.thresholds import CLEAR, Maps
from core.patches.victims import FaceVictim
from core.training import patch_people
from core.training.bar import shown
from core.training.patch_evaluation import answerable, parts
from core.training.patch_thresholds import attacked, references, shares, slot_of
from core.training.person_data import TEST_TOWN
from core.types import FloatArray

COMMAND = "python -m benchmarks.patch_maps --data ../shared/data --keep ../patches --write"
TITLE = "Patches: which activation maps are to be believed"


def row(victim: Victim, known: Maps, probes: Labelled, gallery: Labelled) -> list[str]:
    """Shares of plain and weighted maps, and whether the patch draws the latter."""
    slot, towards = slot_of(victim), references(victim, probes, gallery)
    evading, random = attacked(victim, probes, slot)
    sets = {"clean": probes.pictures, "random": random, "attacked": evading}
    found = shares(victim, list(sets.values()), towards, slot)
    mask = slot.mask[None, None]
    plain = [
        np.asarray(activation.share_inside(activation.mean_maps(victim, each), mask).nan_to_num(0).numpy())
        for each in sets.values()
    ]
    weighted = found[known.rule]
    change = intervals.paired_difference(weighted[2], weighted[0], probes.identities)
    seen = activation.placed(torch.ones(1, 1, 1), victim)
    area = float(activation.share_inside(seen, mask))
    believed = change.low > 0 and float(weighted[2].mean()) >= CLEAR * area
    layer = victim.model.card.layer if isinstance(victim, FaceVictim) else "last map"
    with torch.no_grad():
        size = tuple(victim.maps(probes.pictures[:1]).shape[2:])
    return [
        victim.name,
        f"{layer}, {size[0]}×{size[1]}",
        f"{area:.3f}",
        _means(plain),
        known.rule,
        _means(weighted),
        f"{change.estimate:+.3f} [{change.low:+.3f}, {change.high:+.3f}]",
        _means(found["hirescam"]),
        "yes" if believed else "no",
    ]


def _means(three: list[FloatArray]) -> str:
    return " / ".join(f"{one.mean():.3f}" for one in three)


def main() -> None:
    """Measure and, with ``--write``, renew the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--keep", type=Path, required=True, help="a folder for found faces")
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    faces = shown(
        patch_people.gather(
            chosen.data, "faces", "test", chosen.keep, (224, 224), each=4, limit=chosen.people
        )
    )
    assert faces is not None
    people = {"faces": faces, "persons": patch_people.drawn(TEST_TOWN, chosen.people, 3)}
    bundle, rows, count = thresholds.load(), [], {}
    for kind, some in people.items():
        probes, gallery = answerable(*parts(some))
        count[kind] = len(probes)
        for name in bundle.groups[kind].usual:
            rows.append(row(victims.KINDS[kind](name), bundle.maps[name], probes, gallery))
            print(rows[-1], flush=True)
    text = "\n\n".join(
        [
            "Mean share of the map inside the patch's outline on clean / randomly patched / attacked "
            f"pictures of {count['faces']} test people of LFW and {count['persons']} drawn "
            "ones. Faces wear what the bundled generator makes; the patch on drawn people was made against "
            "the very encoder. Area: the share of an even map. Plain: channel means. Weighted: the rule "
            "that showed the patch best on validation people, towards the person's gallery; a rule against "
            "shows what speaks against the person. Growth: attacked less clean, paired, with its 95 % "
            "interval by person. HiResCAM of what speaks for the person is "
            f"beside it. Believed: the growth's interval lies above 0 and the share is at least {CLEAR} "
            "areas.",
            table(
                [
                    "encoder",
                    "layer",
                    "area",
                    "plain",
                    "rule",
                    "weighted",
                    "growth",
                    "hirescam for",
                    "believed",
                ],
                rows,
            ),
        ]
    )
    print(text)
    if chosen.write:
        write_section(TITLE, COMMAND, text)


if __name__ == "__main__":
    main()
