"""Action units read off geometry."""

import numpy as np
import pytest

from core.abaw import geometry
from core.abaw.classes import ACTION_UNITS
from core.faces.blendshapes import NAMES

UNIT = {name: index for index, name in enumerate(ACTION_UNITS)}


def still(**coefficients: float) -> tuple[np.ndarray, np.ndarray]:
    values = np.zeros((1, len(NAMES)), np.float32)
    for name, value in coefficients.items():
        values[0, NAMES.index(name)] = value
    points = np.zeros((1, 478, 2), np.float32)
    points[0, geometry.CORNERS[1]] = (60, 0)
    return values, points


@pytest.mark.parametrize(
    ("coefficient", "unit"),
    [("browInnerUp", "AU1"), ("browDownLeft", "AU4"), ("mouthSmileRight", "AU12"), ("jawOpen", "AU26")],
)
def test_a_coefficient_moves_its_unit_and_no_other(coefficient, unit):
    rest = geometry.raw(*still())[0]
    moved = geometry.raw(*still(**{coefficient: 0.8}))[0]
    assert [name for name in ACTION_UNITS if moved[UNIT[name]] != rest[UNIT[name]]] == [unit]
    assert moved[UNIT[unit]] > rest[UNIT[unit]]


def test_both_sides_count_alike():
    left = geometry.raw(*still(mouthSmileLeft=0.6))
    right = geometry.raw(*still(mouthSmileRight=0.6))
    assert np.array_equal(left, right)


def test_cheeks_are_read_where_eyes_narrow_under_a_smile():
    squint = geometry.raw(*still(eyeSquintLeft=0.8, eyeSquintRight=0.8))[0]
    both = geometry.raw(
        *still(eyeSquintLeft=0.8, eyeSquintRight=0.8, mouthSmileLeft=0.5, mouthSmileRight=0.5)
    )[0]
    assert squint[UNIT["AU6"]] == 0
    assert both[UNIT["AU6"]] == pytest.approx(np.sqrt(0.8 * 0.5))


def test_parted_lips_are_measured_in_mouth_widths():
    values, points = still()
    points[0, geometry.LOWER_LIP] = (30, 15)
    points[0, geometry.UPPER_LIP] = (30, 3)
    reading = geometry.raw(values, points)[0]
    assert reading[UNIT["AU25"]] == pytest.approx(12 / 60)
    larger = geometry.raw(values, points * 3)[0]
    assert larger[UNIT["AU25"]] == pytest.approx(12 / 60)


def test_half_strength_lies_halfway_and_the_ends_are_clipped():
    scale = geometry.Scale(np.full(12, 0.2), np.full(12, 0.6))
    readings = np.array([[0.0] * 12, [0.2] * 12, [0.4] * 12, [0.9] * 12])
    assert geometry.strengths(readings, scale)[:, 0].tolist() == pytest.approx([0, 0, 0.5, 1])


def test_a_scale_begins_at_the_neutral_median():
    generator = np.random.default_rng(0)
    neutral = generator.uniform(0, 0.1, (200, 12))
    acted = generator.uniform(0.3, 0.9, (200, 12))
    scale = geometry.calibrate(np.concatenate([neutral, acted]), neutral)
    assert np.allclose(scale.low, np.median(neutral, axis=0))
    assert (scale.high > 0.8).all()
    assert geometry.strengths(neutral, scale).mean() < 0.1


def test_nobody_to_measure_gives_no_rows():
    assert geometry.measure([], geometry.Scale(np.zeros(12), np.ones(12))).shape == (0, 12)
