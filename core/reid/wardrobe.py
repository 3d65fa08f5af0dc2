"""Who the drawn pedestrians are: build, clothes and what they carry, drawn by lot from a number."""

from dataclasses import dataclass
from typing import Final

import numpy as np

Colour = tuple[float, float, float]
"""RGB, 0 to 255."""

TOPS: Final = ("shirt", "sleeves", "jacket", "coat")
BOTTOMS: Final = ("trousers", "trousers", "shorts", "skirt")
PATTERNS: Final = ("plain", "plain", "plain", "hoops", "stripes", "checks", "print", "blocks")
HAIR: Final = ("short", "short", "long", "tail", "bald", "hat")
BAGS: Final = ("none", "none", "backpack", "strap", "hand")

_SKIN: Final = ((236, 196, 170), (214, 166, 132), (178, 124, 92), (128, 86, 62), (86, 58, 44))
_LOCKS: Final = ((28, 24, 22), (54, 36, 26), (96, 64, 40), (168, 126, 74), (150, 148, 146), (120, 52, 30))
_SOBER: Final = (
    (26, 26, 30), (52, 54, 60), (96, 98, 102), (150, 150, 150), (228, 228, 224), (30, 38, 66),
    (54, 74, 112), (96, 122, 158), (86, 66, 48), (168, 144, 108), (70, 76, 54), (196, 184, 160),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """One identity; lengths are shares of the body's height.

    Attributes:
        tall: height of the body as a share of the picture's, before the camera comes nearer or goes away.
        shoulders, waist, hips: half widths of the trunk seen from the front.
        legs: from the ground to the hips.
        limb: thickness of an arm; a leg has 1.35 of it.
        head: half height of the head.
        skin, hair, top, inner, bottom, shoes, bag: colours; ``inner`` is the pattern's and what shows under
            an open jacket.
        cut: of the upper clothes, one of ``TOPS``.
        lower: one of ``BOTTOMS``.
        pattern: of the upper clothes, one of ``PATTERNS``.
        period: of the pattern.
        locks: one of ``HAIR``; the colour of a hat is that of the hair's entry.
        carries: one of ``BAGS``.
        left: the bag hangs on the person's left.
    """

    tall: float
    shoulders: float
    waist: float
    hips: float
    legs: float
    limb: float
    head: float
    skin: Colour
    hair: Colour
    top: Colour
    inner: Colour
    bottom: Colour
    shoes: Colour
    bag: Colour
    cut: str
    lower: str
    pattern: str
    period: float
    locks: str
    carries: str
    left: bool


def person(seed: int, identity: int) -> Person:
    """The pedestrian with this number in the town with this seed; both from 0 on."""
    chance = np.random.default_rng([seed, 0, identity])
    broad = chance.uniform(0.85, 1.25)
    locks = str(chance.choice(HAIR))
    top = _cloth(chance)
    inner = _cloth(chance)
    while sum(abs(a - b) for a, b in zip(top, inner, strict=True)) < 120:  # a pattern that can be seen
        inner = _cloth(chance)
    return Person(
        tall=chance.uniform(0.82, 0.93),
        shoulders=0.118 * broad * chance.uniform(0.92, 1.08),
        waist=0.092 * broad * chance.uniform(0.85, 1.25),
        hips=0.1 * broad * chance.uniform(0.9, 1.15),
        legs=chance.uniform(0.46, 0.52),
        limb=0.056 * broad,
        head=chance.uniform(0.062, 0.074),
        skin=_near(_SKIN[chance.integers(len(_SKIN))], 8, chance),
        hair=_cloth(chance) if locks == "hat" else _near(_LOCKS[chance.integers(len(_LOCKS))], 8, chance),
        top=top,
        inner=inner,
        bottom=_cloth(chance, 0.25),
        shoes=_cloth(chance, 0.3),
        bag=_cloth(chance),
        cut=str(chance.choice(TOPS)),
        lower=str(chance.choice(BOTTOMS)),
        pattern=str(chance.choice(PATTERNS)),
        period=chance.uniform(0.035, 0.08),
        locks=locks,
        carries=str(chance.choice(BAGS)),
        left=bool(chance.random() < 0.5),
    )


def _cloth(chance: np.random.Generator, bright: float = 0.4) -> Colour:
    """A colour that clothes have: bright with this probability, otherwise sober."""
    if chance.random() >= bright:
        return _near(_SOBER[chance.integers(len(_SOBER))], 10, chance)
    hue, deep, value = chance.uniform(0, 6), chance.uniform(0.45, 0.95), chance.uniform(90, 235)
    ramp = [abs((hue + shift) % 6 - 3) - 1 for shift in (0, 4, 2)]  # the hexcone model, one channel each
    red, green, blue = (value * (1 - deep * (1 - min(max(one, 0), 1))) for one in ramp)
    return (red, green, blue)


def _near(colour: tuple[int, int, int], spread: float, chance: np.random.Generator) -> Colour:
    red, green, blue = np.clip(np.array(colour) + chance.normal(0, spread, 3), 0, 255).tolist()
    return (red, green, blue)
