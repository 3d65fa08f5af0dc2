"""Patterns as textures on the mean face: anti-aliased, a whole population at once.

The texture is a square of ``SIDE`` eye-distances whose left upper corner is ``(LEFT, TOP)``; it holds
the whole mean face from the hairline to below the chin with a margin. At 168 texels a side one texel
is one pixel of the canonical 224 px frame. Every shape is a signed distance d to its outline, in
texels, and covers ``smoothstep`` of a texel there, so its edges are smooth at every angle.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from core.camouflage.palette import PALETTE
from core.camouflage.pattern import (
    CHECKS,
    CHEVRON_STROKE,
    DOT_DIAMETER,
    DOTS,
    FAMILIES,
    Pattern,
)

SIDE = 3.0  # eye-distances
LEFT = -SIDE / 2  # x of the texture's left edge; symmetric, so mirrored patterns are exactly so
TOP = -1.05  # y of its top edge
TEXTURE_SIZE = 168

Distance = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def _box(u: Tensor, v: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.maximum(u.abs() - a, v.abs() - b)


def _ellipse(u: Tensor, v: Tensor, a: Tensor, b: Tensor) -> Tensor:
    # f / |grad f| is the distance to first order, which is all that one texel of smoothing sees
    f = torch.hypot(u / a, v / b)
    gradient = torch.hypot(u / (a * a), v / (b * b)).clamp_min(1e-6)
    return (f - 1) * f / gradient


def _triangle(u: Tensor, v: Tensor, a: Tensor, b: Tensor) -> Tensor:
    slope = torch.hypot(a, 2 * b)
    return torch.maximum(v - b, (2 * b * u.abs() - a * (v + b)) / slope)


def _chevron(u: Tensor, v: Tensor, a: Tensor, b: Tensor) -> Tensor:
    radius = CHEVRON_STROKE * torch.minimum(a, b)
    dx, dy = a - radius, 2 * (b - radius)  # one arm, from the apex to its foot
    u, v = u.abs(), v + b - radius
    along = ((u * dx + v * dy) / (dx * dx + dy * dy)).clamp(0, 1)
    return torch.hypot(u - along * dx, v - along * dy) - radius


def _dots(u: Tensor, v: Tensor, a: Tensor, b: Tensor) -> Tensor:
    radius = DOT_DIAMETER / DOTS * torch.minimum(a, b)
    return torch.hypot(_fold(u, a), _fold(v, b)) - radius


def _fold(u: Tensor, half: Tensor) -> Tensor:
    """Distance to the nearest centre of DOTS equal cells that fill -half..half."""
    reach = (DOTS - 1) / 2
    cell = half * (2 / DOTS)
    return u - cell * (u / cell).round().clamp(-reach, reach)


def _checker(u: Tensor, v: Tensor, a: Tensor, b: Tensor) -> Tensor:
    def wave(t: Tensor, half: Tensor) -> Tensor:  # triangle wave: distance to the next line, signed
        cell = half * (2 / CHECKS)
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
        size: texels a side, S.

    Returns:
        B×4×S×S float32: RGB in 0..1 already multiplied by alpha, then alpha (coverage times the
        pattern's opacity). Texel (row, column) has its centre at ``x = LEFT + (column + 0.5) *
        SIDE / S`` and ``y = TOP + (row + 0.5) * SIDE / S``.
    """
    textures = torch.zeros(len(patterns), 4, size, size)
    for step in range(max((len(pattern.shapes) for pattern in patterns), default=0)):
        rows = [index for index, pattern in enumerate(patterns) if step < len(pattern.shapes)]
        cover = _coverage([patterns[index] for index in rows], step, size)
        colors = [PALETTE[patterns[index].shapes[step].color] for index in rows]
        paint = torch.tensor(colors, dtype=torch.float32).div_(255)
        below = textures[rows] * (1 - cover)[:, None]  # the "over" operator
        below[:, :3] += cover[:, None] * paint[:, :, None, None]
        below[:, 3] += cover
        textures[rows] = below
    opacity = torch.tensor([pattern.opacity for pattern in patterns], dtype=torch.float32)
    return textures * opacity[:, None, None, None]


def _coverage(patterns: Sequence[Pattern], step: int, size: int) -> Tensor:
    """Coverage in 0..1 of one shape of every pattern, B×S×S."""
    texel = SIDE / size
    x = (torch.arange(size) + 0.5) * texel + LEFT
    y = (torch.arange(size) + 0.5) * texel + TOP
    cover = torch.empty(len(patterns), size, size)
    shapes = [pattern.shapes[step] for pattern in patterns]
    for family in FAMILIES:
        rows = [index for index, shape in enumerate(shapes) if shape.family == family]
        if not rows:
            continue
        table = [
            (s.x, s.y, s.width / 2, s.height / 2, np.radians(s.angle % 360), patterns[index].repeat)
            for index, s in ((index, shapes[index]) for index in rows)
        ]
        genes = torch.tensor(table, dtype=torch.float32)[:, :, None, None]
        cx, cy, a, b, angle, repeat = genes.unbind(1)
        cos, sin = angle.cos(), angle.sin()
        dx, dy = x[None, None, :] - cx, y[None, :, None] - cy
        u = cos * dx + sin * dy
        v = cos * dy - sin * dx
        reach = (repeat - 1) / 2
        pitch = 4 * b  # the shape and a gap as wide
        v = v - pitch * ((v / pitch + reach).round().clamp_min(0).minimum(2 * reach) - reach)
        distance = _DISTANCES[family](u, v, a, b)
        cover[rows] = _smoothstep(0.5 - distance / texel)
    mirrored = [index for index, pattern in enumerate(patterns) if pattern.mirror]
    if mirrored:
        cover[mirrored] = torch.maximum(cover[mirrored], cover[mirrored].flip(-1))
    return cover


def _smoothstep(t: Tensor) -> Tensor:
    t = t.clamp(0, 1)
    return t * t * (3 - 2 * t)
