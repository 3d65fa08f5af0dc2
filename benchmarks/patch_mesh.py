"""Patches lying flat, as generators learn and benchmarks judge, beside those bent over the face's mesh.

python -m benchmarks.patch_mesh --write

On the ten synthetic people that come with the app, as its tab does it; needs the weights only.
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
from torch import Tensor

from benchmarks.results import table, write_section
from core.metrics import intervals
from core.patches import apply, bundled, safety, slots, victims
from core.patches.base import Victim
from core.patches.generator import Mode, one_pass
from core.patches.session import Block, scale, tensor
from demos.patches import intake, people

TITLE = "Patches on faces: flat and on the mesh"
COMMAND = "python -m benchmarks.patch_mesh --write"
CASES: tuple[tuple[Mode, str], ...] = (
    ("evasion", "glasses"),
    ("evasion", "medical mask"),
    ("impersonation", "glasses"),
    ("impersonation", "medical mask"),
)
HOW = ("flat", "on the mesh")


def verdicts(worn: Tensor, known: Sequence[Victim], pictures: Block, aims: bool) -> list[float]:
    """Of each recogniser: mean cosine to the pictures, or the % of them at which it accepts."""
    found = []
    for victim in known:
        cosines = pictures.seen_by(victim) @ victims.embed([victim], worn)[victim.name][0]
        accepted = cosines >= scale("faces", victim).threshold
        found.append(float(100 * accepted.float().mean() if aims else cosines.mean()))
    return found


def main() -> None:
    """Measure, print, and write where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="into RESULTS.md")
    chosen = parser.parse_args()
    names = safety.people()
    known = [victims.face(name) for name in bundled.load("faces", "evasion").about.victims]
    album = {str(block.identities[0]): block for block in people.album()}
    found: dict[tuple[str, str, str], list[list[float]]] = defaultdict(list)
    for number, name in enumerate(names):
        face = intake.example(name)
        picture, target = tensor(face.picture)[None], names[(number + 1) % len(names)]
        for (mode, place), how in product(CASES, HOW):
            aims = mode == "impersonation"
            slot = slots.face(place, face.canonical() if how != HOW[0] else None)
            lent = people.lent(target)[:1] if aims else None
            patch = one_pass(bundled.load("faces", mode, place=place), picture, slot, lent, known)
            with torch.no_grad():
                worn = apply.paste(picture, patch, slot).pictures
            found[mode, place, how].append(verdicts(worn, known, album[target if aims else name], aims))
    rows = []
    for case, values in found.items():
        each = [intervals.mean(column, np.array(names)) for column in np.array(values).T]
        rows.append([*case, *(f"{one.estimate:.2f} ({one.low:.2f} to {one.high:.2f})" for one in each)])
    text = (
        f"{table(['mode', 'place', 'patch', *(victim.name for victim in known)], rows)}\n\n"
        f"The {len(names)} synthetic people's frontal faces, three pictures each in the gallery; every "
        "one aims at the next. Evasion: mean cosine to the person's own pictures; impersonation: % of the "
        "target's pictures at which the face is accepted at FAR 1e-2. 95 % intervals by wearer."
    )
    print(text)
    if chosen.write:
        write_section(TITLE, COMMAND, text)


if __name__ == "__main__":
    main()
