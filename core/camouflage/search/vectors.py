"""Patterns as vectors of [0, 1]^d with the layout (mirror, repeat) as two more genes."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.camouflage.pattern import Pattern
from core.camouflage.space import SpaceOptions, decode, encode

REPEATS = 3  # 1 to 3 repetitions are searched


class Code:
    """Encodes patterns of one space; families and colours are thresholds of continuous genes."""

    def __init__(self, space: SpaceOptions, *, free_layout: bool) -> None:
        self.space = space
        self.free_layout = free_layout
        self.dimension = space.dimension(categorical=True) + 2 * free_layout

    def encode(self, pattern: Pattern) -> NDArray[np.float64]:
        """The vector of a pattern with the space's number of shapes."""
        genes = encode(pattern, self.space, categorical=True)
        if not self.free_layout:
            return genes
        repeat = min(pattern.repeat, REPEATS)
        return np.append(genes, [0.75 if pattern.mirror else 0.25, (repeat - 0.5) / REPEATS])

    def decode(self, vector: NDArray[np.float64]) -> Pattern:
        """The pattern of a vector; rarer colours beyond the space's limit become the commonest."""
        space = self.space
        if self.free_layout:
            *_, mirror, repeat = vector
            count = 1 + min(int(np.clip(repeat, 0, 1) * REPEATS), REPEATS - 1)
            space = replace(space, mirror=bool(mirror > 0.5), repeat=count)
            vector = vector[:-2]
        return few_colors(decode(vector, space), space.max_colors)


def few_colors(pattern: Pattern, limit: int) -> Pattern:
    """The pattern with its rarest colours replaced by its commonest until ``limit`` are left."""
    counts = {color: sum(shape.color == color for shape in pattern.shapes) for color in pattern.colors}
    kept = sorted(counts, key=lambda color: -counts[color])[:limit]
    shapes = (s if s.color in kept else replace(s, color=kept[0]) for s in pattern.shapes)
    return replace(pattern, shapes=tuple(shapes))
