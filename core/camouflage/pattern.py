"""The pattern space: a few shapes in face-paint colours that a person could paint on a face by hand.

Lengths are eye-distances (the distance between the two eye centres of the mean face), the origin lies
midway between the eyes, x runs to the picture's right and y down. Angles are degrees, clockwise in the
picture. The families, ranges and proportions are our choice within the space of "Adversarial
Camouflage" (arXiv:2603.21867): colour, shape and angle of patterns that ordinary people can reproduce.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Any

from core.camouflage.palette import PALETTE
from core.errors import Code, UserError

FORMAT = "facet-pattern"
VERSION = 1
FAMILIES = ("stripe", "chevron", "triangle", "disc", "dots", "checker")

MAX_SHAPES = 8
MAX_REPEAT = 5
MAX_JSON = 20_000  # characters; the longest valid pattern needs about 2,000
FACE_WIDTH = 2.28  # eye-distances from one edge of the mean face to the other
MIN_STROKE = 0.04 * FACE_WIDTH  # the finest stroke that a sponge or a brush makes reliably
RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"x": (-1.3, 1.3), "y": (-1.0, 1.95), "width": (0.05, 2.6), "height": (0.05, 2.6)}
)

DOTS = 3  # dots a row and rows of dots in one shape of the family
DOT_DIAMETER = 0.6  # of a dot grid's cell
CHECKS = 4  # squares a side of one checker
CHEVRON_STROKE = 0.3  # thickness of a chevron's arms, of its shorter side

_STROKE: Mapping[str, float] = MappingProxyType(
    {
        "stripe": 1.0,
        "chevron": CHEVRON_STROKE,
        "triangle": 0.5,  # its width at half its height
        "disc": 1.0,
        "dots": DOT_DIAMETER / DOTS,
        "checker": 1 / CHECKS,
    }
)
_PERIOD: Mapping[str, float] = MappingProxyType({"chevron": 360.0, "triangle": 360.0})


def period(family: str) -> float:
    """Degrees after which a family looks the same again: 360 where it points somewhere, else 180."""
    return _PERIOD.get(family, 180.0)


def smallest_side(family: str, stroke: float = MIN_STROKE) -> float:
    """The shortest side, in eye-distances, at which a family's finest stroke is ``stroke`` wide."""
    return stroke / _STROKE[family]


@dataclass(frozen=True, slots=True)
class Shape:
    """One painted shape.

    Attributes:
        family: one of :data:`FAMILIES`.
        x: centre, eye-distances to the picture's right of the point midway between the eyes.
        y: centre, eye-distances below that point.
        width: extent along the shape's own first axis, eye-distances.
        height: extent along its second axis, eye-distances.
        angle: clockwise rotation in degrees, 0 <= angle < ``period(family)``; at 0 the first axis is
            level, triangles and chevrons point up.
        color: a name in :data:`core.camouflage.palette.PALETTE`.

    Raises:
        UserError: ``PATTERN_INVALID`` for an unknown family or colour or a value that is no number,
            ``OPTION_RANGE`` for a number out of range.
    """

    family: str
    x: float
    y: float
    width: float
    height: float
    angle: float
    color: str

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise _invalid(f"There is no shape family {_short(self.family)}.", _one_of(FAMILIES))
        if not isinstance(self.color, str) or self.color not in PALETTE:
            raise _invalid(f"There is no face-paint colour {_short(self.color)}.", _one_of(PALETTE))
        for name, (low, high) in RANGES.items():
            object.__setattr__(self, name, _number(f"A shape's {name}", getattr(self, name), low, high))
        turn = period(self.family)
        object.__setattr__(self, "angle", _number("A shape's angle", self.angle, 0, turn))
        if self.angle == turn:
            raise _range(f"A {self.family}'s angle must be below {turn:g} degrees.", "Use 0 instead.")

    @property
    def stroke(self) -> float:
        """The finest stroke of the shape in eye-distances."""
        return _STROKE[self.family] * min(self.width, self.height)


