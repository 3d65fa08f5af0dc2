"""The texture of a pattern: known areas, symmetries, order, and a population equal to its members."""

import math

import numpy as np
import pytest
import torch

from core.camouflage.palette import PALETTE
from core.camouflage.pattern import CHEVRON_STROKE, FAMILIES, Pattern, Shape
from core.camouflage.render import LEFT, SIDE, TOP, coverage, render
from core.camouflage.space import SpaceOptions, random_pattern


def alpha(*shapes, size=240, **settings):
    return render([Pattern(shapes, **{"opacity": 1.0, **settings})], size)[0, 3]


def area(*shapes, size=600, **settings):
    return float(alpha(*shapes, size=size, **settings).mean()) * SIDE**2


def test_areas_are_those_of_the_geometry():
    w, h, angle = 1.1, 0.6, 25.0
    radius = CHEVRON_STROKE * h / 2
    arm = math.hypot(w / 2 - radius, h - 2 * radius)
    expected = {
        "stripe": w * h,
        "disc": math.pi * w * h / 4,
        "triangle": w * h / 2,
        "dots": 9 * math.pi / 4 * (0.6 * h / 3) ** 2,
        "checker": w * h / 2,
    }
    for family, value in expected.items():
        assert area(Shape(family, 0.1, 0.4, w, h, angle, "red")) == pytest.approx(value, rel=0.01), family
    # two capsules whose overlap at the apex is no more than a disc and the wedge between the arms
    both = 2 * (arm * 2 * radius + math.pi * radius**2 / 2)
    chevron = area(Shape("chevron", 0.1, 0.4, w, h, angle, "red"))
    assert both - 4 * radius**2 < chevron < both


@pytest.mark.parametrize("family", FAMILIES)
def test_shapes_lie_inside_their_box_and_touch_it(family):
    cover = alpha(Shape(family, 0.25, 0.5, 1.2, 0.6, 0, "red"), size=600)
    rows, columns = np.nonzero(cover.numpy() > 0.5)
    box = np.array([columns.min(), columns.max() + 1, rows.min(), rows.max() + 1]) * SIDE / 600
    left, right, top, bottom = box + np.array([LEFT, LEFT, TOP, TOP])
    slack = 0.2 if family == "dots" else 0.012  # dots keep their gaps at the rim
    assert 0 <= left - (0.25 - 0.6) + 0.006 <= slack
    assert 0 <= (0.25 + 0.6) - right + 0.006 <= slack
    assert 0 <= top - (0.5 - 0.3) + 0.006 <= slack
    assert 0 <= (0.5 + 0.3) - bottom + 0.006 <= slack


def test_triangles_point_up_and_turn_clockwise():
    upright = alpha(Shape("triangle", 0, 0.45, 1, 1, 0, "red"))
    assert upright[80:120].sum() < upright[120:160].sum()
    turned = alpha(Shape("triangle", 0, 0.45, 1, 1, 90, "red"))
    torch.testing.assert_close(turned, upright.rot90(-1), atol=1e-4, rtol=0)


def test_angles_half_a_turn_apart_are_the_same_raster():
    for family in ("stripe", "disc", "dots", "checker"):
        cover = alpha(Shape(family, 0, 0.45, 1.2, 0.7, 40, "red"))  # the texture's centre
        torch.testing.assert_close(cover, cover.rot90(2), atol=1e-4, rtol=0)
        almost = alpha(Shape(family, 0, 0.45, 1.2, 0.7, 180 - 1e-9, "red"))
        level = alpha(Shape(family, 0, 0.45, 1.2, 0.7, 0, "red"))
        torch.testing.assert_close(almost, level, atol=1e-3, rtol=0)


def test_coverage_and_colours_stay_in_range_and_premultiplied():
    patterns = [random_pattern(np.random.default_rng(seed), SpaceOptions(shapes=8)) for seed in range(20)]
    textures = render(patterns, 96)
    assert textures.shape == (20, 4, 96, 96)
    assert textures.min() >= 0 and textures.max() <= 1
    assert (textures[:, :3] <= textures[:, 3:] + 1e-6).all()


