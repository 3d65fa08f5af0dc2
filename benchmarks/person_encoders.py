"""Encoders of whole people on people whom none was trained on: drawn ones, and those of MOT17.

python -m benchmarks.person_encoders --data ../shared/data --write

Drawn people and cameras are of a town that neither the training nor the choice of its epoch saw. The crops of
MOT17 are neighbouring frames of one camera a sequence, which is easy; in a harder search each is seen by one
of eight drawn cameras, and the Market rule holds. Two encoders that learned nothing are beside the others.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate, normalize

from benchmarks.results import table, write_section
from core.datasets import mot_crops
from core.metrics import intervals
from core.reid import load, omz, siblings
from core.reid.facet import FacetPerson
from core.reid.protocol import Pictures, Search, drawn, evaluate, one_camera, pictures
from core.training.person_data import TEST_TOWN, refilmed

COMMAND = "python -m benchmarks.person_encoders --data ../shared/data --write"
PEOPLE, CAMERAS, FILMING = 100, 4, 8
Encoder = Callable[[Tensor], Tensor]


def stripes(pixels: Tensor) -> Tensor:
    """Mean colours of 8×3 fields, their own mean taken out."""
    fields = interpolate(pixels, (8, 3), mode="area").flatten(1)
    return normalize(fields - fields.mean(1, keepdim=True), dim=1)


def untrained() -> FacetPerson:
    """Facet's network as it begins."""
    torch.manual_seed(0)
    return FacetPerson().eval().requires_grad_(False)


def filmed(root: Path) -> Search:
    """Held-out people of MOT17, each crop seen by one of the drawn cameras."""
    crops = pictures(mot_crops.read(root, mot_crops.HELD_OUT))
    chance = np.random.default_rng(0)
    cameras = chance.integers(FILMING, size=len(crops))
    pixels = [
        refilmed(crop, int(one), chance, TEST_TOWN) for crop, one in zip(crops.pixels, cameras, strict=True)
    ]
    seen = Pictures(np.stack(pixels), crops.identities, cameras)
    return Search(seen, seen)


def row(name: str, encoder: Encoder, searches: dict[str, Search]) -> list[str]:
    """mAP with its interval by identity, and rank-1, of each search."""
    cells = [name]
    for search in searches.values():
        found = evaluate(search, encoder)
        people = search.probes.identities[found.valid]
        between = intervals.mean(found.average_precision, people)
        cells.append(
            f"{found.mean_average_precision:.3f} [{between.low:.3f}, {between.high:.3f}] / {found.rank1:.3f}"
        )
    return cells


def described(search: Search) -> str:
    """Numbers of probes with a right answer, people and gallery."""
    found = evaluate(search, stripes)
    people = len(set(search.probes.identities[found.valid]))
    return f"{int(found.valid.sum())} probes of {people} people, {len(search.gallery)} in the gallery"


def main() -> None:
    """Measure and, with ``--write``, renew the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    searches = {
        "drawn": drawn(TEST_TOWN, PEOPLE, CAMERAS),
        "MOT17": one_camera(mot_crops.read(chosen.data, mot_crops.HELD_OUT)),
        "MOT17, filmed": filmed(chosen.data),
    }
    encoders: dict[str, Encoder] = {
        "mean colours of 8×3 fields": stripes,
        "Facet's network, untrained": untrained(),
        **{name: load(name) for name in siblings.FACET},
        **{f"{name} (never trained here)": omz.read(chosen.data, name) for name in omz.NAMES},
    }
    rows = [row(name, encoder, searches) for name, encoder in encoders.items()]
    counts = "; ".join(f"{name}: {described(search)}" for name, search in searches.items())
    text = "\n\n".join(
        [
            f"mAP with its 95 % interval by identity / rank-1. {counts}. Drawn people and cameras are of seed"
            f" {TEST_TOWN}; MOT17 is sequences {', '.join(mot_crops.HELD_OUT)}, whose frames are neighbours: "
            "rank-1 near 1 says little there. Filmed: each crop moved a little and seen by one of "
            f"{FILMING} drawn cameras; a probe's own camera is left out.",
            table(["encoder", *searches], rows),
        ]
    )
    print(text)
    if chosen.write:
        write_section("Encoders of whole people", COMMAND, text)


if __name__ == "__main__":
    main()
