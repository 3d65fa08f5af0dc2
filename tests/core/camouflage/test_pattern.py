"""The pattern space: what is valid, JSON and vector round trips, random patterns."""

import json
from dataclasses import replace

import numpy as np
import pytest

from core.camouflage.palette import PALETTE
from core.camouflage.pattern import (
    FACE_WIDTH,
    FAMILIES,
    MAX_SHAPES,
    MIN_STROKE,
    RANGES,
    Pattern,
    Shape,
    period,
    smallest_side,
    wrap,
)
from core.camouflage.space import SpaceOptions, clip, decode, encode, random_pattern, scaled
from core.errors import Code, UserError

STRIPE = Shape("stripe", 0.1, 0.7, 1.0, 0.2, 30.0, "red")
PATTERN = Pattern((STRIPE, Shape("dots", -0.3, 1 / 3, 0.7, 0.6, 0.1 + 0.2, "blue")), 0.85, True, 2)


def code_of(call, *arguments, **named):
    with pytest.raises(UserError) as caught:
        call(*arguments, **named)
    assert caught.value.message and caught.value.hint
    return caught.value.code


@pytest.mark.parametrize(
    "change",
    [
        {"x": 1.31},
        {"y": -1.01},
        {"width": 0.0},
        {"height": 2.7},
        {"angle": 180.0},
        {"angle": -1.0},
        {"x": float("nan")},
        {"width": float("inf")},
        {"x": 10**400},
    ],
)
def test_a_number_out_of_range_is_refused(change):
    assert code_of(replace, STRIPE, **change) == Code.OPTION_RANGE


@pytest.mark.parametrize(
    "change",
    [{"family": "star"}, {"color": "gold"}, {"color": ["red"]}, {"x": "0"}, {"width": True}, {"angle": None}],
)
def test_what_is_no_shape_is_refused(change):
    assert code_of(replace, STRIPE, **change) == Code.PATTERN_INVALID


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"shapes": ()}, Code.OPTION_RANGE),
        ({"shapes": (STRIPE,) * (MAX_SHAPES + 1)}, Code.OPTION_RANGE),
        ({"shapes": ("stripe",)}, Code.PATTERN_INVALID),
        ({"opacity": 1.01}, Code.OPTION_RANGE),
        ({"opacity": "full"}, Code.PATTERN_INVALID),
        ({"mirror": 1}, Code.PATTERN_INVALID),
        ({"repeat": True}, Code.PATTERN_INVALID),
        ({"repeat": 2.0}, Code.PATTERN_INVALID),
        ({"repeat": 0}, Code.OPTION_RANGE),
        ({"repeat": 6}, Code.OPTION_RANGE),
    ],
)
def test_what_is_no_pattern_is_refused(change, code):
    assert code_of(replace, PATTERN, **change) == code


def test_only_families_that_point_somewhere_turn_further_than_half():
    for family in FAMILIES:
        turned = family in ("chevron", "triangle")
        assert period(family) == (360 if turned else 180)
        Shape(family, 0, 0, 1, 1, period(family) - 1e-6, "red")


def test_json_gives_back_an_equal_pattern():
    again = Pattern.from_json(PATTERN.to_json())
    assert again == PATTERN
    assert again.to_json() == PATTERN.to_json()


def test_whole_numbers_become_floats_so_that_equal_patterns_have_equal_json():
    whole, point = Shape("disc", 0, 1, 1, 1, 0, "red"), Shape("disc", 0.0, 1.0, 1.0, 1.0, 0.0, "red")
    assert Pattern((whole,)).to_json() == Pattern((point,)).to_json()


def test_json_is_strict():
    good = json.loads(PATTERN.to_json())

    def refused(change):
        text = change if isinstance(change, str) else json.dumps(change)
        return code_of(Pattern.from_json, text) == Code.PATTERN_INVALID

    assert refused({**good, "extra": 1})
    assert refused({name: value for name, value in good.items() if name != "mirror"})
    assert refused({**good, "version": 2})
    assert refused({**good, "format": "other"})
    assert refused({**good, "shapes": {}})
    assert refused({**good, "shapes": [{**good["shapes"][0], "alpha": 1}]})
    assert refused({**good, "shapes": [3]})
    assert refused([good])
    assert refused("")
    assert refused("[" * 15_000)
    assert refused(PATTERN.to_json() + " " * 20_000)
    assert refused(PATTERN.to_json().replace('"opacity"', '"mirror"', 1))
    nan = {**good, "opacity": float("nan")}
    assert code_of(Pattern.from_json, json.dumps(nan)) == Code.OPTION_RANGE


def test_the_largest_pattern_fits_the_cap_on_json():
    shape = Shape("triangle", -1 / 3, -1 / 3, 1 / 3, 1 / 3, 1000 / 3, "orange")
    pattern = Pattern((shape,) * MAX_SHAPES, 1 / 3, True, 5)
    assert Pattern.from_json(pattern.to_json()) == pattern


