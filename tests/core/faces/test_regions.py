"""Regions tile the face, follow its mirror image, and leave out what paint cannot go on."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from core.errors import UserError
from core.faces import outlines, regions, topology
from core.faces.skin import canonical
from core.types import Face, Mask, Pixels

HEIGHT, WIDTH = 300, 320
Place = Callable[..., Face]


def _hull(face: Face) -> np.ndarray:
    canvas = np.zeros((HEIGHT, WIDTH), np.uint8)
    assert face.landmarks is not None
    cv2.fillPoly(canvas, [np.round(face.landmarks[list(outlines.FACE_OVAL)]).astype(np.int32)], 1)
    return canvas.astype(bool)


@pytest.mark.parametrize("sides", [False, True])
@pytest.mark.parametrize("lean", [0.0, 0.5, -2.0])
def test_regions_are_disjoint_and_none_is_empty(place: Place, lean: float, sides: bool) -> None:
    found = regions.masks(place(lean=lean, y=150.0), HEIGHT, WIDTH, sides=sides)
    assert all(mask.any() for mask in found.values())
    assert np.sum(list(found.values()), axis=0).max() == 1


def test_regions_tile_the_face_oval(place: Place) -> None:
    face = place()
    union = np.any(list(regions.masks(face, HEIGHT, WIDTH).values()), axis=0)
    oval = _hull(face)
    assert (union & oval).sum() > 0.99 * oval.sum()
    assert (union & ~oval).sum() < 0.01 * oval.sum()


def test_sides_are_the_pictures_and_add_up(place: Place) -> None:
    face = place()
    whole, split = (regions.masks(face, HEIGHT, WIDTH, sides=sides) for sides in (False, True))
    for name in regions.PAIRED:
        left, right = split[f"left {name}"], split[f"right {name}"]
        assert np.array_equal(left | right, whole[name])
        assert np.argwhere(left)[:, 1].mean() < 160 < np.argwhere(right)[:, 1].mean()
    assert set(whole) == set(regions.REGIONS)


def test_a_mirrored_face_has_mirrored_regions(place: Place) -> None:
    face = place(lean=0.2, x=150.3)
    assert face.landmarks is not None
    flipped = (face.landmarks * [-1, 1] + [WIDTH - 1, 0])[topology.MIRROR].astype(np.float32)
    found = regions.masks(face, HEIGHT, WIDTH, sides=True)
    other = regions.masks(replace(face, landmarks=flipped), HEIGHT, WIDTH, sides=True)
    swap = {"left": "right", "right": "left"}
    for name, mask in found.items():
        side, _, rest = name.partition(" ")
        partner = other[f"{swap[side]} {rest}" if side in swap else name][:, ::-1]
        assert (mask ^ partner).sum() <= 0.02 * mask.sum() + 0.6 * np.sqrt(mask.sum())


def test_paintable_skin_lies_in_the_regions_without_their_exceptions(place: Place) -> None:
    face = place()
    found = regions.masks(face, HEIGHT, WIDTH)
    bare = regions.paintable(face, HEIGHT, WIDTH)
    assert not (bare & ~np.any(list(found.values()), axis=0)).any()
    for name in ("eyes", "brows", "lips"):
        assert not (bare & found[name]).any()
    for name in ("forehead", "cheeks", "chin", "nose bridge"):
        assert (bare & found[name]).sum() > 0.8 * found[name].sum()


def test_brows_and_lips_can_be_counted_in(place: Place) -> None:
    face = place()
    found = regions.masks(face, HEIGHT, WIDTH)
    more = regions.paintable(face, HEIGHT, WIDTH, include_brows=True, include_lips=True)
    assert (more & found["brows"]).sum() > 0.9 * found["brows"].sum()
    assert (more & found["lips"]).sum() > 0.7 * found["lips"].sum()
    assert not (more & found["eyes"]).any()


def _left_half(crop: Pixels) -> Mask:
    return np.arange(224)[None, :].repeat(224, 0) < 112


@pytest.mark.parametrize("sides", [False, True])
def test_a_parser_cuts_the_regions_of_skin_and_leaves_the_features(place: Place, sides: bool) -> None:
    face = place()
    pixels = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    outlined = regions.masks(face, HEIGHT, WIDTH, sides=sides)
    found = regions.masks(face, HEIGHT, WIDTH, sides=sides, pixels=pixels, parser=_left_half)
    assert list(found) == list(outlined)
    columns = np.arange(WIDTH)[None, :]
    for name, mask in found.items():
        if name.endswith(("brows", "eyes", "lips")):
            assert np.array_equal(mask, outlined[name])
        else:
            assert np.array_equal(mask & (columns < 158), outlined[name] & (columns < 158))
            assert not (mask & (columns > 162)).any()


def test_brows_and_lips_count_although_no_parser_takes_them_for_skin(place: Place) -> None:
    face = place()
    pixels = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    local = regions.masks(canonical(face), 224, 224)
    skin = ~(local["brows"] | local["lips"])
    outlined = regions.masks(face, HEIGHT, WIDTH)
    features = outlined["brows"] | outlined["lips"]
    bare = regions.paintable(face, HEIGHT, WIDTH, pixels=pixels, parser=lambda crop: skin)
    assert not (bare & features).any()
    more = regions.paintable(
        face, HEIGHT, WIDTH, include_brows=True, include_lips=True, pixels=pixels, parser=lambda crop: skin
    )
    assert (more & outlined["brows"]).sum() > 0.9 * outlined["brows"].sum()
    assert (more & outlined["lips"]).sum() > 0.7 * outlined["lips"].sum()


@pytest.mark.parametrize(("x", "y"), [(-900.0, 100.0), (100.0, 1e7), (3e6, -3e6)])
def test_a_face_outside_the_canvas_has_no_skin(place: Place, x: float, y: float) -> None:
    face = place(x=x, y=y)
    assert not any(mask.any() for mask in regions.masks(face, HEIGHT, WIDTH).values())
    assert not regions.paintable(face, HEIGHT, WIDTH).any()


def test_regions_do_not_depend_on_the_canvas(place: Place) -> None:
    face = place()
    large = regions.masks(face, HEIGHT + 50, WIDTH + 70)
    for name, mask in regions.masks(face, HEIGHT, WIDTH).items():
        assert np.array_equal(large[name][:HEIGHT, :WIDTH], mask)


def test_a_face_without_landmarks_is_refused(place: Place) -> None:
    face = replace(place(), landmarks=None)
    with pytest.raises(UserError, match="not measured"):
        regions.masks(face, HEIGHT, WIDTH)
