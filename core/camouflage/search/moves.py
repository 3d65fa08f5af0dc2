"""Small and large changes of a pattern, gene by gene."""

from dataclasses import replace

import numpy as np

from core.camouflage.pattern import MAX_REPEAT, Pattern, Shape
from core.camouflage.space import SpaceOptions, clip, random_pattern

RESET = 0.12  # chance that a changed shape is drawn afresh; the chances here are our choice
FAMILY = 0.1
COLOR = 0.15
ORDER = 0.1
LAYOUT = 0.06


def mutated(
    pattern: Pattern, step: float, space: SpaceOptions, rng: np.random.Generator, *, layout: bool = True
) -> Pattern:
    """A neighbour of a pattern.

    One or more shapes are moved, resized and turned by normal steps, or change their family or colour,
    or are drawn afresh, or change places in the order of painting; seldom the mirror or the repeat
    setting changes.

    Args:
        pattern: the parent.
        step: size of the steps, 1 is the whole space; also scales the chance of a fresh shape.
        space: ranges, families and colours; at most ``space.max_colors`` colours are ever used.
        rng: source of randomness.
        layout: also change mirror and repeat.
    """
    shapes = list(pattern.shapes)
    count = 1 + rng.binomial(len(shapes) - 1, min(1.0, 0.2 + 0.5 * step)) if len(shapes) > 1 else 1
    for index in rng.choice(len(shapes), count, replace=False):
        palette = _palette(shapes, space, rng)
        if rng.random() < RESET * min(1.0, 4 * step):
            shapes[index] = random_pattern(rng, replace(space, shapes=1, colors=palette)).shapes[0]
        else:
            shapes[index] = _moved(shapes[index], step, space, palette, rng)
    if len(shapes) > 1 and rng.random() < ORDER:
        first, second = rng.choice(len(shapes), 2, replace=False)
        shapes[first], shapes[second] = shapes[second], shapes[first]
    mirror, repeat = pattern.mirror, pattern.repeat
    if layout and rng.random() < LAYOUT:
        mirror = not mirror
    if layout and rng.random() < LAYOUT:
        repeat = int(np.clip(repeat + rng.choice((-1, 1)), 1, MAX_REPEAT))
    low, high = space.opacity
    opacity = float(np.clip(pattern.opacity + step * (high - low) * rng.normal(), low, high))
    return Pattern(tuple(shapes), opacity, mirror, repeat)


def _moved(
    shape: Shape, step: float, space: SpaceOptions, palette: tuple[str, ...], rng: np.random.Generator
) -> Shape:
    family = str(rng.choice(space.families)) if rng.random() < FAMILY else shape.family
    color = str(rng.choice(palette)) if rng.random() < COLOR else shape.color
    x, y, width, height, angle = rng.normal(size=5) * (rng.random(5) < 0.6) * step
    return clip(
        family,
        float(np.clip(shape.x + x * (space.x[1] - space.x[0]), *space.x)),
        float(np.clip(shape.y + y * (space.y[1] - space.y[0]), *space.y)),
        min(shape.width * float(np.exp(2 * width)), space.longest),
        min(shape.height * float(np.exp(2 * height)), space.longest),
        shape.angle + 180 * angle,
        color,
    )


def _palette(shapes: list[Shape], space: SpaceOptions, rng: np.random.Generator) -> tuple[str, ...]:
    """Colours that a shape may take: those in use, and a new one while there may be more."""
    used = tuple(dict.fromkeys(shape.color for shape in shapes))
    if len(used) > space.max_colors:
        return used[: space.max_colors]
    if len(used) == space.max_colors:
        return used
    new = [color for color in space.colors if color not in used]
    return (*used, str(rng.choice(new))) if new else used
