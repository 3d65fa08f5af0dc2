"""Which part of a face is bare skin: hair, beards, dark lenses and background told by their colour.

Our choice, for want of a face parser among the bundled weights: the face's own cheeks, nose and forehead give
a colour model and a smooth model of the light, and what differs strongly from both *and* reaches in from the
rim of the face or from an eye is no skin. Shadows inside the face stay. Looked at on 36 photos of UTKFace
and 18 of LFW: beards, hair over the temples and dark frames go; a strongly shaded half of a face may lose
its outer part.

Where the optional face parser is there (:func:`parser`) and sees a face, it judges instead, and the colour
rule is asked only below the nose, because a parser takes beards for skin. On 120 photos of UTKFace that keeps
90 % of the outlined skin where colour alone keeps 96 % (mean IoU of the two .92): glasses, hair over the
forehead and what lies beside a turned face go, shaded cheeks come back. A full beard can escape both.
"""

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from core.faces import parts
from core.faces.align import CANONICAL_SIZE, align, similarity
from core.types import Face, FloatArray, Mask, Pixels

Parser = Callable[[Pixels], Mask]
"""A face parser: 224×224×3 canonical crop to 224×224 bool, True on skin, shaved or not."""

DISTANCE = 4.5  # deviations from the face's own skin beyond which a pixel is something else
SMOOTH = 1.5  # canonical pixels of blur before colours are compared
FLOOR_L, FLOOR_AB = 3.0, 2.0  # smallest deviations believed, in CIELAB units
FITS = 4  # rounds of refitting the light without what it does not explain
NOSE_BASE = 2  # landmark
SEEN = 0.25  # of cheeks and nose that a parser must take for skin to be believed; on 220 photos at least .75


def bare_skin(
    pixels: Pixels,
    face: Face,
    parser: Parser | None = None,
    window: tuple[int, int, int, int] | None = None,
) -> Mask:
    """Where a photo shows this face's bare skin.

    Args:
        pixels: H×W×3 uint8 RGB, the photo.
        face: a face of it, with landmarks.
        parser: a face parser to ask instead of the colour rule, such as :func:`parser`.
        window: ``(x0, y0, x1, y1)`` pixels, half-open: the part of the photo that is wanted, by default
            all of it. What surrounds the face is looked at all the same.

    Returns:
        h×w bool of the window. True also where nothing is known (beyond the canonical frame), so cut it
        with :func:`core.faces.regions.paintable`.
    """
    crop = align(pixels, face)
    found = _bare(crop, canonical(face), parser)
    x0, y0, x1, y1 = window or (0, 0, pixels.shape[1], pixels.shape[0])
    matrix = similarity(face.five).copy()
    matrix[:, 2] += matrix[:, :2] @ (x0, y0)
    back = cv2.warpAffine(
        found.astype(np.float32),
        matrix,
        (x1 - x0, y1 - y0),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderValue=1.0,
    )
    return np.asarray(back > 0.5)


def parser() -> Parser | None:
    """The face parser when its weights are on this machine, else None; built once, never fetched."""
    from core.faces import parse

    found = parse.present()
    return found.skin if found else None


def canonical(face: Face) -> Face:
    """The same face, its points in the pixels of its 224 px canonical crop."""
    matrix = similarity(face.five)
    points = parts.landmarks_of(face) @ matrix[:, :2].T + matrix[:, 2]
    five = face.five @ matrix[:, :2].T + matrix[:, 2]
    return Face(
        box=(0.0, 0.0, float(CANONICAL_SIZE), float(CANONICAL_SIZE)),
        score=face.score,
        five=np.asarray(five, np.float32),
        landmarks=np.asarray(points, np.float32),
    )


def _bare(crop: Pixels, face: Face, parser: Parser | None) -> Mask:
    regions = parts.masks(face, CANONICAL_SIZE, CANONICAL_SIZE)
    found = _by_colour(crop, regions)
    if parser is None:
        return found
    seen = parser(crop)
    middle = regions["cheeks"] | regions["nose bridge"] | regions["nose tip"]
    if (seen & middle).sum() < SEEN * middle.sum():  # it sees no face, in a drawing for instance
        return found
    above = np.arange(CANONICAL_SIZE)[:, None] < parts.landmarks_of(face)[NOSE_BASE, 1]
    return np.asarray(seen & (found | above))


def _by_colour(crop: Pixels, found: Mapping[str, Mask]) -> Mask:
    seeds = found["cheeks"] | found["nose bridge"] | found["nose tip"] | found["forehead"]
    if not seeds.any():
        return np.ones(seeds.shape, bool)
    spots = (_deviation(crop, seeds) > DISTANCE).astype(np.uint8)
    spots = np.asarray(cv2.morphologyEx(spots, cv2.MORPH_OPEN, _disc(7)), np.uint8)
    strange: Mask = cv2.morphologyEx(spots, cv2.MORPH_CLOSE, _disc(5)) > 0
    nose = found["nose bridge"] | found["nose tip"]
    sources = (~np.any(list(found.values()), axis=0) | found["eyes"]) & ~nose
    _, labels = cv2.connectedComponents(((strange | sources) & ~nose).astype(np.uint8))
    reached = np.isin(labels, np.unique(labels[sources]))
    bare: Mask = ~(strange & reached)
    return bare


def _deviation(crop: Pixels, seeds: Mask) -> FloatArray:
    """How unlike the seeds' colour, under a light that varies as a quadratic over the face, each pixel is."""
    lab = cv2.cvtColor(crop.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lab = cv2.GaussianBlur(lab, (0, 0), SMOOTH)
    lightness, colour = lab[..., 0], lab[..., 1:]
    y, x = np.mgrid[: crop.shape[0], : crop.shape[1]] / (crop.shape[0] / 2) - 1
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], -1)
    used = seeds
    for _ in range(FITS):
        light = terms @ np.linalg.lstsq(terms[used], lightness[used], rcond=None)[0]
        rest = lightness - light
        spread = max(1.48 * float(np.median(np.abs(rest[used]))), FLOOR_L)
        kept = seeds & (rest > -2 * spread) & (rest < 3 * spread)
        if kept.sum() < seeds.sum() / 4:
            break
        used = kept
    low, high = np.percentile(light[used], [2, 98])
    rest = lightness - np.clip(light, low, high)
    middle = np.median(colour[used], axis=0)
    shape = np.cov((colour[used] - middle).T) + np.eye(2) * FLOOR_AB**2
    tint = np.einsum("...i,ij,...j", colour - middle, np.linalg.inv(shape), colour - middle)
    shade = np.where(rest < 0, -rest, rest / 2) / spread  # highlights are skin more often than shadows
    deviation: FloatArray = np.sqrt(tint + shade**2 / 2)
    return deviation


def _disc(size: int) -> FloatArray:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