@dataclass(frozen=True, slots=True)
class Pattern:
    """What is painted on one face.

    Attributes:
        shapes: 1 to 8 shapes, painted in this order, later ones over earlier ones.
        opacity: how much of the skin the paint hides, 0..1.
        mirror: every shape is painted a second time, reflected about the middle of the face.
        repeat: how many times each shape is painted side by side along its own second axis, 1 to 5,
            with a gap as wide as the shape; the row keeps its centre.

    Raises:
        UserError: ``PATTERN_INVALID`` or ``OPTION_RANGE`` as for :class:`Shape`.
    """

    shapes: tuple[Shape, ...]
    opacity: float = 0.9
    mirror: bool = False
    repeat: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "shapes", tuple(self.shapes))
        if not all(isinstance(shape, Shape) for shape in self.shapes):
            raise _invalid("A pattern is made of shapes.", "Give a list of shapes.")
        if not 1 <= len(self.shapes) <= MAX_SHAPES:
            raise _range(f"A pattern has 1 to {MAX_SHAPES} shapes.", "Add or remove shapes.")
        object.__setattr__(self, "opacity", _number("The opacity", self.opacity, 0, 1))
        if not isinstance(self.mirror, bool):
            raise _invalid("The mirror setting is neither true nor false.", "Use true or false.")
        if isinstance(self.repeat, bool) or not isinstance(self.repeat, int):
            raise _invalid("The repeat setting is no whole number.", f"Use 1 to {MAX_REPEAT}.")
        if not 1 <= self.repeat <= MAX_REPEAT:
            raise _range(f"Shapes repeat 1 to {MAX_REPEAT} times.", f"Use 1 to {MAX_REPEAT}.")

    @property
    def colors(self) -> tuple[str, ...]:
        """The names of the colours, in the order in which they are first used."""
        return tuple(dict.fromkeys(shape.color for shape in self.shapes))

    @property
    def stroke(self) -> float:
        """The finest stroke in face widths; below 0.04 it is hard to paint."""
        return min(shape.stroke for shape in self.shapes) / FACE_WIDTH

    def to_json(self) -> str:
        """The pattern as text; :meth:`from_json` gives back an equal pattern."""
        return json.dumps({"format": FORMAT, "version": VERSION, **asdict(self)}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Pattern":
        """Read a pattern that :meth:`to_json` wrote.

        Raises:
            UserError: ``PATTERN_INVALID`` for text that is no pattern of this version, for missing,
                unknown or repeated names; ``OPTION_RANGE`` for a number out of range.
        """
        body = _members(_parse(text), ("format", "version", *_names(cls)))
        if body.pop("format") != FORMAT or body.pop("version") != VERSION:
            raise _invalid("This is no pattern of a version that is known here.", "Export it again.")
        if not isinstance(body["shapes"], list):
            raise _invalid("A pattern's shapes are no list.", "Use a file that this app exported.")
        body["shapes"] = tuple(Shape(**_members(item, _names(Shape))) for item in body["shapes"])
        return cls(**body)


def _parse(text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("a name is repeated")
        return dict(pairs)

    if len(text) > MAX_JSON:
        raise _invalid("This text is too long for a pattern.", "Use a file that this app exported.")
    try:
        return json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError):
        raise _invalid("This is no pattern file.", "Use a JSON file that this app exported.") from None


def _members(value: Any, names: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _invalid("This is no pattern file.", "Use a JSON file that this app exported.")
    odd = sorted(set(value) ^ set(names))
    if odd:
        state = "unknown" if odd[0] in value else "missing"
        raise _invalid(f"In this pattern {_short(odd[0])} is {state}.", f"It needs {', '.join(names)}.")
    return dict(value)


def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _number(what: str, value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _invalid(f"{what} is no number.", f"Give a number from {low:g} to {high:g}.")
    if not low <= value <= high:  # also refuses NaN, and integers that no float can hold
        raise _range(f"{what} is out of range.", f"Choose it from {low:g} to {high:g}.")
    return float(value)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:36] + "...'"


def _one_of(names: Any) -> str:
    return f"Choose one of: {', '.join(names)}."


def _invalid(message: str, hint: str) -> UserError:
    return UserError(Code.PATTERN_INVALID, message, hint)


def _range(message: str, hint: str) -> UserError:
    return UserError(Code.OPTION_RANGE, message, hint)


def wrap(angle: float, family: str) -> float:
    """An angle of any size as the equal one in 0 <= angle < ``period(family)``."""
    turn = period(family)
    angle = math.fmod(angle, turn)
    angle = angle + turn if angle < 0 else angle
    return 0.0 if angle >= turn else angle
