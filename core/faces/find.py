"""The one way from a photo to its faces: detected, measured, judged, largest first."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.errors import Code, UserError
from core.faces import landmarks, pose, quality, topology
from core.faces.detect import area, detect
from core.types import Face, FloatArray, Notice, Pixels

BELIEF = 0.6  # least score of YuNet times presence of the landmark net; 2 of 200 flowers pass
SURE = 0.88  # YuNet's score on upright LFW faces is .93, at 45 degrees .85, on their side .73
MARGIN = 0.05  # by how much a turned photo must score better; on 25 LFW photos right up to 45 degrees in 96 %
TINY = 16.0  # px: detections with a smaller longer side are too small to measure


def find(pixels: Pixels, *, largest_first: bool = True) -> tuple[Face, ...]:
    """Find and measure the faces of one photo.

    Args:
        pixels: H×W×3 uint8 RGB.
        largest_first: order by size; otherwise from left to right.

    Returns:
        At least one face, with landmarks, pose and advice.

    Raises:
        UserError: ``NO_FACE``, saying whether nothing or only tiny faces were found.
    """
    return require(find_batch([pixels], largest_first=largest_first)[0], pixels)


def find_batch(pictures: Sequence[Pixels], *, largest_first: bool = True) -> tuple[tuple[Face, ...], ...]:
    """:func:`find` for many photos, whose landmarks are measured together.

    Returns:
        The faces of each photo; empty where there are none (see :func:`require`).
    """
    turned = [_upright(pixels) for pixels in pictures]
    pairs = [(pixels, face) for _, pixels, faces in turned for face in faces]
    meshes = iter(landmarks.measure(pairs))
    found = []
    for (quarters, _, faces), pixels in zip(turned, pictures, strict=True):
        measured = [
            (face, mesh)
            for face, mesh in zip(faces, meshes, strict=False)
            if face.score * mesh.presence >= BELIEF
        ]
        back = [_turned_back(face, mesh.points, quarters, pixels.shape) for face, mesh in measured]
        found.append(_judged(pixels, back, largest_first))
    return tuple(found)


def require(faces: tuple[Face, ...], pixels: Pixels) -> tuple[Face, ...]:
    """The faces themselves, or the UserError ``NO_FACE`` that tells why there are none in ``pixels``."""
    if faces:
        return faces
    if detect(pixels):
        raise UserError(
            Code.NO_FACE,
            "Only something too small or too unclear to be measured as a face was found.",
            "Cut the photo closer to the face, or choose one in which the face is at least 40 pixels wide.",
        )
    raise UserError(
        Code.NO_FACE,
        "No face was found in this photo.",
        "Choose a photo in which a face looks towards the camera, upright and well lit.",
    )


def pick(faces: Sequence[Face], index: int | None = None) -> Face:
    """The face that a person chose.

    Args:
        faces: as :func:`find` returns them.
        index: which, from 0; None takes the first.

    Raises:
        UserError: ``NO_FACE`` for an empty sequence, ``OPTION_RANGE`` for an index that is not there.
    """
    if not faces:
        raise UserError(Code.NO_FACE, "There is no face to choose from.", "Choose a photo that shows a face.")
    if index is None:
        return faces[0]
    if not 0 <= index < len(faces):
        known = "1 face" if len(faces) == 1 else f"{len(faces)} faces"
        raise UserError(
            Code.OPTION_RANGE,
            f"Face number {index + 1} is not in this photo.",
            f"It shows {known}; choose one.",
        )
    return faces[index]


def _side(face: Face) -> float:
    x0, y0, x1, y1 = face.box
    return max(x1 - x0, y1 - y0)


def _upright(pixels: Pixels) -> tuple[int, Pixels, list[Face]]:
    """Quarters by which to turn a photo counterclockwise so that its faces stand, that photo, its faces.

    YuNet still fires on leaning and lying heads, with less confidence and points in the wrong places.
    """
    best = (0, pixels, detect(pixels))
    if not best[2] or best[2][0].score < SURE:
        for quarters in (1, 3, 2):
            turned = np.ascontiguousarray(np.rot90(pixels, quarters))
            faces = detect(turned, thorough=False)
            if faces and (not best[2] or faces[0].score > best[2][0].score + MARGIN):
                best = (quarters, turned, faces)
    quarters, turned, faces = best
    return quarters, turned, [face for face in faces if _side(face) >= TINY]


def _turned_back(face: Face, points: FloatArray, quarters: int, shape: tuple[int, ...]) -> Face:
    """The measured face with coordinates of the photo as it was before it was turned."""
    height, width = shape[:2]
    x, y = points[:, 0], points[:, 1]
    x0, y0, x1, y1 = face.box
    places = {0: (x, y), 1: (width - 1 - y, x), 2: (width - 1 - x, height - 1 - y), 3: (y, height - 1 - x)}
    boxes = {
        0: face.box,
        1: (width - y1, x0, width - y0, x1),
        2: (width - x1, height - y1, width - x0, height - y0),
        3: (y0, height - x1, y1, height - x0),
    }
    across, down = places[quarters]
    flat = np.column_stack([across, down])
    return replace(
        face,
        box=boxes[quarters],
        five=topology.five_points(flat),
        landmarks=flat.astype(np.float32),
        depth=points[:, 2].astype(np.float32),
        pose=pose.estimate(flat, points[:, 2]),
    )


def _judged(pixels: Pixels, faces: list[Face], largest_first: bool) -> tuple[Face, ...]:
    key = (lambda face: -area(face)) if largest_first else (lambda face: face.box[0])
    several: tuple[Notice, ...] = ()
    if len(faces) > 1:
        several = (Notice("several-faces", f"{len(faces)} faces were found; choose the one that is meant."),)
    judged = []
    for face in sorted(faces, key=key):
        notices = quality.advice(quality.measure(pixels, face), face)
        judged.append(replace(face, advice=notices + several))
    return tuple(judged)
