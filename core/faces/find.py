"""The one way from a photo to its faces: detected, measured, judged, largest first."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.errors import Code, UserError
from core.faces import landmarks, pose, quality, topology
from core.faces.detect import area, detect
from core.types import Face, FloatArray, Notice, Pixels

PRESENCE = 0.5  # the landmark net's belief below which a detection is no face
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
    detected = [[face for face in detect(pixels) if _side(face) >= TINY] for pixels in pictures]
    owners = [index for index, faces in enumerate(detected) for _ in faces]
    pairs = [(pictures[index], face) for index, faces in enumerate(detected) for face in faces]
    found: list[list[Face]] = [[] for _ in pictures]
    for owner, (_, face), mesh in zip(owners, pairs, landmarks.measure(pairs), strict=True):
        if mesh.presence >= PRESENCE:
            found[owner].append(_with_points(face, mesh.points))
    for index, faces in enumerate(found):
        if not faces:
            found[index] = _on_its_side(pictures[index])
    return tuple(_judged(pixels, faces, largest_first) for pixels, faces in zip(pictures, found, strict=True))


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


def _with_points(face: Face, points: FloatArray) -> Face:
    return replace(
        face,
        five=topology.five_points(points),
        landmarks=points[:, :2].astype(np.float32),
        depth=points[:, 2].astype(np.float32),
        pose=pose.estimate(points[:, :2], points[:, 2]),
    )


def _on_its_side(pixels: Pixels) -> list[Face]:
    """Faces of a photo that lies on its side or head, with coordinates of the photo as it is."""
    best: list[Face] = []
    believed = 0.0
    for quarters in (1, 3, 2):
        turned = np.ascontiguousarray(np.rot90(pixels, quarters))
        faces = [face for face in detect(turned, thorough=False) if _side(face) >= TINY]
        meshes = landmarks.measure([(turned, face) for face in faces])
        sure = [(f, m) for f, m in zip(faces, meshes, strict=True) if m.presence >= PRESENCE]
        if sure and max(mesh.presence * face.score for face, mesh in sure) > believed:
            believed = max(mesh.presence * face.score for face, mesh in sure)
            best = [_turned_back(face, mesh.points, quarters, pixels.shape) for face, mesh in sure]
    return best


def _turned_back(face: Face, points: FloatArray, quarters: int, shape: tuple[int, ...]) -> Face:
    height, width = shape[:2]
    x, y = points[:, 0], points[:, 1]
    x0, y0, x1, y1 = face.box
    places = {1: (width - 1 - y, x), 2: (width - 1 - x, height - 1 - y), 3: (y, height - 1 - x)}
    boxes = {
        1: (width - y1, x0, width - y0, x1),
        2: (width - x1, height - y1, width - x0, height - y0),
        3: (y0, height - x1, y1, height - x0),
    }
    back = np.column_stack([*places[quarters], points[:, 2]])
    return _with_points(replace(face, box=boxes[quarters]), back)


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
