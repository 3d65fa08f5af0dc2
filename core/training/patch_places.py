"""Where the patches of a generator sit while it learns: its fixed places, and drawings by a made-up hand."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from core.patches import slots
from core.patches.slots import Slot
from core.types import Mask

DRAWINGS: Final = 400  # a generator sees the drawing, and would learn a few by heart
# Share of height and width in which the hand's middle lies, and how far it reaches, in shares of the width.
REACH: Final = {
    "faces": ((0.25, 0.85), (0.25, 0.75), (0.1, 0.22)),
    "persons": ((0.2, 0.7), (0.3, 0.7), (0.16, 0.3)),
}
AREA: Final = (0.04, 0.14)  # share of the picture


def places(
    kind: str, names: Sequence[str], height: int, width: int, seed: int = 0
) -> dict[str, tuple[Slot, ...]]:
    """One slot for each name, for "drawn" many.

    Args:
        kind: "faces" or "persons".
        names: as ``core.patches.slots.named`` takes them, or "drawn".
        height, width: of the pictures, pixels.
        seed: of the drawings.

    Raises:
        UserError: no such place.
    """
    return {
        name: drawings(kind, height, width, seed)
        if name == "drawn"
        else (slots.named(kind, name, height, width),)
        for name in names
    }


def drawings(kind: str, height: int, width: int, seed: int, count: int = DRAWINGS) -> tuple[Slot, ...]:
    """Slots as a person might draw them; arguments as :func:`places`."""
    chance = np.random.default_rng(seed)
    found: list[Slot] = []
    while len(found) < count:
        mask = _drawing(kind, height, width, chance)
        if AREA[0] <= mask.mean() <= AREA[1]:
            found.append(slots.drawn(mask))
    return tuple(found)


def _drawing(kind: str, height: int, width: int, chance: np.random.Generator) -> Mask:
    """A blob, or a broad stroke of three points."""
    down, across, reach = REACH[kind]
    canvas = np.zeros((height, width), np.uint8)
    middle = np.array([chance.uniform(*across) * width, chance.uniform(*down) * height])
    axes = chance.uniform(*reach, 2) * width
    if chance.integers(2):
        centre, size = tuple(middle.astype(int).tolist()), tuple(axes.astype(int).tolist())
        cv2.ellipse(canvas, centre, size, float(chance.uniform(0, 180)), 0, 360, 1, -1)
    else:
        points = middle + chance.uniform(-1.4, 1.4, (3, 2)) * axes
        broad = int(chance.uniform(0.1, 0.2) * width)
        cv2.polylines(canvas, [points.astype(np.int32)], False, 1, broad)
    return np.asarray(canvas > 0)
