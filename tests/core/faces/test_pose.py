"""Pose recovers the turn it was given, with the signs that core.types.Pose promises."""

import numpy as np
import pytest

from core.faces import pose, topology
from core.types import FloatArray, Pose


def _turned(yaw: float, pitch: float, roll: float) -> FloatArray:
    """The mean shape turned: first towards the right side, then up, then clockwise on the screen."""
    a, b, c = np.radians([yaw, pitch, roll])
    right = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    up = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    clockwise = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return topology.mean_shape() @ (clockwise @ up @ right).T * 70 + [200, 150, 30]


def _estimate(points: FloatArray) -> Pose:
    return pose.estimate(points[:, :2], points[:, 2])


@pytest.mark.parametrize(
    "angles", [(0, 0, 0), (30, 0, 0), (-25, 10, 5), (0, -20, 0), (12, 8, -60), (5, 5, 170)]
)
def test_known_angles_are_recovered(angles: tuple[float, float, float]) -> None:
    found = _estimate(_turned(*angles))
    assert np.allclose([found.yaw, found.pitch, found.roll], angles, atol=1e-3)


def test_signs_are_what_a_person_sees() -> None:
    nose = 4
    middle = topology.eye_centres(_turned(30, 0, 0)).mean(0)
    assert _turned(30, 0, 0)[nose, 0] > middle[0]  # turned to the picture's right: the nose moves right
    assert _turned(0, 30, 0)[nose, 1] < _turned(0, 0, 0)[nose, 1]  # looking up: it rises
    left, right = topology.eye_centres(_turned(0, 0, 30))
    assert right[1] > left[1]  # leaning clockwise: the eye at the right sinks


def test_a_mirrored_picture_flips_yaw_and_roll() -> None:
    points = _turned(20, 7, -15)
    mirrored = (points * [-1, 1, 1] + [400, 0, 0])[topology.MIRROR]
    found, other = _estimate(points), _estimate(mirrored)
    assert np.allclose(
        [other.yaw, other.pitch, other.roll], [-found.yaw, found.pitch, -found.roll], atol=1e-4
    )


def test_gaze_does_not_turn_the_head() -> None:
    points = _turned(10, 0, 0)
    points[468:] += [5, 0, 0]
    assert _estimate(points).yaw == pytest.approx(10, abs=1e-4)
