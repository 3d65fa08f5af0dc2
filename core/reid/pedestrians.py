"""Procedural pedestrians: drawn pictures of people who do not exist, seen by cameras that disagree.

Stand-ins for Market-1501, which nobody can hand out any more: an identity is a build and clothes
(``core.reid.wardrobe``), a camera is a cast of colour, light, sharpness, a place and a side from which people
are mostly seen, and every shot has its own pose, distance, crop, noise and now and then something in front.
All of it follows from four numbers, so nothing is stored.
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from core.reid import figure
from core.reid.figure import Layer, Pose
from core.reid.wardrobe import person
from core.types import Pixels

HEIGHT: Final = 256
WIDTH: Final = 128
Scene = NDArray[np.float32]
"""H×W×3 at the sensor's resolution, light in levels of 255."""


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """How one camera sees.

    Attributes:
        mix: 3×4, linear map of colours in 0..1, the last column is added.
        gamma: exponent of the light after ``mix``.
        lines: rows of the sensor that a person of full height covers; the picture is no sharper.
        noise: standard deviation in levels of 255.
        wall, floor: colours of the place.
        horizon: y of the floor's edge as a share of the height.
        yaw: the direction that most people walk in, see ``Pose``.
    """

    mix: NDArray[np.float32]
    gamma: float
    lines: float
    noise: float
    wall: NDArray[np.float64]
    floor: NDArray[np.float64]
    horizon: float
    yaw: float


@lru_cache(maxsize=256)
def camera(seed: int, number: int) -> Camera:
    """The camera with this number in the town with this seed."""
    chance = np.random.default_rng([seed, 1, number])
    grey = np.full((3, 3), 1 / 3)
    colourful = chance.uniform(0.6, 1.15)
    cast = chance.uniform(0.86, 1.14, 3) * chance.uniform(0.75, 1.15)
    haze = chance.uniform(0, 0.14)
    mix = np.diag(cast * (1 - haze)) @ (colourful * np.eye(3) + (1 - colourful) * grey)
    tone = chance.uniform(50, 220)
    return Camera(
        mix=np.hstack([mix, np.full((3, 1), haze * 0.8)]).astype(np.float32),
        gamma=float(chance.uniform(0.8, 1.3)),
        lines=float(chance.uniform(90, 220)),
        noise=float(chance.uniform(2, 8)),
        wall=tone + chance.normal(0, 14, 3),
        floor=chance.uniform(70, 200) + chance.normal(0, 10, 3),
        horizon=float(chance.uniform(0.25, 0.75)),
        yaw=float(chance.uniform(0, 2 * math.pi)),
    )


def draw(seed: int, identity: int, camera_number: int, shot: int) -> Pixels:
    """One picture of one pedestrian; the same numbers give the same bytes.

    Args:
        seed: of the town, which has its own people and cameras.
        identity: who, from 0 on.
        camera_number: seen by which camera, from 0 on.
        shot: which picture of them, from 0 on.

    Returns:
        256×128×3 RGB.
    """
    eye = camera(seed, camera_number)
    chance = np.random.default_rng([seed, 2, identity, camera_number, shot])
    scale = float(np.clip(eye.lines * chance.uniform(0.75, 1.25) / HEIGHT, 0.25, 1))
    scene = _place(eye, scale, chance)
    if chance.random() < 0.25:  # somebody behind
        _put(scene, seed, int(chance.integers(1 << 30)), _pose(eye, chance, aside=True, far=True), chance)
    _put(scene, seed, identity, _pose(eye, chance), chance)
    if chance.random() < 0.15:
        _put(scene, seed, int(chance.integers(1 << 30)), _pose(eye, chance, aside=True), chance)
    elif chance.random() < 0.15:
        _obstacle(scene, chance)
    return developed(scene, eye, chance)


def batch(seed: int, rows: NDArray[np.int64]) -> Pixels:
    """Pictures for N×3 rows of identity, camera and shot -> N×256×128×3."""
    return np.stack([draw(seed, *(int(number) for number in row)) for row in rows])


