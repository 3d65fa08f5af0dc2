"""How much of the face a pattern covers, and patterns rescaled to cover a given share.

A comparison between patterns means little unless they cover the same area, so the random control is
always rescaled to the area of what it is compared with.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.camouflage.pattern import Pattern
from core.camouflage.project import Surface, area
from core.camouflage.render import LEFT, SIDE, TEXTURE_SIZE, TOP, render
from core.camouflage.space import SpaceOptions, random_pattern, scaled
from core.faces import topology
from core.types import Face

COARSE = 84  # texels a side; half the texture's, enough for an area and four times as quick
STEPS = 9  # bisection of the factor's logarithm: the last one changes a side by 0.5 %
TOLERANCE = 0.005  # of the valid region
_REACH = 4.0  # sides are multiplied by 1/4 to 4


def areas(patterns: Sequence[Pattern]) -> NDArray[np.float64]:
    """Share of the mean face's valid region that each pattern covers, 0..1."""
    if not patterns:
        return np.zeros(0)
    share = texel_shares()
    with torch.inference_mode():
        opacity = torch.tensor([max(pattern.opacity, 1e-6) for pattern in patterns])
        covered = torch.einsum("bhw,hw->b", render(patterns, len(share))[:, 3], share) / opacity
    return np.asarray(covered.numpy(), np.float64)


@lru_cache(maxsize=2)
def texel_shares(size: int = COARSE) -> Tensor:
    """What each texel of a size×size texture contributes to the area on the mean face; sums to 1.

    The area is linear in coverage, so its derivative with respect to the texture's alpha is the whole
    of it, and one product then replaces a warp for every candidate.
    """
    points = (topology.mean_face()[:, :2] - np.array([LEFT, TOP])) * (TEXTURE_SIZE / SIDE)
    points = points.astype(np.float32)
    low, high = points.min(0), points.max(0)
    box = float(low[0]), float(low[1]), float(high[0]), float(high[1])
    face = Face(box=box, score=1.0, five=topology.five_points(points), landmarks=points)
    surface = Surface.photo(np.full((TEXTURE_SIZE, TEXTURE_SIZE, 3), 128, np.uint8), face)
    with torch.inference_mode(False), torch.enable_grad():
        texture = torch.zeros(1, 4, TEXTURE_SIZE, TEXTURE_SIZE, requires_grad=True)
        covered = area(surface, texture, torch.ones(1)).sum()
        fine = torch.autograd.grad(covered, texture)[0][0, 3]
    coarse = torch.nn.functional.adaptive_avg_pool2d(fine[None], size)[0]
    return coarse / coarse.sum()


def limited(patterns: Sequence[Pattern], cap: float) -> list[Pattern]:
    """Patterns that cover more than ``cap`` shrunk until they do not; the others as they are."""
    covered = areas(patterns)
    over = [index for index in range(len(patterns)) if covered[index] > cap]
    result = list(patterns)
    for index, pattern in zip(over, _rescaled([patterns[i] for i in over], cap, 1.0), strict=True):
        result[index] = pattern
    return result


def shrunk(patterns: Sequence[Pattern], cap: float) -> list[Pattern]:
    """As :func:`limited`, in one guess instead of a bisection: for pools of which few are used."""
    covered = areas(patterns)
    return [
        scaled(pattern, 0.98 * math.sqrt(cap / share)) if share > cap else pattern
        for pattern, share in zip(patterns, covered, strict=True)
    ]


def matched(patterns: Sequence[Pattern], target: float) -> list[Pattern]:
    """Patterns rescaled so that each covers about ``target`` of the valid region.

    Returns:
        As many patterns; one whose strokes or ranges do not allow it comes as near as it can (compare
        :func:`areas` with :data:`TOLERANCE`).
    """
    return _rescaled(patterns, target, _REACH)


def random_matched(
    count: int, target: float, options: SpaceOptions, rng: np.random.Generator
) -> list[Pattern]:
    """The control: random patterns of equal area.

    Args:
        count: how many.
        target: share of the valid region that each covers, within :data:`TOLERANCE`.
        options: the space from which they are drawn; mirror and repeat are drawn as well.
        rng: source of randomness.

    Raises:
        ValueError: when this space hardly holds patterns of that area.
    """
    kept: list[Pattern] = []
    for _ in range(40):
        drawn = matched([random_pattern(rng, varied(options, rng)) for _ in range(count)], target)
        near = np.abs(areas(drawn) - target) <= TOLERANCE
        kept += [pattern for pattern, fits in zip(drawn, near, strict=True) if fits]
        if len(kept) >= count:
            return kept[:count]
    raise ValueError(f"hardly any random pattern covers {target:.0%} of the face")


def varied(options: SpaceOptions, rng: np.random.Generator) -> SpaceOptions:
    """The options with mirror and repeat drawn: mirrored half of the time, repeated a third."""
    repeat = int(rng.integers(2, 4)) if rng.random() < 1 / 3 else 1
    return replace(options, mirror=bool(rng.random() < 0.5), repeat=repeat)


def _rescaled(patterns: Sequence[Pattern], target: float, reach: float) -> list[Pattern]:
    """Bisect each pattern's factor between 1/4 and ``reach``; the last factor not above the target."""
    low = np.full(len(patterns), -math.log(_REACH))
    high = np.full(len(patterns), math.log(reach))
    fitted = [scaled(pattern, math.exp(value)) for pattern, value in zip(patterns, low, strict=True)]
    for _ in range(STEPS):
        middle = (low + high) / 2
        tried = [scaled(pattern, math.exp(value)) for pattern, value in zip(patterns, middle, strict=True)]
        fits = areas(tried) <= target
        fitted = [new if fit else old for new, old, fit in zip(tried, fitted, fits, strict=True)]
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return fitted
