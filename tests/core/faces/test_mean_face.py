"""The procedure behind the mean face recovers a known shape from noisy, turned copies of it."""

from pathlib import Path

import numpy as np

from core.faces import find_batch, outlines, topology
from core.faces.fit_mean_face import mirror_of, procrustes_mean, symmetric, triangulate, turn_between


def _rotation(rng: np.random.Generator, spread: float) -> np.ndarray:
    a, b, c = rng.normal(0, spread, 3)
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return x @ y @ z


def test_turn_between_recovers_rotation_and_scale() -> None:
    rng = np.random.default_rng(1)
    shape = topology.mean_shape() - topology.mean_shape().mean(0)
    turn = _rotation(rng, 0.5)
    found, scale = turn_between(shape, 2.5 * shape @ turn.T)
    assert np.allclose(found, turn, atol=1e-5) and abs(scale - 2.5) < 1e-4


def test_the_mean_of_turned_noisy_copies_is_the_shape_they_came_from() -> None:
    rng = np.random.default_rng(0)
    shape = topology.mean_shape().astype(float)
    copies = [
        rng.uniform(20, 90) * (shape + rng.normal(0, 0.03, shape.shape)) @ _rotation(rng, 0.15).T
        + rng.uniform(-50, 300, 3)
        for _ in range(60)
    ]
    found = symmetric(procrustes_mean(np.stack(copies)))
    away, _ = turn_between(shape - shape.mean(0), found - found.mean(0))
    assert np.degrees(np.arccos((np.trace(away) - 1) / 2)) < 4  # the copies' own average pose
    assert np.abs((found - found.mean(0)) @ away - (shape - shape.mean(0))).max() < 0.03


def test_the_stored_triangles_are_reproducible_in_kind() -> None:
    triangles = triangulate(topology.mean_shape().astype(float))
    assert np.array_equal(mirror_of(topology.mean_shape()), topology.MIRROR)
    assert len(triangles) == len(topology.TRIANGLES)  # Euler: as many for any tiling of the same points


def test_the_synthetic_examples_have_one_good_face_each() -> None:
    import cv2

    files = sorted((Path(__file__).parents[3] / "demos" / "examples" / "faces").glob("*frontal*.jpg"))[:4]
    photos = [cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB) for file in files]
    found = find_batch(photos)
    assert files and [len(faces) for faces in found] == [1] * len(files)
    for (face,) in found:
        assert face.advice == () and face.pose is not None and abs(face.pose.yaw) < 20
        assert face.landmarks is not None and face.landmarks[outlines.CHIN, 1] > face.five[3:, 1].max()
