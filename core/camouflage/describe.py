"""The figures of a pattern that say whether a person could paint it."""

from dataclasses import dataclass

import torch

from core.camouflage.pattern import FACE_WIDTH, MIN_STROKE, Pattern
from core.camouflage.project import Surface, area
from core.camouflage.render import TEXTURE_SIZE, render


@dataclass(frozen=True, slots=True)
class Description:
    """Figures of a pattern.

    Attributes:
        shapes: number of shapes, before mirroring and repetition.
        colors: names of the colours, in the order of painting.
        stroke: finest stroke in face widths.
        area: painted fraction of the mean face's valid region, 0..1.
        reproducible: at most three colours and no stroke finer than 4 % of the face's width.
    """

    shapes: int
    colors: tuple[str, ...]
    stroke: float
    area: float
    reproducible: bool


@torch.inference_mode()
def describe(pattern: Pattern) -> Description:
    """Measure a pattern on the mean face; photos differ a little from it in area."""
    texture = render([pattern], TEXTURE_SIZE)
    covered = float(area(Surface.mean_face(TEXTURE_SIZE), texture, pattern.opacity))
    paintable = len(pattern.colors) <= 3 and pattern.stroke >= MIN_STROKE / FACE_WIDTH - 1e-9
    return Description(len(pattern.shapes), pattern.colors, pattern.stroke, covered, paintable)
