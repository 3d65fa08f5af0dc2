"""Measure the mean face and triangulate it.

    python -m core.faces.fit_mean_face lfw_expressions.parquet core/faces/mean_face.npz

Generalised Procrustes analysis (Gower 1975) of one photo each of many people: rotation, one scale and shift
are taken out of every mesh in three dimensions, the average is turned to the average pose, made symmetric
and scaled to one eye-distance. People with closed mouths give the face, people with open mouths the
triangles, so that no triangle joins upper and lower lip outside the mouth's opening. Only these averages are
kept, no photo and no single face.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import Delaunay

from core.datasets import lfw
from core.faces.detect import detect
from core.faces.landmarks import measure
from core.faces.outlines import LEFT_EYE, RIGHT_EYE
from core.types import FloatArray

PEOPLE = 1500
CLOSED = 0.04  # gap between the lips of a closed mouth at most, in widths between the outer eye corners
OPEN = 0.12  # and of an open one at least
SKIN_POINTS = 468  # the triangles leave the irises out


def meshes(table: Path, people: int, seed: int = 0) -> FloatArray:
    """N×478×3 landmarks of different people, one photo each, in pixels of their photos."""
    one_each = list({photo.identity: photo for photo in lfw.photos(table, "lfw")}.values())
    order = np.random.default_rng(seed).permutation(len(one_each))[:people]
    pairs = []
    for index in order:
        pixels = one_each[index].pixels()
        pairs += [(pixels, face) for face in detect(pixels)[:1]]
    return np.stack([mesh.points.astype(float) for mesh in measure(pairs) if mesh.presence > 0.99])


def lip_gap(points: FloatArray) -> FloatArray:
    """How far N×478×3 meshes have their mouths open, in widths between the outer eye corners."""
    gap = np.linalg.norm(points[:, 13] - points[:, 14], axis=1)
    opened: FloatArray = gap / np.linalg.norm(points[:, 33] - points[:, 263], axis=1)
    return opened


def turn_between(source: FloatArray, target: FloatArray) -> tuple[FloatArray, float]:
    """Rotation (3×3) and scale that best map centred ``source`` onto centred ``target`` (Umeyama 1991)."""
    u, s, vt = np.linalg.svd(target.T @ source)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    return u @ np.diag(sign) @ vt, float((s * sign).sum() / (source**2).sum())


def procrustes_mean(points: FloatArray, rounds: int = 10) -> FloatArray:
    """478×3 mean shape of N×478×3 meshes, in the average orientation of the meshes."""
    centred = points - points.mean(1, keepdims=True)
    mean = centred[0] / np.linalg.norm(centred[0])
    for _ in range(rounds):
        turned = [scale * one @ turn.T for one in centred for turn, scale in [turn_between(one, mean)]]
        mean = np.mean(turned, axis=0)
        mean /= np.linalg.norm(mean)
    u, _, vt = np.linalg.svd(sum(turn_between(mean, one)[0] for one in centred))
    result: FloatArray = mean @ (u @ vt).T
    return result


def mirror_of(mean: FloatArray) -> FloatArray:
    """For each point of a nearly symmetric shape the index of the point on the other side."""
    flipped = mean * [-1, 1, 1]
    cost = ((mean[:, None] - flipped[None]) ** 2).sum(2)
    return np.asarray(linear_sum_assignment(cost)[1])


def symmetric(mean: FloatArray) -> FloatArray:
    """The shape made exactly symmetric, upright, centred between the eyes, one eye-distance wide."""
    partner = mirror_of(mean)
    across = mean[partner] - mean
    across = across * np.sign(across[:, :1])
    axis = across.sum(0) / np.linalg.norm(across.sum(0))
    down = np.array([0.0, 1.0, 0.0]) - axis[1] * axis
    down /= np.linalg.norm(down)
    upright = mean @ np.stack([axis, down, np.cross(axis, down)]).T
    centre = np.median((upright + upright[partner])[:, 0]) / 2
    upright = upright - [centre, 0, 0]
    whole = (upright + upright[partner] * [-1, 1, 1]) / 2
    left, right = (whole[list(eye)].mean(0) for eye in (LEFT_EYE, RIGHT_EYE))
    result: FloatArray = (whole - (left + right) / 2) / (right[0] - left[0])
    return result


def triangulate(points: FloatArray) -> FloatArray:
    """T×3 symmetric triangles: Delaunay's of the left half, mirrored, all wound clockwise on the screen.

    Half by half, because the two diagonals of a quadrangle across the midline are equally good and the
    choice between them would be arbitrary.
    """
    half = np.flatnonzero(points[:SKIN_POINTS, 0] <= 1e-9)
    left = half[Delaunay(points[half, :2]).simplices]
    a, b, c = (points[left[:, k], :2] for k in range(3))
    around = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    left[around < 0] = left[around < 0][:, ::-1]
    right = mirror_of(points)[left][:, ::-1]
    return np.concatenate([left, right])


def main() -> None:
    """Command line: a Parquet file of LFW photos in, the mean face out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--people", type=int, default=PEOPLE)
    arguments = parser.parse_args()
    points = meshes(arguments.table, arguments.people)
    gap = lip_gap(points)
    closed, opened = points[gap < CLOSED], points[gap > OPEN]
    mean = symmetric(procrustes_mean(closed))
    triangles = triangulate(symmetric(procrustes_mean(opened)))
    np.savez(
        arguments.out,
        points=mean.astype(np.float32),
        triangles=triangles.astype(np.int16),
        mirror=mirror_of(mean).astype(np.int16),
    )
    parser.exit(message=f"face from {len(closed)} people, triangles from {len(opened)}\n")


if __name__ == "__main__":
    main()