def test_colors_and_stroke_of_a_pattern():
    assert PATTERN.colors == ("red", "blue")
    assert Pattern((STRIPE, STRIPE)).colors == ("red",)
    assert Pattern((STRIPE,)).stroke == pytest.approx(0.2 / FACE_WIDTH)
    assert PATTERN.stroke == pytest.approx(0.6 / 3 * 0.6 / FACE_WIDTH)  # 0.6 of one of three cells
    for family in FAMILIES:
        side = smallest_side(family)
        assert Shape(family, 0, 0, side, 2, 0, "red").stroke == pytest.approx(MIN_STROKE)


@pytest.mark.parametrize("categorical", [True, False])
def test_vectors_give_back_the_pattern(categorical):
    options = SpaceOptions(shapes=5, opacity=(0.5, 1.0), repeat=2, mirror=True)
    for seed in range(20):
        pattern = random_pattern(np.random.default_rng(seed), options)
        vector = encode(pattern, options, categorical=categorical)
        assert vector.shape == (options.dimension(categorical=categorical),)
        assert vector.min() >= 0 and vector.max() <= 1
        again = decode(vector, options, None if categorical else pattern)
        assert (again.colors, again.mirror, again.repeat) == (pattern.colors, True, 2)
        assert again.opacity == pytest.approx(pattern.opacity)
        for one, two in zip(again.shapes, pattern.shapes, strict=True):
            assert (one.family, one.color) == (two.family, two.color)
            for name in ("x", "y", "width", "height", "angle"):
                assert getattr(one, name) == pytest.approx(getattr(two, name), abs=1e-9)


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0, 7.0])
def test_every_corner_of_the_vector_space_is_a_pattern_that_can_be_painted(value):
    options = SpaceOptions(shapes=8)
    pattern = decode(np.full(options.dimension(categorical=True), value), options)
    assert pattern.stroke >= 0.04


def test_a_vector_of_the_wrong_length_or_pattern_is_refused():
    options = SpaceOptions(shapes=2)
    with pytest.raises(ValueError, match="length"):
        decode(np.zeros(4), options)
    assert code_of(encode, Pattern((STRIPE,)), options, categorical=False) == Code.OPTION_RANGE
    narrow = SpaceOptions(shapes=1, colors=("white",))
    assert code_of(encode, Pattern((STRIPE,)), narrow, categorical=True) == Code.OPTION_RANGE


def test_random_patterns_follow_their_seed_and_options():
    options = SpaceOptions(shapes=6, colors=("red", "blue", "white", "green"), families=("stripe", "disc"))
    one, two, other = (random_pattern(np.random.default_rng(seed), options) for seed in (1, 1, 2))
    assert one == two != other
    patterns = [random_pattern(np.random.default_rng(seed), options) for seed in range(60)]
    assert {shape.family for p in patterns for shape in p.shapes} == {"stripe", "disc"}
    assert {color for p in patterns for color in p.colors} == set(options.colors)
    assert {len(p.colors) for p in patterns} == {1, 2, 3}
    assert min(p.stroke for p in patterns) >= 0.04


@pytest.mark.parametrize(
    "change",
    [
        {"shapes": 0},
        {"shapes": 9},
        {"max_colors": 4},
        {"repeat": 0},
        {"x": (0.5, -0.5)},
        {"y": (-2.0, 0.0)},
        {"opacity": (0.2, 1.2)},
        {"families": ()},
        {"colors": ("gold",)},
        {"longest": 0.2},
    ],
)
def test_options_out_of_range_are_refused(change):
    assert code_of(SpaceOptions, **change) == Code.OPTION_RANGE


def test_clip_makes_any_numbers_a_shape_and_leaves_a_good_one_alone():
    wild = clip("checker", -9, 9, 0, 99, -450, "red")
    assert (wild.x, wild.y) == (RANGES["x"][0], RANGES["y"][1])
    assert wild.stroke == pytest.approx(MIN_STROKE) and wild.height == RANGES["height"][1]
    assert wild.angle == 90
    assert clip(STRIPE.family, STRIPE.x, STRIPE.y, 1.0, 0.2, 30, "red") == STRIPE


def test_wrap_stays_below_the_period():
    assert wrap(-1e-20, "stripe") == 0
    assert wrap(540, "stripe") == 0
    assert wrap(540, "triangle") == 180


def test_scaling_keeps_centres_and_strokes():
    small = scaled(PATTERN, 0.01)
    assert [(s.x, s.y) for s in small.shapes] == [(s.x, s.y) for s in PATTERN.shapes]
    assert small.stroke >= 0.04
    assert scaled(PATTERN, 1.5).shapes[0].width == pytest.approx(1.5)
    assert scaled(scaled(PATTERN, 1.25), 0.8).shapes[0].height == pytest.approx(STRIPE.height)


def test_the_palette_is_srgb_that_a_screen_can_show():
    assert len(PALETTE) == len(set(PALETTE.values()))
    assert all(0 <= part <= 255 for rgb in PALETTE.values() for part in rgb)
