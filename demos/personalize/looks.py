"""How classes, frames and numbers are named on the screen; every colour stands beside its word."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.abaw.classes import EXPRESSIONS
from demos.pictures import inlined
from demos.strips import Look

COLOURS = 10  # of classes that are not expressions; style.css names them c0 to c9


def looks_of(names: Sequence[str]) -> tuple[Look, ...]:
    """Names and colours of the classes: where all are expressions those of the video tab, else by number."""
    known = [name.strip().casefold() for name in names]
    if set(known) <= set(EXPRESSIONS) and len(set(known)) == len(known):
        return tuple(Look(name, f"x-{key}") for name, key in zip(names, known, strict=True))
    return tuple(Look(name, f"x-c{number % COLOURS}") for number, name in enumerate(names))


def face(thumbs: NDArray[np.uint8], frame: int) -> str:
    """The data address of a frame's face.

    Args:
        thumbs: F×48×48×3 faces.
        frame: number of the frame.
    """
    return inlined(thumbs[frame], "webp", 60)


def kilobytes(size: float) -> str:
    """Bytes as a person reads them: 3.2 kB, 120 kB."""
    return f"{size / 1000:.1f} kB" if 0 < size < 9_950 else f"{size / 1000:.0f} kB"


def counted(count: int, word: str) -> str:
    """A number with its word: 1 frame, 2 frames."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
