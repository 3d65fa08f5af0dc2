"""Colours that water-based professional face paints come in."""

from collections.abc import Mapping
from types import MappingProxyType

# sRGB as seen in even daylight on dry paint. Our readings of common brands' colour charts, not those
# of one brand: no paint is as white as paper or as black as a screen that is off.
PALETTE: Mapping[str, tuple[int, int, int]] = MappingProxyType(
    {
        "black": (30, 28, 30),
        "white": (240, 238, 232),
        "red": (194, 28, 36),
        "yellow": (248, 206, 34),
        "blue": (28, 74, 164),
        "green": (26, 126, 66),
        "orange": (236, 112, 30),
        "brown": (98, 58, 38),
        "violet": (96, 46, 126),
        "pink": (238, 124, 164),
    }
)
