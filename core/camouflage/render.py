"""Patterns as textures on the mean face: anti-aliased, a whole population at once.

The texture is a square of ``SIDE`` eye-distances whose left upper corner is ``(LEFT, TOP)``; it holds
the whole mean face from the hairline to below the chin with a margin. At 168 texels a side one texel
is one pixel of the canonical 224 px frame. Every shape is a signed distance d to its outline, in
texels, and covers ``smoothstep`` of a texel there, so its edges are smooth at every angle.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType

import torch
from torch import Tensor

from core.camouflage.palette import PALETTE
from core.camouflage.pattern import CHECKS, CHEVRON_STROKE, DOT_DIAMETER, DOTS, Pattern, Shape

SIDE = 3.0  # eye-distances
LEFT = -SIDE / 2  # x of the texture's left edge; symmetric, so mirrored patterns are exactly so
TOP = -1.05  # y of its top edge
TEXTURE_SIZE = 168

Distance = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def _length(u: Tensor, v: Tensor) -> Tensor:
    return (u * u + v * v).sqrt()


def _box(u: Tensor, v: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.maximum(u.abs() - a, v.abs() - b)


def _ellipse(u: Tensor, v: Tensor, a: Tensor, b: Tensor) -> Tensor:
    # f / |grad f| is the distance to first order, which is all that one texel of smoothing sees
    u, v = u / a, v / b
    f = _length(u, v)
    return (f - 1) * f / _length(u / a, v / b).clamp_min(1e-6)


def _triangle(u: Tensor, v: Tensor, a: Tensor, b: Tensor) -> Tensor:
    slope = _length(a, 2 * b)
    return torch.maximum(v - b, (2 * b * u.abs() - a * (v + b)) / slope)


def _chevron(u: Tensor, v: Tensor, a: Tensor, b: Tensor) -> Tensor:
    radius = CHEVRON_STROKE * torch.minimum(a, b)
    dx, dy = a - radius, 2 * (b - radius)  # one arm, from the apex to its foot
    u, v = u.abs(), v + b - radius
    along = ((u * dx + v * dy) / (dx * dx + dy * dy)).clamp(0, 1)
    return _length(u - along * dx, v - along * dy) - radius


def _dots(u: Tensor, v: Tensor, a: Tensor, b: Tensor) -> Tensor:
    radius = DOT_DIAMETER / DOTS * torch.minimum(a, b)
    return _length(_fold(u, a), _fold(v, b)) - radius


def _fold(u: Tensor, half: Tensor) -> Tensor:
    """Distance to the nearest centre of DOTS equal cells that fill -half..half."""
    reach = (DOTS - 1) / 2
    cell = half * (2 / DOTS)
    return u - cell * (u / cell).round().clamp(-reach, reach)


def _checker(u: Tensor, v: Tensor, a: Tensor, b: Tensor) -> Tensor:
    def wave(t: Tensor, half: Tensor) -> Tensor:  # triangle wave: distance to the next line, signed
        cell = half * (2 / CHECKS)
        edge = half - cell / 2  # beyond the middle of the last square there is no further line
        t = t.minimum(edge).maximum(-edge)
        return ((t / (2 * cell) + 0.25).remainder(1.0) - 0.5).abs() * (2 * cell) - cell / 2

    x, y = wave(u, a), wave(v, b)
    nearest = torch.minimum(x.abs(), y.abs())
    return torch.maximum(-nearest * torch.sign(x * y), _box(u, v, a, b))


_DISTANCES: Mapping[str, Distance] = MappingProxyType(
    {
        "stripe": _box,
        "chevron": _chevron,
        "triangle": _triangle,
        "disc": _ellipse,
        "dots": _dots,
        "checker": _checker,
    }
)


def render(patterns: Sequence[Pattern], size: int = TEXTURE_SIZE) -> Tensor:
    """Draw patterns on the mean face's texture.

    Args:
        patterns: B patterns with any numbers of shapes.
        size: texels a side, S, at least 16.

    Returns:
        B×4×S×S float32: RGB in 0..1 already multiplied by alpha, then alpha (coverage times the
        pattern's opacity). Texel (row, column) has its centre at ``x = LEFT + (column + 0.5) *
        SIDE / S`` and ``y = TOP + (row + 0.5) * SIDE / S``.
    """
    textures = torch.zeros(len(patterns), 4, size, size)
    for index, shape, cover, row, column in _covers(patterns, size):
        height, width = cover.shape
        part = textures[index, :, row : row + height, column : column + width]
        part.lerp_(_paint(shape.color), cover)  # the "over" operator
    opacity = torch.tensor([pattern.opacity for pattern in patterns], dtype=torch.float32)
    return textures.mul_(opacity[:, None, None, None])


@cache
def _paint(color: str) -> Tensor:
    """4×1×1: an opaque colour."""
    with torch.inference_mode(False):
        return torch.tensor([*(part / 255 for part in PALETTE[color]), 1.0])[:, None, None]


def coverage(patterns: Sequence[Pattern], size: int = TEXTURE_SIZE) -> Tensor:
    """The alpha of fully opaque patterns, B×S×S: :func:`render` without the colours."""
    bare = torch.ones(len(patterns), size, size)
    for index, _, cover, row, column in _covers(patterns, size):
        height, width = cover.shape
        bare[index, row : row + height, column : column + width].mul_(1 - cover)
    return 1 - bare


def _covers(patterns: Sequence[Pattern], size: int) -> Iterator[tuple[int, Shape, Tensor, int, int]]:
    """Pattern's index, shape, coverage in 0..1 and its first row and column, in the order of painting."""
    windows = _windows(patterns, size)
    for index, pattern in enumerate(patterns):
        for step, shape in enumerate(pattern.shapes):
            cover, row, column = windows[index, step]
            if pattern.mirror:
                band = torch.zeros(cover.shape[0], size)
                band[:, column : column + cover.shape[1]] = cover
                cover, column = torch.maximum(band, band.flip(-1)), 0
            yield index, shape, cover, row, column


def _windows(patterns: Sequence[Pattern], size: int) -> dict[tuple[int, int], tuple[Tensor, int, int]]:
    """Coverage of every shape of every pattern inside a square window that holds all of it.

    A shape covers a few per cent of the texture, so drawing it in a window saves most of the work;
    windows of one family and size are drawn together.

    Returns:
        ``(pattern, step) -> (W×W coverage in 0..1, first row, first column)``.
    """
    texel = SIDE / size
    groups = defaultdict[tuple[str, int], list[tuple[tuple[int, int], int, int, list[float]]]](list)
    for index, pattern in enumerate(patterns):
        for step, s in enumerate(pattern.shapes):
            a, b, angle = s.width / 2 / texel, s.height / 2 / texel, math.radians(s.angle)
            cos, sin = math.cos(angle), math.sin(angle)
            row = b * (2 * pattern.repeat - 1)  # half the length of the row of repetitions
            reach = max(abs(cos) * a + abs(sin) * row, abs(sin) * a + abs(cos) * row)
            width = next((w for w in _sizes(size) if w >= 2 * reach + 3), size)
            x, y = (s.x - LEFT) / texel, (s.y - TOP) / texel
            left = min(max(round(x - width / 2), 0), size - width)
            top = min(max(round(y - width / 2), 0), size - width)
            x, y = left + 0.5 - x, top + 0.5 - y  # of the window's first texel, from the shape's centre
            genes = [cos, sin, cos * x + sin * y, cos * y - sin * x, a, b, (pattern.repeat - 1) / 2]
            groups[s.family, width].append(((index, step), top, left, genes))
    windows = {}
    for (family, width), members in groups.items():
        table = torch.tensor([genes for *_, genes in members], dtype=torch.float32)
        covers = _coverage(family, table, width)
        for (key, top, left, _), cover in zip(members, covers.unbind(), strict=True):
            windows[key] = (cover, top, left)
    return windows


def _sizes(size: int) -> Iterator[int]:
    return (size * part // 16 for part in (2, 4, 6, 8, 10, 12))


def _coverage(family: str, table: Tensor, width: int) -> Tensor:
    """K×W×W for K shapes of a family; lengths are texels here."""
    cos, sin, u, v, a, b, reach = table[:, :, None, None].unbind(1)
    along = torch.arange(width, dtype=torch.float32)
    down = along[:, None]
    u, v = cos * along + (sin * down + u), cos * down + v - sin * along
    if reach.any():
        pitch = 4 * b  # the shape and a gap as wide
        v = v - pitch * ((v / pitch + reach).round().clamp_min(0).minimum(2 * reach) - reach)
    t = (0.5 - _DISTANCES[family](u, v, a, b)).clamp_(0, 1)
    return (3 - 2 * t).mul_(t).mul_(t)
