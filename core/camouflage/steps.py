"""A pattern in words: what to paint where, told from points that a person finds on the own face."""

import math
from dataclasses import dataclass

from core.camouflage.pattern import CHECKS, DOTS, FACE_WIDTH, Pattern, Shape, period
from core.faces import outlines, topology

MILLIMETRES = 63  # an adult's usual distance between the pupils

# what a person can find with a finger, and the landmark that marks it
REFERENCES = (
    ("the point between your eyes", None),
    ("the tip of your nose", outlines.NOSE_TIP),
    ("the outer corner of your right eye", outlines.LEFT_EYE[0]),
    ("the outer corner of your left eye", outlines.RIGHT_EYE[0]),
    ("the right corner of your mouth", outlines.MOUTH_CORNERS[0]),
    ("the left corner of your mouth", outlines.MOUTH_CORNERS[1]),
    ("the middle of your lower lip", 17),
    ("the lowest point of your chin", outlines.CHIN),
)
_SHAPES = {"dots": f"grid of {DOTS} x {DOTS} dots", "checker": f"checker of {CHECKS} x {CHECKS}"}


@dataclass(frozen=True, slots=True)
class Step:
    """One shape in words.

    Attributes:
        shape: the shape.
        what: colour, kind and how many.
        size: its sides, in eye-distances and in millimetres of a usual adult's face.
        place: where its centre lies, from the nearest reference point, in eye-distances.
        turn: how it is turned, as others see it.
    """

    shape: Shape
    what: str
    size: str
    place: str
    turn: str

    def sentence(self, number: int) -> str:
        """The whole step as one numbered sentence."""
        return f"{number}. {self.what}: {self.size}; centre {self.place}; {self.turn}."


def steps(pattern: Pattern) -> tuple[Step, ...]:
    """The steps of painting a pattern, in order."""
    return tuple(_step(shape, pattern) for shape in pattern.shapes)


def references() -> tuple[tuple[str, float, float], ...]:
    """Name, x and y of the reference points on the mean face, in eye-distances."""
    mean = topology.mean_face()
    return tuple(
        (name, 0.0, 0.0) if index is None else (name, float(mean[index][0]), float(mean[index][1]))
        for name, index in REFERENCES
    )


def _step(shape: Shape, pattern: Pattern) -> Step:
    kind = _SHAPES.get(shape.family, shape.family)
    what = f"{shape.color.capitalize()} {kind}"
    if pattern.repeat > 1:
        what = f"{what}, {pattern.repeat} times with gaps of {shape.height:.2f}"
    if pattern.mirror:
        what = f"{what}, both sides"
    long, short = shape.width, shape.height
    if _lying(shape) != shape.angle:
        long, short = short, long
    millimetres = f"{long * MILLIMETRES:.0f} x {short * MILLIMETRES:.0f} mm"
    size = f"{long:.2f} x {short:.2f} ({millimetres})"
    return Step(shape, what, size, place(shape.x, shape.y), turn(shape))


def place(x: float, y: float) -> str:
    """Where a point of the mean face lies, from the nearest reference point."""
    name, px, py = min(references(), key=lambda item: math.hypot(x - item[1], y - item[2]))
    parts = []
    if abs(y - py) >= 0.02:
        parts.append(f"{abs(y - py):.2f} {'below' if y > py else 'above'}")
    if abs(x - px) >= 0.02:  # the picture's right is the person's left
        parts.append(f"{abs(x - px):.2f} to the {'left' if x > px else 'right'} of")
    if not parts:
        return f"on {name}"
    return f"{' and '.join(parts)} {name}"


def turn(shape: Shape) -> str:
    """How a shape is turned, as others see it; where it points, from 12 o'clock, which is up."""
    if shape.family in ("triangle", "chevron"):
        hour = round(shape.angle / 30) % 12 or 12
        return f"pointing to {hour} o'clock ({shape.angle:.0f}\N{DEGREE SIGN})"
    angle = _lying(shape)
    angle = angle - 180 if angle > 90 else angle
    if shape.family == "disc" and shape.width == shape.height:
        return "round"
    if abs(angle) < 0.5:
        return "level"
    if abs(angle) > 89.5:
        return "upright"
    return f"turned {abs(angle):.0f}\N{DEGREE SIGN} {'clockwise' if angle > 0 else 'anticlockwise'}"


def _lying(shape: Shape) -> float:
    """The angle of the longer side, for the families that point nowhere."""
    if shape.height > shape.width and period(shape.family) == 180:
        return (shape.angle + 90) % 180
    return shape.angle


def stroke_note(pattern: Pattern) -> str:
    """The finest stroke, in words."""
    finest = pattern.stroke * FACE_WIDTH
    return f"finest stroke {finest:.2f} ({finest * MILLIMETRES:.0f} mm)"