def _pose(eye: Camera, chance: np.random.Generator, aside: bool = False, far: bool = False) -> Pose:
    """In the middle, or half outside the picture; ``far`` stands further back."""
    x = WIDTH / 2 + chance.normal(0, 5)
    if aside:
        x += (1 if chance.random() < 0.5 else -1) * chance.uniform(38, 62)
    size = chance.uniform(0.5, 0.9) if far else chance.uniform(0.93, 1.08)
    ground = HEIGHT * (chance.uniform(0.7, 0.9) if far else chance.normal(0.97, 0.02))
    yaw = eye.yaw + chance.normal(0, 0.9)
    return Pose(x, ground, HEIGHT * size, yaw, chance.uniform(0, 2 * math.pi))


def _put(scene: Scene, seed: int, identity: int, pose: Pose, chance: np.random.Generator) -> None:
    """Draw somebody into the scene, with folds, and lit from one side."""
    who = person(seed, identity)
    layer: Layer = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    figure.draw(layer, who, replace(pose, height=pose.height * who.tall))
    high, wide = scene.shape[:2]
    # composed at the sensor's resolution: the layer's colours are multiplied by the coverage, so they may
    # be averaged
    small = cv2.resize(layer, (wide, high), interpolation=cv2.INTER_AREA).astype(np.float32)
    across = (np.arange(wide, dtype=np.float32) * (WIDTH / wide) - pose.x) / (0.25 * pose.height)
    light = _clouds((24, 10), 0.07, (high, wide), chance) + 1
    light -= 0.22 * np.clip(np.abs(across + 0.2), 0, 1.5)  # a body is rounder than paper
    scene *= 1 - small[..., 3:] * np.float32(1 / 255)
    scene += small[..., :3] * light[..., None]


def _place(eye: Camera, scale: float, chance: np.random.Generator) -> Scene:
    """Wall with a few things on it, and floor."""
    high, wide = round(HEIGHT * scale), round(WIDTH * scale)
    canvas = np.empty((high, wide, 3), np.float32)
    edge = int(high * np.clip(eye.horizon + chance.normal(0, 0.05), 0.1, 0.9))
    canvas[:edge] = eye.wall + chance.normal(0, 10)
    canvas[edge:] = eye.floor + chance.normal(0, 10)
    for _ in range(chance.integers(1, 6)):
        x, y = int(chance.uniform(-0.15, 1) * wide), int(chance.uniform(-0.15, 0.5) * high)
        colour = eye.wall + chance.normal(0, 35) + chance.normal(0, 14, 3)
        canvas[max(y, 0) : y + int(chance.uniform(0.1, 0.6) * high), max(x, 0) : x + wide // 3] = colour
    canvas += _clouds((12, 6), 7, (high, wide), chance)[..., None]
    return canvas


def _clouds(
    grid: tuple[int, int], spread: float, shape: tuple[int, int], chance: np.random.Generator
) -> Scene:
    """Smooth noise, H×W."""
    coarse = chance.standard_normal(grid, np.float32) * np.float32(spread)
    return np.asarray(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _obstacle(scene: Scene, chance: np.random.Generator) -> None:
    """A post, or something low, before the person."""
    high, wide = scene.shape[:2]
    colour = chance.uniform(20, 220) + chance.normal(0, 25, 3)
    if chance.random() < 0.5:
        x = int(chance.uniform(0.1, 0.9) * wide)
        scene[:, x : x + 1 + int(chance.uniform(0.03, 0.12) * wide)] = colour
    else:
        x = int(chance.uniform(-0.25, 0.7) * wide)
        scene[int(high * chance.uniform(0.6, 0.9)) :, max(x, 0) : x + int(chance.uniform(0.3, 1) * wide)] = (
            colour
        )


def developed(scene: Scene, eye: Camera, chance: np.random.Generator) -> Pixels:
    """What a camera makes of a scene: colour, light, noise; then enlarged to 256×128."""
    gain = np.float32(chance.normal(1, 0.07) / 255)
    mixed = cv2.transform(scene * gain, eye.mix)
    lit = np.power(np.clip(mixed, 0, 1), np.float32(eye.gamma)) * np.float32(255)
    lit += chance.standard_normal(lit.shape, np.float32) * np.float32(eye.noise)
    levels = np.clip(lit, 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(levels, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR), np.uint8)
