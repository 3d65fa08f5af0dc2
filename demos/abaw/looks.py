"""How classes are named and coloured on the screen; every colour stands beside its word."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from core.abaw.classes import ACTION_UNITS, EXPRESSIONS
from demos.strips import Look

UNIT_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "AU1": "inner brow raised",
        "AU2": "outer brow raised",
        "AU4": "brows lowered",
        "AU6": "cheeks raised",
        "AU7": "lids tightened",
        "AU10": "upper lip raised",
        "AU12": "lip corners pulled",
        "AU15": "lip corners down",
        "AU23": "lips tightened",
        "AU24": "lips pressed",
        "AU25": "lips parted",
        "AU26": "jaw dropped",
    }
)
"""What each action unit does to a face (Ekman and Friesen, Facial Action Coding System)."""

assert set(UNIT_NAMES) == set(ACTION_UNITS)


EXPRESSION_LOOKS: Final[Sequence[Look]] = tuple(Look(name, f"x-{name}") for name in EXPRESSIONS)
BRANCH_LOOKS: Final[Sequence[Look]] = (Look("pretrained", "x-pretrained"), Look("head", "x-head"))
SEEN_LOOKS: Final[Sequence[Look]] = (Look("no face", "x-unseen"), Look("face", "x-seen"))


def seconds(value: float) -> str:
    """A time as a person reads it: 3.4 s, 1:05.2."""
    minutes, rest = divmod(round(max(value, 0.0), 1), 60)
    return f"{int(minutes)}:{rest:04.1f}" if minutes else f"{rest:.1f} s"
