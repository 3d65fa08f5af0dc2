import cv2
import numpy as np
import pytest

from core.expression.crop import WIDE, Framing, cut, squares


def box(x: float, y: float, unit: float) -> np.ndarray:
    """A box about (x, y) whose height and widened width both are ``unit``."""
    return np.array([[x - unit / WIDE / 2, y - unit / 2, x + unit / WIDE / 2, y + unit / 2]])


def noise(high: int, wide: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (high, wide, 3), dtype=np.uint8)


def ramp(high: int, wide: int) -> np.ndarray:
    """Red is 2x + 10 and green 2y + 10 at the centres (x + .5, y + .5) of the pixels."""
    y, x = np.mgrid[:high, :wide] + 0.5
    return np.stack([2 * x + 10, 2 * y + 10, np.zeros_like(x)], 2).astype(np.uint8)


def test_a_square_has_the_side_of_height_and_width_together() -> None:
    found = squares(np.array([[10, 20, 50, 80]]), Framing(side=1.5, down=0.1))
    unit = (60 + WIDE * 40) / 2
    np.testing.assert_allclose(found, [[30, 50 + 0.1 * unit, 1.5 * unit]])


def test_at_its_own_scale_a_square_comes_out_as_it_is() -> None:
    picture = noise(60, 80)
    crop = cut(picture, box(40, 30, 32), Framing(), 32)[0].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(crop, picture[14:46, 24:56])


@pytest.mark.parametrize("times", [2, 4, 8])
def test_smaller_by_a_power_of_two_every_pixel_is_the_mean_of_its_block(times: int) -> None:
    picture = noise(211, 301)
    side = 16 * times
    # the square starts at a whole block, wherever blocks are counted from
    left, top = 2 * times, 3 * times
    crop = cut(picture, box(left + side / 2, top + side / 2, side), Framing(), 16)[0].permute(1, 2, 0)
    blocks = picture[top : top + side, left : left + side].reshape(16, times, 16, times, 3)
    np.testing.assert_allclose(crop.numpy(), blocks.mean((1, 3), dtype=float), atol=2)


@pytest.mark.parametrize(("x", "y"), [(44.5, 44), (45.25, 45.5), (43.5, 45.75)])
@pytest.mark.parametrize("side", [16.0, 32.0, 40.0, 64.0, 70.0])
def test_pixels_show_what_lies_under_their_centres(x: float, y: float, side: float) -> None:
    crop = cut(ramp(90, 90), box(x, y, side), Framing(), 32)[0].numpy().astype(float)
    at = side * (np.arange(32) + 0.5) / 32 - side / 2
    seen = slice(2, 30)  # the ends of a large square touch the border
    across = np.tile(2 * (x + at) + 10, (32, 1))
    down = np.tile(2 * (y + at) + 10, (32, 1)).T
    np.testing.assert_allclose(crop[0][seen, seen], across[seen, seen], atol=1.1)
    np.testing.assert_allclose(crop[1][seen, seen], down[seen, seen], atol=1.1)


def test_outside_the_picture_is_black_and_nothing_fails() -> None:
    picture = np.full((40, 50, 3), 255, np.uint8)
    half = cut(picture, box(0, 20, 20), Framing(), 20)[0].numpy()
    assert (half[:, :, :10] == 0).all()
    assert (half[:, :, 10:] == 255).all()
    for x, y, unit in ((-500, 20, 30), (900, 900, 30), (25, 20, 4000), (25, 20, 0.0)):
        crop = cut(picture, box(x, y, unit), Framing(), 20)
        assert crop.shape == (1, 3, 20, 20)
        assert unit in (4000, 0.0) or not crop.any()
    assert cut(picture, np.zeros((0, 4)), Framing(), 20).shape == (0, 3, 20, 20)


def test_a_large_face_is_not_aliased() -> None:
    stripes = np.zeros((640, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = cut(stripes, box(320, 320, 512), Framing(), 64)[0].numpy()
    assert np.abs(crop.astype(float) - 127.5).max() < 2


def test_the_part_that_is_seen_is_enough() -> None:
    """Cutting out of a far corner equals cutting out of a picture that ends there."""
    picture = noise(400, 600)
    whole = cut(picture, box(500, 300, 150), Framing(), 24)
    moved = cv2.copyMakeBorder(picture, 0, 0, 0, 120, cv2.BORDER_CONSTANT)
    np.testing.assert_array_equal(whole.numpy(), cut(moved, box(500, 300, 150), Framing(), 24).numpy())
