"""Draw one pedestrian of ``core.reid.wardrobe`` with the colours multiplied by the coverage."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.reid.wardrobe import Colour, Person

SHIFT = 4  # OpenCV takes sixteenths of a pixel
Layer = NDArray[np.uint8]
"""H×W×4: RGB times coverage, coverage."""


@dataclass(frozen=True, slots=True)
class Pose:
    """How the person stands in the picture.

    Attributes:
        x: of the body's middle, in pixels.
        ground: y of the feet, in pixels.
        height: of the body, in pixels.
        yaw: radians; 0 looks at the camera, pi away from it, pi / 2 to the picture's right.
        stride: where in a step, radians.
    """

    x: float
    ground: float
    height: float
    yaw: float
    stride: float


class Pen:
    """Shapes in the body's own frame: x from its middle, y up from the ground, both in body heights."""

    def __init__(self, layer: Layer, pose: Pose) -> None:
        self.layer, self.pose = layer, pose

    def polygon(self, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        """A filled polygon."""
        cv2.fillPoly(self.layer, [self._at(points)], (*colour, 255), cv2.LINE_AA, SHIFT)

    def limb(self, points: Sequence[tuple[float, float]], thick: float, colour: Colour) -> None:
        """A line with round ends through the points."""
        pixels = max(1, round(thick * self.pose.height))
        cv2.polylines(self.layer, [self._at(points)], False, (*colour, 255), pixels, cv2.LINE_AA, SHIFT)

    def oval(self, x: float, y: float, wide: float, high: float, colour: Colour) -> None:
        """An ellipse given by its half axes."""
        turns = np.arange(16) * (math.pi / 8)
        rim = zip(x + wide * np.cos(turns), y + high * np.sin(turns), strict=True)
        self.polygon(list(rim), colour)

    def inside(self, points: Sequence[tuple[float, float]], texture: "Pen") -> None:
        """Another pen's layer where it covers anything, within a polygon."""
        mask = np.zeros(self.layer.shape[:2], np.uint8)
        cv2.fillPoly(mask, [self._at(points)], 255, shift=SHIFT)
        cv2.copyTo(texture.layer, cv2.bitwise_and(mask, texture.layer[..., 3]), self.layer)

    def fresh(self) -> "Pen":
        """A pen of the same pose on an empty layer."""
        return Pen(np.zeros_like(self.layer), self.pose)

    def _at(self, points: Sequence[tuple[float, float]]) -> NDArray[np.int32]:
        pose = self.pose
        frame = np.array(points, np.float64) * (pose.height, -pose.height) + (pose.x, pose.ground)
        return np.round(frame * (1 << SHIFT)).astype(np.int32)


def draw(layer: Layer, who: Person, pose: Pose) -> None:
    """Draw from back to front onto ``layer``."""
    pen = Pen(layer, pose)
    facing, side = math.cos(pose.yaw), math.sin(pose.yaw)
    narrow = 0.62 + 0.38 * abs(facing)  # a trunk is not flat
    swing = math.sin(pose.stride) * (0.03 + 0.1 * abs(side))
    if who.carries == "backpack" and facing > -0.3:
        _backpack(pen, who, -side * 0.07, 0.8 * narrow)
    near = 1 if side >= 0 else -1
    for part in (-near, near):
        if part == near:
            _trunk(pen, who, narrow, facing, side)
        shade = 0.78 if part != near else 1.0
        _arm(pen, who, part * narrow, -part * swing, shade)
    _head(pen, who, facing, side)
    if who.carries == "backpack" and facing <= -0.3:
        _backpack(pen, who, -side * 0.05, narrow)
    _bag(pen, who, narrow, facing)


def _dim(colour: Colour, by: float) -> Colour:
    return (colour[0] * by, colour[1] * by, colour[2] * by)


def _trunk(pen: Pen, who: Person, narrow: float, facing: float, side: float) -> None:
    swing = math.sin(pen.pose.stride) * (0.03 + 0.1 * abs(side))
    near = 1 if side >= 0 else -1
    for part, shade in ((-near, 0.78), (near, 1.0)):
        _leg(pen, who, part * narrow, part * swing, side, shade)
    if who.lower == "skirt":
        hem = who.legs * 0.55
        wide = who.hips * narrow
        pen.polygon(
            [(-wide, who.legs + 0.03), (wide, who.legs + 0.03), (wide * 1.35, hem), (-wide * 1.35, hem)],
            who.bottom,
        )
    shirt = _outline(who, narrow)
    pen.limb([(0, 0.8), (0, 0.86)], who.limb, _dim(who.skin, 0.85))
    pen.polygon(shirt, who.top)
    _pattern(pen, who, shirt)
    if who.cut in ("jacket", "coat") and facing > 0.25:
        middle = side * 0.05
        low = min(y for _, y in shirt)
        pen.polygon(
            [(middle - 0.035, 0.83), (middle + 0.035, 0.83), (middle + 0.02, low), (middle - 0.02, low)],
            who.inner,
        )


def _outline(who: Person, narrow: float) -> list[tuple[float, float]]:
    """The upper clothes, clockwise."""
    low = who.legs - (0.16 if who.cut == "coat" else 0.015)
    flare = who.hips * (1.15 if who.cut == "coat" else 1.02)
    middle = (0.8 + who.legs) / 2
    right = [(0.035, 0.845), (who.shoulders * 0.85 * narrow, 0.825), (who.shoulders * narrow, 0.79)]
    right += [(who.waist * narrow * 1.05, middle), (flare * narrow, low)]
    return right + [(-x, y) for x, y in reversed(right)]


def _pattern(pen: Pen, who: Person, shirt: Sequence[tuple[float, float]]) -> None:
    if who.pattern == "plain":
        return
    cloth, thick = pen.fresh(), who.period * 0.45
    if who.pattern in ("hoops", "checks"):
        for y in np.arange(0.3, 0.85, who.period):
            cloth.polygon([(-0.2, y), (0.2, y), (0.2, y + thick), (-0.2, y + thick)], who.inner)
    if who.pattern in ("stripes", "checks"):
        for x in np.arange(-0.2, 0.2, who.period):
            cloth.polygon([(x, 0.3), (x + thick, 0.3), (x + thick, 0.86), (x, 0.86)], who.inner)
    if who.pattern == "print":
        size = who.period * 0.8
        cloth.polygon([(-size, 0.66), (size, 0.66), (size, 0.66 + size), (-size, 0.66 + size)], who.inner)
    if who.pattern == "blocks":
        level = 0.5 + 2.5 * who.period
        cloth.polygon([(-0.2, 0.3), (0.2, 0.3), (0.2, level), (-0.2, level)], who.inner)
    pen.inside(shirt, cloth)


def _leg(pen: Pen, who: Person, place: float, swing: float, side: float, shade: float) -> None:
    hip, thick = (who.hips * 0.5 * place, who.legs), who.limb * 1.35
    knee = (hip[0] * 0.95 + swing * 0.6, who.legs * 0.52)
    foot = (hip[0] * 0.9 + swing * 1.3, 0.025 + max(0.0, -swing) * 0.25)
    bare = who.lower in ("shorts", "skirt")
    pen.limb([hip, knee, foot], thick * (0.8 if bare else 1.0), _dim(who.skin if bare else who.bottom, shade))
    if who.lower == "shorts":
        pen.limb([hip, knee], thick * 1.2, _dim(who.bottom, shade))
    pen.limb([foot, (foot[0] + side * 0.04, foot[1] - 0.008)], 0.045, _dim(who.shoes, shade))


def _arm(pen: Pen, who: Person, place: float, swing: float, shade: float) -> None:
    shoulder = (who.shoulders * 0.93 * place, 0.79)
    elbow = (shoulder[0] + 0.022 * place + swing * 0.5, 0.62)
    hand = (shoulder[0] + 0.012 * place + swing * 1.2, 0.465 + abs(swing) * 0.3)
    sleeve = _dim(who.top, shade * 0.93)
    pen.limb([elbow, hand], who.limb * 0.75, _dim(who.skin, shade))
    if who.cut == "shirt":
        pen.limb([elbow, shoulder], who.limb * 0.75, _dim(who.skin, shade))
        half = ((shoulder[0] + elbow[0]) / 2, 0.715)
        pen.limb([shoulder, half], who.limb * 1.1, sleeve)
    else:
        wrist = (hand[0] * 0.85 + elbow[0] * 0.15, hand[1] + 0.025)
        pen.limb([shoulder, elbow, wrist], who.limb, sleeve)


def _head(pen: Pen, who: Person, facing: float, side: float) -> None:
    high, wide = who.head, who.head * (0.72 + 0.1 * abs(side))
    y, x = 0.992 - high, side * 0.012
    if who.locks == "long":
        pen.oval(x - side * 0.015, y - 0.03, wide * 1.2, high * 1.45, who.hair)
    if who.locks == "tail":
        pen.limb([(x - side * 0.05, y + 0.02), (x - side * 0.075, y - 0.07)], 0.035, who.hair)
    pen.oval(x, y, wide, high, who.skin)
    if who.locks == "bald":
        return
    if facing < -0.2:  # seen from behind
        pen.oval(x, y + high * 0.12, wide * 1.03, high * 0.95, who.hair)
        if who.locks == "tail":
            pen.limb([(x, y), (x, y - 0.1)], 0.035, who.hair)
    else:
        pen.oval(x - side * 0.012, y + high * 0.5, wide * 1.03, high * 0.55, who.hair)
        pen.oval(x - side * 0.03, y + high * 0.2, wide * 0.75 * abs(side), high * 0.75, who.hair)
    if who.locks == "hat":
        pen.oval(x, y + high * 0.55, wide * 1.12, high * 0.6, who.hair)
        pen.limb([(x - wide, y + high * 0.35), (x + wide + side * 0.03, y + high * 0.35)], 0.022, who.hair)


def _backpack(pen: Pen, who: Person, x: float, narrow: float) -> None:
    wide = 0.085 * narrow
    low, top = who.legs + 0.05, 0.81
    pen.polygon(
        [(x - wide, low), (x + wide, low), (x + wide, top - 0.02), (x, top), (x - wide, top - 0.02)], who.bag
    )
    pen.polygon(
        [(x - wide * 0.7, low + 0.02), (x + wide * 0.7, low + 0.02), (x + wide * 0.7, low + 0.1),
         (x - wide * 0.7, low + 0.1)], _dim(who.bag, 0.75),
    )  # fmt: skip


def _bag(pen: Pen, who: Person, narrow: float, facing: float) -> None:
    hand = (1 if who.left else -1) * (1 if facing >= 0 else -1)  # the person's left is our right from ahead
    if who.carries == "backpack" and facing > 0.2:
        for part in (-1, 1):
            x = part * who.shoulders * 0.5 * narrow
            pen.limb([(x, 0.825), (x * 1.15, 0.68)], 0.022, _dim(who.bag, 0.85))
    if who.carries == "strap":
        x = hand * who.hips * 1.1 * narrow
        pen.limb([(-hand * who.shoulders * 0.6 * narrow, 0.83), (x, who.legs + 0.06)], 0.02, who.bag)
        pen.polygon(
            [(x - 0.06, who.legs - 0.05), (x + 0.06, who.legs - 0.05), (x + 0.06, who.legs + 0.06),
             (x - 0.06, who.legs + 0.06)], who.bag,
        )  # fmt: skip
    if who.carries == "hand":
        x = hand * (who.shoulders + 0.015) * narrow
        pen.polygon([(x - 0.055, 0.29), (x + 0.055, 0.29), (x + 0.045, 0.42), (x - 0.045, 0.42)], who.bag)
