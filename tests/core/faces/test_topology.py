"""The mean face is symmetric and its triangles tile the oval once, eyes and mouth apart."""

import numpy as np
import pytest

from core.faces import outlines, topology

MEAN = topology.mean_face().astype(float)
TRIANGLES = topology.TRIANGLES


def _areas(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (points[triangles[:, k]] for k in range(3))
    return ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2


def _polygon_area(points: np.ndarray) -> float:
    x, y = points.T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def test_the_mirror_is_its_own_inverse_and_fixes_the_midline() -> None:
    mirror = topology.MIRROR
    assert np.array_equal(mirror[mirror], np.arange(478))
    fixed = np.flatnonzero(mirror == np.arange(478))
    assert np.abs(MEAN[fixed, 0]).max() < 1e-6
    assert {outlines.NOSE_TIP, outlines.CHIN, outlines.FOREHEAD_TOP} <= set(fixed.tolist())


def test_the_mean_face_is_exactly_symmetric_and_in_eye_distances() -> None:
    assert np.allclose(MEAN[topology.MIRROR] * [-1, 1], MEAN, atol=1e-6)
    assert np.allclose(topology.eye_centres(MEAN), [[-0.5, 0], [0.5, 0]], atol=1e-6)
    assert MEAN[outlines.CHIN, 1] > MEAN[outlines.NOSE_TIP, 1] > 0 > MEAN[outlines.FOREHEAD_TOP, 1]


def test_the_nose_is_nearest_the_camera() -> None:
    depth = topology.mean_shape()[:, 2]
    assert np.argmin(depth) in (1, 4, 5) and depth[outlines.NOSE_TIP] < depth[outlines.FACE_OVAL[8]]


@pytest.mark.parametrize("name", ["EYE", "BROW", "IRIS", "NOSTRIL"])
def test_paired_outlines_mirror_each_other_point_by_point(name: str) -> None:
    left, right = getattr(outlines, f"LEFT_{name}"), getattr(outlines, f"RIGHT_{name}")
    assert tuple(topology.MIRROR[list(left)].tolist()) == right
    assert MEAN[list(left), 0].max() < 0 < MEAN[list(right), 0].min()


@pytest.mark.parametrize("name", ["FACE_OVAL", "LIPS_OUTER", "LIPS_INNER"])
def test_midline_outlines_are_symmetric_sets(name: str) -> None:
    outline = list(getattr(outlines, name))
    assert set(topology.MIRROR[outline].tolist()) == set(outline)


def test_no_triangle_is_degenerate_or_turned_over() -> None:
    assert _areas(MEAN, TRIANGLES).min() > 2e-5
    assert TRIANGLES.max() < 468


def test_the_triangles_tile_the_face_oval_once() -> None:
    oval = _polygon_area(MEAN[list(outlines.FACE_OVAL)])
    assert _areas(MEAN, TRIANGLES).sum() == pytest.approx(oval, rel=1e-6)
    edges = np.sort(np.concatenate([TRIANGLES[:, pair] for pair in ([0, 1], [1, 2], [2, 0])]), axis=1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    assert set(counts.tolist()) == {1, 2} and (counts == 1).sum() == len(outlines.FACE_OVAL)


def test_the_triangulation_is_symmetric() -> None:
    def sets(triangles: np.ndarray) -> set[frozenset[int]]:
        return {frozenset(row) for row in triangles.tolist()}

    assert sets(topology.MIRROR[TRIANGLES]) == sets(TRIANGLES)


@pytest.mark.parametrize("outline", [outlines.LEFT_EYE, outlines.RIGHT_EYE, outlines.LIPS_INNER])
def test_openings_are_tiled_by_their_own_triangles(outline: tuple[int, ...]) -> None:
    opening = TRIANGLES[topology.openings()]
    own = opening[np.isin(opening, outline).all(1)]
    assert len(own) == len(outline) - 2
    assert _areas(MEAN, own).sum() == pytest.approx(_polygon_area(MEAN[list(outline)]), rel=1e-5)


def test_what_is_shared_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        topology.mean_face()[0] = 0
