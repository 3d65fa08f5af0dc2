"""Semantic regions of a face and the skin that paint can go on, as masks of a photo."""

import numpy as np

from core.faces import outlines, parts, topology
from core.faces.parts import PAIRED, REGIONS, SIDES, drawing, fill, landmarks_of
from core.faces.skin import Parser, bare_skin
from core.types import Face, Mask, Pixels

__all__ = ["PAIRED", "REGIONS", "SIDES", "landmarks_of", "masks", "paintable"]

MARGINS = {  # eye-distances by which what paint must spare is grown
    "eyes": 0.06,  # lashes
    "nostrils": 0.02,
    "mouth": 0.01,
    "brows": 0.03,
    "lips": 0.02,
}
FEATURES = ("brows", "eyes", "lips")  # the regions that are not skin


def masks(
    face: Face,
    height: int,
    width: int,
    *,
    sides: bool = False,
    pixels: Pixels | None = None,
    parser: Parser | None = None,
) -> dict[str, Mask]:
    """Where each region of a face lies.

    Args:
        face: with landmarks.
        height: rows of the canvas, whose pixels the landmarks count.
        width: its columns.
        sides: as in :func:`core.faces.parts.masks`.
        pixels: height×width×3 uint8 RGB of that canvas; given, regions of skin keep only what shows bare
            skin, see :mod:`core.faces.skin`. Brows, eyes and lips keep their outlines.
        parser: a face parser that judges the pixels instead.

    Returns:
        height×width bool by region name, pairwise disjoint; all False where the face is outside.

    Raises:
        UserError: ``FACE_UNSUITABLE`` for a face without landmarks.
    """
    found = parts.masks(face, height, width, sides=sides)
    if pixels is None:
        return found
    bare = bare_skin(pixels, face, parser)
    return {name: mask if name.endswith(FEATURES) else mask & bare for name, mask in found.items()}


def paintable(
    face: Face,
    height: int,
    width: int,
    *,
    include_brows: bool = False,
    include_lips: bool = False,
    pixels: Pixels | None = None,
    parser: Parser | None = None,
) -> Mask:
    """Bare skin that paint can go on: the face without eyes and lashes, mouth, nostrils, lips and brows.

    Args:
        face: with landmarks.
        height: rows of the canvas, whose pixels the landmarks count.
        width: its columns.
        include_brows: count the eyebrows in.
        include_lips: count the lips in (never the mouth's opening).
        pixels: height×width×3 uint8 RGB of that canvas; given, hair, beards, glasses and background in
            front of the face are left out too, see :mod:`core.faces.skin`.
        parser: a face parser that judges the pixels instead.

    Returns:
        height×width bool, a part of the union of :func:`masks`.

    Raises:
        UserError: ``FACE_UNSUITABLE`` for a face without landmarks.
    """
    points = landmarks_of(face)
    unit = float(np.linalg.norm(np.subtract(*topology.eye_centres(points))))
    skin = np.zeros((height, width), np.uint8)
    for _, _, outline in drawing():
        fill(skin, points[list(outline)], 1)
    spared = {"eyes": (outlines.LEFT_EYE, outlines.RIGHT_EYE), "mouth": (outlines.LIPS_INNER,)}
    spared["nostrils"] = (outlines.LEFT_NOSTRIL, outlines.RIGHT_NOSTRIL)
    if not include_brows:
        spared["brows"] = (outlines.LEFT_BROW, outlines.RIGHT_BROW)
    if not include_lips:
        spared["lips"] = (outlines.LIPS_OUTER,)
    for name, features in spared.items():
        for outline in features:
            fill(skin, points[list(outline)], 0, MARGINS[name] * unit)
    bare = skin.astype(bool)
    if pixels is None:
        return bare
    shown = bare_skin(pixels, face, parser)
    for name, counted in (("brows", include_brows), ("lips", include_lips)):
        if counted:  # neither a parser nor the colour rule takes them for skin
            shown |= parts.masks(face, height, width)[name]
    return bare & shown
