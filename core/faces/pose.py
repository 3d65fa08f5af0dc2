"""Head pose from landmarks: the rotation that best lays the mean face onto a face."""

import numpy as np

from core.faces import topology
from core.types import FloatArray, Pose

SKIN_POINTS = 468  # the irises follow the gaze, not the head


def estimate(points: FloatArray, depth: FloatArray) -> Pose:
    """Yaw, pitch and roll of one face.

    The rotation is the least-squares one between the mean face and the face in three dimensions (Umeyama
    1991) and is taken apart as roll · pitch · yaw, so turning the picture changes the roll alone. Zero is
    the average pose of the people of whom the mean face was made.

    Args:
        points: 478×2 landmarks, pixels.
        depth: 478, pixels, smaller is nearer.

    Returns:
        Degrees, with the signs of :class:`core.types.Pose`.
    """
    source = topology.mean_shape()[:SKIN_POINTS].astype(float)
    target = np.column_stack([points, depth])[:SKIN_POINTS].astype(float)
    source, target = source - source.mean(0), target - target.mean(0)
    u, _, vt = np.linalg.svd(target.T @ source)
    rotation = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt
    return Pose(
        yaw=float(np.degrees(np.arctan2(rotation[2, 0], rotation[2, 2]))),
        pitch=float(np.degrees(-np.arcsin(np.clip(rotation[2, 1], -1, 1)))),
        roll=float(np.degrees(np.arctan2(-rotation[0, 1], rotation[1, 1]))),
    )
