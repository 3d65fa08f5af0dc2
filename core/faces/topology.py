"""The mean face (517 people), its symmetry and its triangles (471), measured by core.faces.fit_mean_face.

The points are MediaPipe's 478; which of them outlines which feature stands in core.faces.outlines.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.faces.outlines import LEFT_EYE, LIPS_INNER, MOUTH_CORNERS, NOSE_TIP, RIGHT_EYE
from core.types import FloatArray

Indices = NDArray[np.intp]

_FILE = Path(__file__).with_name("mean_face.npz")


@lru_cache(maxsize=1)
def _stored() -> tuple[FloatArray, Indices, Indices]:
    with np.load(_FILE) as arrays:
        points, triangles, mirror = arrays["points"], arrays["triangles"], arrays["mirror"]
    points, triangles, mirror = points.astype(np.float32), triangles.astype(np.intp), mirror.astype(np.intp)
    for array in (points, triangles, mirror):
        array.setflags(write=False)
    return points, triangles, mirror


MIRROR: Indices = _stored()[2]
"""478: the point that a mirrored picture shows in each point's place; its own inverse."""

TRIANGLES: Indices = _stored()[1]
"""T×3: triangles of the 468 skin points, clockwise on the screen, symmetric; they tile the face oval."""


def mean_face() -> FloatArray:
    """The mean frontal face: 478×2 float32, symmetric, in eye-distances.

    The origin is midway between the eye centres (means of the eyes' outlines), x points to the picture's
    right and y down. Read-only.
    """
    return _stored()[0][:, :2]


def mean_shape() -> FloatArray:
    """:func:`mean_face` with depth: 478×3, smaller is nearer the camera. Read-only."""
    return _stored()[0]


def openings() -> NDArray[np.bool_]:
    """T: which :data:`TRIANGLES` lie in an eye's or the mouth's opening and so show no skin."""
    inside = np.zeros(len(TRIANGLES), bool)
    for outline in (LEFT_EYE, RIGHT_EYE, LIPS_INNER):
        inside |= np.isin(TRIANGLES, outline).all(1)
    return inside


def eye_centres(points: FloatArray) -> FloatArray:
    """2×2: left and right eye centre of 478×2 or 478×3 points, the means of the eyes' outlines."""
    centres: FloatArray = np.stack([points[list(eye), :2].mean(0) for eye in (LEFT_EYE, RIGHT_EYE)])
    return centres


def five_points(points: FloatArray) -> FloatArray:
    """5×2 float32, ArcFace's five points out of 478: eye centres, nose tip, corners of the mouth."""
    rest = points[[NOSE_TIP, *MOUTH_CORNERS], :2]
    return np.concatenate([eye_centres(points), rest]).astype(np.float32)
