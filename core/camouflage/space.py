"""Ways through the pattern space: random patterns, vectors for optimisers, clipping and scaling."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.camouflage.palette import PALETTE
from core.camouflage.pattern import (
    FAMILIES,
    MAX_REPEAT,
    MAX_SHAPES,
    RANGES,
    Pattern,
    Shape,
    period,
    smallest_side,
    wrap,
)
from core.errors import Code, UserError

Vector = NDArray[np.float64]
GENES = 5  # x, y, width, height, angle; two more, family and colour, when those are searched too


@dataclass(frozen=True, slots=True)
class SpaceOptions:
    """The part of the pattern space in which patterns are drawn or searched.

    Attributes:
        shapes: how many shapes, 1 to 8.
        families: allowed families.
        colors: allowed colours.
        max_colors: most colours in one random pattern, 1 to 3 (a decoded vector may have more).
        opacity: lowest and highest opacity, each in 0..1.
        mirror: the patterns' mirror setting.
        repeat: the patterns' repeat setting, 1 to 5.
        x: leftmost and rightmost centre, eye-distances.
        y: topmost and lowest centre, eye-distances.
        longest: the longest side of a shape, eye-distances, 0.5 to 2.6; the shortest follows from
            the finest stroke that can be painted.

    Raises:
        UserError: ``OPTION_RANGE``.
    """

    shapes: int = 4
    families: tuple[str, ...] = FAMILIES
    colors: tuple[str, ...] = tuple(PALETTE)
    max_colors: int = 3
    opacity: tuple[float, float] = (0.9, 0.9)
    mirror: bool = False
    repeat: int = 1
    x: tuple[float, float] = (-1.0, 1.0)
    y: tuple[float, float] = (-0.8, 1.6)
    longest: float = 1.4

    def __post_init__(self) -> None:
        _within("The number of shapes", self.shapes, 1, MAX_SHAPES)
        _within("The number of colours", self.max_colors, 1, 3)
        _within("The number of repetitions", self.repeat, 1, MAX_REPEAT)
        _within("The longest side", self.longest, 0.5, RANGES["width"][1])
        for what, pair, (low, high) in (
            ("The opacity", self.opacity, (0.0, 1.0)),
            ("The range of x", self.x, RANGES["x"]),
            ("The range of y", self.y, RANGES["y"]),
        ):
            _within(what, pair[0], low, pair[1])
            _within(what, pair[1], pair[0], high)
        for names, known in ((self.families, FAMILIES), (self.colors, tuple(PALETTE))):
            if not names or not set(names) <= set(known):
                raise UserError(
                    Code.OPTION_RANGE,
                    "Some of these families or colours are not known, or none is chosen.",
                    f"Choose from: {', '.join(known)}.",
                )

    def dimension(self, *, categorical: bool) -> int:
        """Length of a vector: the opacity, then 5 genes a shape, or 7 with family and colour."""
        return 1 + self.shapes * (GENES + 2 * categorical)


def encode(pattern: Pattern, options: SpaceOptions, *, categorical: bool) -> Vector:
    """A pattern as a vector in [0, 1]^d, d = ``options.dimension(categorical=categorical)``.

    Sides are on a logarithmic scale; what lies outside the options' ranges is moved to their edge.

    Args:
        pattern: has ``options.shapes`` shapes.
        options: the ranges of the genes.
        categorical: also encode family and colour, as the middle of their share of [0, 1].

    Raises:
        UserError: ``OPTION_RANGE`` when the number of shapes differs, or a family or colour is not
            among the options.
    """
    if len(pattern.shapes) != options.shapes:
        raise UserError(
            Code.OPTION_RANGE,
            f"The pattern has {len(pattern.shapes)} shapes where {options.shapes} are searched.",
            "Search with as many shapes as the pattern has.",
        )
    genes = [_part(pattern.opacity, *options.opacity)]
    for shape in pattern.shapes:
        low, high = _sides(shape.family, options)
        genes += [
            _part(shape.x, *options.x),
            _part(shape.y, *options.y),
            _part(math.log(shape.width), low, high),
            _part(math.log(shape.height), low, high),
            shape.angle / period(shape.family),
        ]
        if categorical:
            genes += [_center(options.families, shape.family), _center(options.colors, shape.color)]
    return np.array(genes)


def decode(vector: Vector, options: SpaceOptions, like: Pattern | None = None) -> Pattern:
    """The pattern of a vector; the inverse of :func:`encode`.

    Args:
        vector: d numbers; those outside [0, 1] count as 0 or 1.
        options: the ranges of the genes.
        like: take families, colours, mirror and repeat from this pattern (``categorical=False``);
            without it the vector holds families and colours (``categorical=True``).

    Returns:
        A valid pattern whose strokes are all wide enough to paint.
    """
    values = np.clip(np.asarray(vector, np.float64), 0, 1)
    if values.shape != (options.dimension(categorical=like is None),):
        raise ValueError("the vector's length does not fit these options")
    rows = values[1:].reshape(options.shapes, -1)
    shapes = []
    for index, row in enumerate(rows):
        if like is None:
            family, color = _pick(options.families, row[5]), _pick(options.colors, row[6])
        else:
            family, color = like.shapes[index].family, like.shapes[index].color
        low, high = _sides(family, options)
        shapes.append(
            clip(
                family,
                _blend(row[0], *options.x),
                _blend(row[1], *options.y),
                math.exp(_blend(row[2], low, high)),
                math.exp(_blend(row[3], low, high)),
                float(row[4]) * period(family),
                color,
            )
        )
    source = options if like is None else like
    return Pattern(tuple(shapes), _blend(values[0], *options.opacity), source.mirror, source.repeat)


def random_pattern(rng: np.random.Generator, options: SpaceOptions | None = None) -> Pattern:
    """A pattern drawn evenly from the space, with at most ``options.max_colors`` colours.

    The same state of ``rng`` gives the same pattern.
    """
    options = options or SpaceOptions()
    count = int(rng.integers(1, min(options.max_colors, len(options.colors)) + 1))
    chosen = rng.choice(len(options.colors), count, replace=False)
    options = replace(options, colors=tuple(options.colors[int(index)] for index in chosen))
    return decode(rng.random(options.dimension(categorical=True)), options)


def clip(family: str, x: float, y: float, width: float, height: float, angle: float, color: str) -> Shape:
    """The nearest valid shape that can also be painted: centre and sides clipped, angle wrapped.

    Every finite number is welcome; the finest stroke of the result is at least ``MIN_STROKE``.
    """
    shortest = smallest_side(family) * (1 + 1e-9)
    longest = RANGES["width"][1]
    return Shape(
        family,
        min(max(x, RANGES["x"][0]), RANGES["x"][1]),
        min(max(y, RANGES["y"][0]), RANGES["y"][1]),
        min(max(width, shortest), longest),
        min(max(height, shortest), longest),
        wrap(angle, family),
        color,
    )


def scaled(pattern: Pattern, factor: float) -> Pattern:
    """The pattern with every side multiplied, centres kept, strokes kept wide enough to paint."""
    shapes = (
        clip(s.family, s.x, s.y, s.width * factor, s.height * factor, s.angle, s.color)
        for s in pattern.shapes
    )
    return replace(pattern, shapes=tuple(shapes))


def _sides(family: str, options: SpaceOptions) -> tuple[float, float]:
    return math.log(smallest_side(family)), math.log(options.longest)


def _part(value: float, low: float, high: float) -> float:
    return 0.5 if high <= low else min(max((value - low) / (high - low), 0.0), 1.0)


def _blend(part: float, low: float, high: float) -> float:
    return min(low + float(part) * (high - low), high)


def _center(names: Sequence[str], name: str) -> float:
    if name not in names:
        raise UserError(
            Code.OPTION_RANGE, f"{name!r} is not searched with these options.", f"Use: {', '.join(names)}."
        )
    return (names.index(name) + 0.5) / len(names)


def _pick(names: Sequence[str], gene: float) -> str:
    return names[min(int(gene * len(names)), len(names) - 1)]


def _within(what: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UserError(Code.OPTION_RANGE, f"{what} is out of range.", f"Choose it from {low:g} to {high:g}.")
