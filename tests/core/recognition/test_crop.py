import pytest
import torch

from core.faces.align import ARCFACE_112, CANONICAL_SIZE, TEMPLATE
from core.recognition.crop import ARCFACE_BOX, Box, Crop, resampling_matrix


def test_the_whole_frame_at_its_own_size_is_the_identity() -> None:
    torch.testing.assert_close(resampling_matrix(0, 8, 8, 8), torch.eye(8))


@pytest.mark.parametrize(("start", "length", "count"), [(3.3, 150.2, 112), (-20, 200, 128), (60, 180.5, 150)])
def test_rows_sum_to_one_and_a_constant_stays(start: float, length: float, count: int) -> None:
    matrix = resampling_matrix(start, length, count)
    torch.testing.assert_close(matrix.sum(1), torch.ones(count))
    assert matrix.min() >= 0


@pytest.mark.parametrize("box", [Box(22.1, 22.1, 179.2, 179.2), Box(31.8, 54.6, 130.0, 161.0)])
def test_a_ramp_keeps_its_coordinates(box: Box) -> None:
    """A picture whose value is its own coordinate shows each output pixel's centre, to a tenth of a pixel.

    (A sampled triangle filter does not keep a ramp exactly; a box that is off by half a pixel fails.)
    """
    ramp = (torch.arange(CANONICAL_SIZE) + 0.5).expand(1, 1, CANONICAL_SIZE, CANONICAL_SIZE)
    crop = Crop(box, 100)(ramp)[0, 0]
    expected = box.x0 + (torch.arange(100) + 0.5) * box.width / 100
    torch.testing.assert_close(crop[50], expected, atol=0.1, rtol=0)
    turned = Crop(box, 100)(ramp.transpose(2, 3))[0, 0]
    expected = box.y0 + (torch.arange(100) + 0.5) * box.height / 100
    torch.testing.assert_close(turned[:, 50], expected, atol=0.1, rtol=0)


def test_integer_boxes_agree_with_torch_antialiasing() -> None:
    picture = torch.rand(2, 3, CANONICAL_SIZE, CANONICAL_SIZE, generator=torch.Generator().manual_seed(0))
    inside = Crop(Box(32, 40, 160, 160), 112)(picture)[..., 4:-4, 4:-4]  # the edges see beyond the box
    whole = torch.nn.functional.interpolate(
        picture[..., 40:200, 32:192], size=(112, 112), mode="bilinear", antialias=True
    )
    torch.testing.assert_close(inside, whole[..., 4:-4, 4:-4], atol=1e-5, rtol=0)


def test_beyond_the_frame_its_border_repeats() -> None:
    picture = torch.rand(1, 1, CANONICAL_SIZE, CANONICAL_SIZE, generator=torch.Generator().manual_seed(1))
    crop = Crop(Box(0, 100, CANONICAL_SIZE, CANONICAL_SIZE), CANONICAL_SIZE)(picture)[0, 0]
    torch.testing.assert_close(crop[-50], picture[0, 0, -1])


def test_the_arcface_box_puts_the_template_points_where_arcface_wants_them() -> None:
    native = (torch.from_numpy(TEMPLATE) + 0.5 - ARCFACE_BOX.x0) * 112 / ARCFACE_BOX.width - 0.5
    torch.testing.assert_close(native, torch.from_numpy(ARCFACE_112), atol=1e-4, rtol=0)


def test_absurd_boxes_are_refused() -> None:
    with pytest.raises(ValueError, match="canonical"):
        Box(0, 0, 5, 100)
