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
from core.camouflage.render import LEFT, SIDE, TEXTURE_SIZE, TOP, coverage
from core.camouflage.space import SpaceOptions, random_pattern, scaled
from core.faces import topology
from core.types import Face

COARSE = 84  # texels a side; half the texture's, enough for an area and four times as quick
STEPS = 9  # at most so many factors are tried for a pattern
CLOSE = 0.01  # of the target: so near below it the factor is good enough
NARROW = 0.005  # of a side: nor are factors told apart that differ less
TOLERANCE = 0.005  # of the valid region
_REACH = 4.0  # sides are multiplied by 1/4 to 4


def areas(patterns: Sequence[Pattern]) -> NDArray[np.float64]:
    """Share of the mean face's valid region that each pattern covers, 0..1."""
    if not patterns:
        return np.zeros(0)
    share = texel_shares()
    with torch.inference_mode():
        painted = torch.tensor([pattern.opacity > 0 for pattern in patterns])
        covered = coverage(patterns, len(share)).flatten(1) @ share.flatten() * painted
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
    over = np.flatnonzero(covered > cap).tolist()
    result = list(patterns)
    fitted = _rescaled([patterns[i] for i in over], covered[over], cap, 1.0)
    for index, pattern in zip(over, fitted, strict=True):
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
    return _rescaled(patterns, areas(patterns), target, _REACH)


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


def _rescaled(
    patterns: Sequence[Pattern], covered: NDArray[np.float64], target: float, reach: float
) -> list[Pattern]:
    """Scale each pattern by a factor from 1/4 to ``reach`` so that it covers just the target or less.

    The area grows like a power of the factor, which the last two factors tell; where that leads out of
    the bracket, the bracket is halved.
    """
    at, covered = np.zeros(len(patterns)), covered.copy()  # the factor's logarithm, and the area there
    low = np.where(covered <= target, at, -math.log(_REACH))
    high = np.where(covered <= target, math.log(reach), at)
    power = np.full(len(patterns), 2.0)
    fitted = [
        pattern if share <= target else scaled(pattern, 1 / _REACH)
        for pattern, share in zip(patterns, covered, strict=True)
    ]
    for _ in range(STEPS):
        close = (covered <= target) & (covered >= (1 - CLOSE) * target)
        going = np.flatnonzero(~close & (high - low > NARROW))
        if not len(going):
            break
        gap = np.log((1 - CLOSE / 2) * target / np.maximum(covered[going], 1e-6))
        there = at[going] + gap / power[going]
        inside = (there > low[going]) & (there < high[going])
        there = np.where(inside, there, (low[going] + high[going]) / 2)
        tried = [scaled(patterns[i], math.exp(x)) for i, x in zip(going.tolist(), there, strict=True)]
        shares = areas(tried)
        grown = np.log(np.maximum(shares, 1e-6) / np.maximum(covered[going], 1e-6))
        power[going] = np.clip(grown / (there - at[going]), 0.5, 4)
        at[going], covered[going] = there, shares
        low[going] = np.where(shares <= target, there, low[going])
        high[going] = np.where(shares <= target, high[going], there)
        for i, pattern, share in zip(going.tolist(), tried, shares, strict=True):
            fitted[i] = pattern if share <= target else fitted[i]
    return fitted
