"""The sheet: complete, deterministic, and its words agree with the pattern's geometry."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from core.camouflage.pattern import FAMILIES, Pattern, Shape
from core.camouflage.recipe import recipe
from core.camouflage.space import SpaceOptions, random_pattern
from core.camouflage.steps import place, references, steps, turn

PATTERN = Pattern(
    (
        Shape("stripe", 0, 0.5, 1.6, 0.25, 10, "white"),
        Shape("checker", 0.6, 0.8, 0.7, 0.8, 0, "black"),
        Shape("triangle", -0.5, -0.4, 0.5, 0.5, 180, "red"),
    ),
    0.9,
)


@pytest.fixture(scope="module")
def sheet():
    return recipe(PATTERN, "A sheet", "Two of three recognisers accept it: did not transfer.")


def test_one_page_as_pdf_and_as_picture(sheet):
    assert sheet.pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", sheet.pdf)) == 1
    picture = Image.open(io.BytesIO(sheet.png))
    assert picture.size[1] / picture.size[0] == pytest.approx(2**0.5, rel=0.01)
    assert picture.text["Title"] == "A sheet"
    assert Pattern.from_json(picture.text["Description"]) == PATTERN


def test_the_json_is_the_pattern(sheet):
    assert Pattern.from_json(sheet.json) == PATTERN


def test_the_same_arguments_give_the_same_bytes(sheet):
    again = recipe(PATTERN, "A sheet", "Two of three recognisers accept it: did not transfer.")
    assert again.pdf == sheet.pdf and again.png == sheet.png and again.steps == sheet.steps
    assert b"CreationDate" not in sheet.pdf


def test_the_verdict_changes_the_page(sheet):
    assert recipe(PATTERN, "A sheet", "Something else.").png != sheet.png


def test_the_mirror_view_is_the_reflection_of_the_other(sheet):
    """Paint at the picture's right in one diagram lies at the picture's left in the other."""
    page = np.asarray(Image.open(io.BytesIO(sheet.png)).convert("RGB")).astype(int)
    height, width = page.shape[:2]
    black = (page.max(2) < 60) & (page.min(2) > 15)
    rows = slice(int(height * 0.2), int(height * 0.5))
    left, right = black[rows, : width // 2], black[rows, width // 2 :]
    center_left = np.nonzero(left)[1].mean() / (width / 2)
    center_right = np.nonzero(right)[1].mean() / (width / 2)
    assert center_left > 0.55 and center_right < 0.45


def test_every_shape_has_its_sentence(sheet):
    assert len(sheet.steps) == 3
    assert sheet.steps[0].startswith("1. White stripe: 1.60 x 0.25 (101 x 16 mm)")
    assert "turned 10\N{DEGREE SIGN} clockwise" in sheet.steps[0]
    assert "checker" in sheet.steps[1] and "left" in sheet.steps[1]
    assert "6 o'clock" in sheet.steps[2]


def test_mirror_and_repetition_are_told():
    both = Pattern(PATTERN.shapes, 0.9, True, 3)
    assert all("both sides" in step.what and "3 times" in step.what for step in steps(both))


def test_places_lead_back_to_the_point():
    """Read the sentence again and arrive at the centre."""
    points = {name: (x, y) for name, x, y in references()}
    rng = np.random.default_rng(0)
    for x, y in rng.uniform((-1.2, -0.9), (1.2, 1.8), (200, 2)):
        told = place(x, y)
        name = next(name for name in sorted(points, key=len, reverse=True) if told.endswith(name))
        px, py = points[name]
        for amount, way in re.findall(r"(\d\.\d\d)(?: to the)? (above|below|left|right)", told):
            step = float(amount)
            px += {"left": step, "right": -step}.get(way, 0)  # the person's left is the picture's right
            py += {"below": step, "above": -step}.get(way, 0)
        assert abs(px - x) < 0.021 and abs(py - y) < 0.021


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (Shape("stripe", 0, 0, 1, 0.2, 0, "red"), "level"),
        (Shape("stripe", 0, 0, 0.2, 1, 0, "red"), "upright"),
        (Shape("stripe", 0, 0, 1, 0.2, 150, "red"), "turned 30\N{DEGREE SIGN} anticlockwise"),
        (Shape("stripe", 0, 0, 0.2, 1, 120, "red"), "turned 30\N{DEGREE SIGN} clockwise"),
        (Shape("disc", 0, 0, 0.5, 0.5, 77, "red"), "round"),
        (Shape("chevron", 0, 0, 0.5, 0.5, 0, "red"), "12 o'clock"),
        (Shape("triangle", 0, 0, 0.5, 0.5, 95, "red"), "3 o'clock"),
    ],
)
def test_turns_are_told_along_the_longer_side(shape, words):
    assert words in turn(shape)


def test_eight_shapes_of_all_families_long_words_and_two_sides_still_fit():
    rng = np.random.default_rng(1)
    pattern = random_pattern(rng, SpaceOptions(shapes=8, families=FAMILIES, mirror=True, repeat=2))
    made = recipe(pattern, "A long title " * 20, "A long verdict with many words in it. " * 30)
    page = np.asarray(Image.open(io.BytesIO(made.png)).convert("L"))
    margin = round(page.shape[1] * 0.03)
    for edge in (page[:, :margin], page[:, -margin:], page[:margin], page[-margin:]):
        assert edge.min() == 255  # nothing runs out of the page
