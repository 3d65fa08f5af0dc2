"""Patches lying flat, as generators learn and benchmarks judge, beside those bent over the face's mesh.

python -m benchmarks.patch_mesh --write

On the ten synthetic people that come with the app, as its tab does it; needs the weights only.
"""

import argparse
from collections import defaultdict

import numpy as np
import torch

from benchmarks.results import table, write_section
from core.metrics import intervals
from core.patches import apply, bundled, safety, slots, victims
from core.patches.generator import Mode, one_pass
from core.patches.session import scale, tensor
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


def main() -> None:
    """Measure, print, and write where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="into RESULTS.md")
    chosen = parser.parse_args()
    names = safety.people()
    known = [victims.face(name) for name in bundled.load("faces", "evasion").about.victims]
    album = {str(block.identities[0]): block for block in people.album()}
    found: dict[tuple[str, str, str, str], list[float]] = defaultdict(list)
    for number, name in enumerate(names):
        face = intake.example(name)
        picture, target = tensor(face.picture)[None], names[(number + 1) % len(names)]
        for mode, place in CASES:
            aim = people.lent(target)[:1] if mode == "impersonation" else None
            for how in HOW:
                slot = slots.face(place, face.canonical() if how != HOW[0] else None)
                patch = one_pass(bundled.load("faces", mode), picture, slot, aim, known)
                with torch.no_grad():
                    worn = apply.paste(picture, patch, slot).pictures
                for victim in known:
                    vector = victims.embed([victim], worn)[victim.name][0]
                    if aim is None:
                        value = (album[name].seen_by(victim) @ vector).mean()
                    else:
                        accepted = album[target].seen_by(victim) @ vector >= scale("faces", victim).threshold
                        value = 100 * accepted.float().mean()
                    found[mode, place, how, victim.name].append(float(value))
    who = np.array(names)
    rows = []
    for mode, place in CASES:
        for how in HOW:
            cells = []
            for victim in known:
                one = intervals.mean(np.array(found[mode, place, how, victim.name]), who)
                cells.append(f"{one.estimate:.2f} ({one.low:.2f} to {one.high:.2f})")
            rows.append([mode, place, how, *cells])
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
