"""The figures of a pattern, against geometry that can be worked out by hand."""

import pytest

from core.camouflage.describe import describe
from core.camouflage.pattern import FACE_WIDTH, Pattern, Shape
from core.camouflage.project import Surface
from core.camouflage.render import SIDE
from core.faces import topology


def test_area_is_the_shapes_area_over_the_skins():
    """A disc in the middle of a cheek is all on skin: its own area is painted."""
    surface = Surface.mean_face(168)
    skin = float(surface.mask.sum()) * (SIDE / 168) ** 2
    disc = Pattern((Shape("disc", 0.65, 0.75, 0.4, 0.4, 0, "red"),), 0.5)
    assert describe(disc).area == pytest.approx(3.14159 * 0.2**2 / skin, rel=0.02)
    both = Pattern(disc.shapes, 0.5, True)
    assert describe(both).area == pytest.approx(2 * describe(disc).area, rel=0.01)
    assert describe(Pattern(disc.shapes, 0.0)).area == 0


def test_colours_and_strokes_decide_whether_it_can_be_painted():
    shapes = tuple(Shape("disc", 0, 0.5, 0.5, 0.5, 0, c) for c in ("red", "blue", "red", "white"))
    told = describe(Pattern(shapes))
    assert told.shapes == 4 and told.colors == ("red", "blue", "white") and told.reproducible
    assert told.stroke == pytest.approx(0.5 / FACE_WIDTH)
    assert not describe(Pattern((*shapes, Shape("disc", 0, 0.5, 0.5, 0.5, 0, "green")))).reproducible
    assert not describe(Pattern((Shape("stripe", 0, 0.5, 1.0, 0.08, 0, "red"),))).reproducible


def test_the_width_of_the_face_is_that_of_the_mean_face():
    points = topology.mean_face()
    assert float(points[:, 0].max() - points[:, 0].min()) == pytest.approx(FACE_WIDTH, rel=0.01)
