"""Parts of a face as masks, cut out of the photo by outlines of landmarks.

The outlines are our choice after the usual names of facial regions; neighbours share their border points and
the regions tile the face oval except the mouth's opening.
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import Code, UserError
from core.faces import outlines, topology
from core.types import Face, FloatArray, Mask

REGIONS = (
    *("forehead", "temples", "brows", "eyes", "periocular", "nose bridge"),
    *("nose tip", "cheeks", "upper lip", "lips", "chin", "jaw"),
)
SIDES = ("left", "right")
PAIRED = ("temples", "brows", "eyes", "periocular", "cheeks", "jaw")
SUBPIXEL = 4  # bits

# Outlines on the picture's left, drawn in this order, so that a brow lies over the region around the eye.
_LEFT = {
    "temples": (54, 68, 70, 156, 143, 34, 127, 162, 21),
    "cheeks": (
        *(127, 34, 143, 111, 117, 118, 119, 120, 121, 128, 114, 217, 126, 209, 129),
        *(206, 216, 57, 212, 214, 192, 213, 132, 93, 234),
    ),
    "jaw": (132, 213, 192, 214, 212, 57, 61, 146, 91, 106, 204, 211, 170, 149, 150, 136, 172, 58),
    "periocular": (143, 156, 70, 63, 105, 66, 107, 55, 193, 245, 128, 121, 120, 119, 118, 117, 111),
    "brows": outlines.LEFT_BROW,
    "eyes": outlines.LEFT_EYE,
}
# Left halves, from the midline above to the midline below, of outlines that cross it.
_ACROSS = {
    "forehead": (10, 109, 67, 103, 54, 68, 70, 63, 105, 66, 107, 9),
    "nose bridge": (9, 107, 55, 193, 245, 128, 114, 217, 126, 198, 134, 51, 5),
    "nose tip": (5, 51, 134, 198, 126, 209, 129, 64, 98, 97, 2),
    "upper lip": (2, 97, 98, 64, 129, 206, 216, 57, 61, 185, 40, 39, 37, 0),
    "chin": (17, 84, 181, 91, 106, 204, 211, 170, 149, 176, 148, 152),
}


@lru_cache(maxsize=1)
def drawing() -> tuple[tuple[str, str, tuple[int, ...]], ...]:
    """Region ("" for the mouth's opening), side ("" across the midline) and outline, in drawing order."""

    def mirrored(outline: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(int(i) for i in topology.MIRROR[list(outline)])

    whole = [(name, "", half + mirrored(half)[-2:0:-1]) for name, half in _ACROSS.items()]
    paired = [
        (name, side, outline if side == "left" else mirrored(outline))
        for name, outline in _LEFT.items()
        for side in SIDES
    ]
    return (
        *paired[:6],
        *whole,
        *paired[6:],
        ("lips", "", outlines.LIPS_OUTER),
        ("", "", outlines.LIPS_INNER),
    )


def masks(face: Face, height: int, width: int, *, sides: bool = False) -> dict[str, Mask]:
    """Where each region of a face lies.

    Args:
        face: with landmarks.
        height: rows of the canvas, whose pixels the landmarks count.
        width: its columns.
        sides: split :data:`PAIRED` regions into ``"left cheeks"``, ``"right cheeks"`` and so on, by the
            picture's left and right.

    Returns:
        height×width bool by region name, pairwise disjoint; all False where the face is outside.

    Raises:
        UserError: ``FACE_UNSUITABLE`` for a face without landmarks.
    """
    labels = np.zeros((height, width), np.uint8)
    points = landmarks_of(face)
    order = drawing()
    for number, (_, _, outline) in enumerate(order, 1):
        fill(labels, points[list(outline)], number)
    names = [f"{side} {name}" if sides and side else name for name, side, _ in order]
    keys = [name for name in REGIONS if not (sides and name in PAIRED)]
    if sides:
        keys += [f"{side} {name}" for name in PAIRED for side in SIDES]
    numbers = {key: [n for n, name in enumerate(names, 1) if name == key] for key in keys}
    return {key: np.isin(labels, found) for key, found in numbers.items()}


def landmarks_of(face: Face) -> FloatArray:
    """478×2 landmarks of a face that must have them (UserError ``FACE_UNSUITABLE`` otherwise)."""
    if face.landmarks is None:
        raise UserError(
            Code.FACE_UNSUITABLE,
            "This face was found but not measured.",
            "Choose a photo in which the face is larger and clearer.",
        )
    return face.landmarks


def fill(canvas: NDArray[np.uint8], outline: FloatArray, value: int, margin: float = 0.0) -> None:
    """Fill a closed outline (K×2 pixels, pixel centres at whole numbers), grown by ``margin`` pixels."""
    scale = 1 << SUBPIXEL
    corners = np.clip(np.round(outline * scale), -(1 << 24), 1 << 24).astype(np.int32)
    cv2.fillPoly(canvas, [corners], value, cv2.LINE_8, SUBPIXEL)
    if margin > 0:
        cv2.polylines(canvas, [corners], True, value, max(1, round(2 * margin)), cv2.LINE_8, SUBPIXEL)