def test_opacity_scales_the_whole_texture():
    patterns = [Pattern((Shape("disc", 0, 0.5, 1, 1, 0, "red"),), opacity) for opacity in (1.0, 0.4, 0.0)]
    full, part, none = render(patterns, 64)
    torch.testing.assert_close(part, full * 0.4)
    assert not none.any()


def test_mirrored_patterns_are_symmetric_and_contain_both_halves():
    shape = Shape("triangle", 0.3, 0.6, 0.9, 0.5, 70, "red")
    both, one = alpha(shape, mirror=True), alpha(shape)
    assert torch.equal(both, both.flip(-1))
    assert torch.equal(both, torch.maximum(one, one.flip(-1)))
    options = SpaceOptions(shapes=6, mirror=True, repeat=2)
    textures = render([random_pattern(np.random.default_rng(seed), options) for seed in range(10)], 120)
    assert torch.equal(textures, textures.flip(-1))


def test_repetition_paints_equal_copies_beside_each_other():
    stripe = Shape("stripe", 0, 0.45, 1.0, 0.2, 0, "red")
    three = alpha(stripe, repeat=3)
    one = alpha(stripe)
    step = round(0.4 / SIDE * 240)  # the stripe and a gap as wide
    expected = one + one.roll(step, 0) + one.roll(-step, 0)
    torch.testing.assert_close(three, expected, atol=1e-4, rtol=0)
    assert area(stripe, repeat=4) == pytest.approx(4 * 0.2, rel=0.01)


def test_later_shapes_cover_earlier_ones():
    below, above = Shape("disc", 0, 0.5, 1, 1, 0, "red"), Shape("disc", 0, 0.5, 0.5, 0.5, 0, "white")
    texture = render([Pattern((below, above), 1.0)], 100)[0]
    row, column = int((0.5 - TOP) / SIDE * 100), int(-LEFT / SIDE * 100)
    assert torch.allclose(texture[:3, row, column] * 255, torch.tensor(PALETTE["white"]).float())
    assert torch.allclose(texture[:3, row, column + 14] * 255, torch.tensor(PALETTE["red"]).float())


def test_a_population_is_drawn_as_its_members_alone():
    rng = np.random.default_rng(3)
    patterns = [
        random_pattern(rng, SpaceOptions(shapes=1 + seed % 8, mirror=seed % 2 == 0, repeat=1 + seed % 3))
        for seed in range(16)
    ]
    torch.testing.assert_close(render(patterns), torch.cat([render([p]) for p in patterns]))
    assert render([], 32).shape == (0, 4, 32, 32)


def test_coverage_is_the_alpha_of_opaque_patterns() -> None:
    rng = np.random.default_rng(5)
    patterns = [
        random_pattern(rng, SpaceOptions(shapes=5, opacity=(1.0, 1.0), mirror=seed % 2 == 0))
        for seed in range(6)
    ]
    torch.testing.assert_close(coverage(patterns, 96), render(patterns, 96)[:, 3])
    faint = [Pattern(pattern.shapes, 0.1, pattern.mirror) for pattern in patterns]
    assert torch.equal(coverage(faint, 96), coverage(patterns, 96))


def test_a_shape_is_the_same_in_whatever_window_it_is_drawn():
    """A texture of twice the size, averaged, is the texture: windows, corners and texels agree."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        pattern = random_pattern(rng, SpaceOptions(shapes=1, repeat=1 + seed % 3))
        fine = torch.nn.functional.avg_pool2d(render([pattern], 672), 4)
        assert (fine - render([pattern], 168)).abs().mean() < 2e-3


def test_edges_are_smooth():
    cover = alpha(Shape("stripe", 0, 0.5, 1.5, 0.5, 17, "red"), size=100)
    steps = cover.diff(dim=0).abs()
    assert steps.max() < 1 and ((cover > 0.05) & (cover < 0.95)).sum() > 60


def test_no_hairline_around_the_empty_squares_of_a_checker():
    cover = alpha(Shape("checker", 0, 0.45, 1.2, 1.2, 0, "red"), size=300)
    rim = cover[:, 150 - 60 - 1 : 150 - 60 + 2]  # the checker's left edge
    painted = rim.amax(1) > 0.9
    assert 0.4 < painted[90:210].float().mean() < 0.6
    assert ((rim.amax(1) < 0.05) | painted)[90:210].float().mean() > 0.9
