import io

import numpy as np
import PIL.Image
import pytest
import torch

from core.camouflage import jpeg
from tests.core.camouflage.fakes import portrait


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    pixels = portrait(3).pixels.copy()
    pixels[60:90, 40:120] = (194, 28, 36)  # hard edges of paint, where JPEG loses most
    pixels[120:140, 30:200] = (30, 28, 30)
    return pixels


def real(pixels: np.ndarray, quality: int, subsampling: int) -> np.ndarray:
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(PIL.Image.open(buffer), float)


@pytest.mark.parametrize("quality", [30, 50, 75, 95])
@pytest.mark.parametrize("subsample", [False, True])
def test_follows_pillows_encoder(picture: np.ndarray, quality: int, subsample: bool) -> None:
    expected = real(picture, quality, 2 if subsample else 0)
    images = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    ours = jpeg.recompress(images, quality, subsample=subsample)[0].permute(1, 2, 0).numpy() * 255
    lost = np.abs(expected - picture).mean()
    assert np.abs(ours - expected).mean() < max(0.5 * lost, 0.7)


def test_gradient_passes_straight_through_the_rounding() -> None:
    images = torch.rand(1, 3, 32, 32).mul(0.5).add(0.25).requires_grad_()
    jpeg.recompress(images, 60, subsample=False).sum().backward()
    assert images.grad is not None
    assert images.grad.mean() == pytest.approx(1.0, abs=0.05)


def test_a_matrix_before_is_applied_first() -> None:
    images = torch.rand(2, 3, 32, 48)
    rows, columns = torch.rand(32, 32).softmax(1), torch.rand(48, 48).softmax(1)
    both = jpeg.recompress(images, 80, before=(rows, columns))
    assert torch.allclose(both, jpeg.recompress(rows @ images @ columns.T, 80), atol=0.02)


@pytest.mark.parametrize(("size", "quality"), [(20, 50), (32, 0), (32, 101)])
def test_refuses_what_it_cannot_code(size: int, quality: int) -> None:
    with pytest.raises(ValueError):
        jpeg.recompress(torch.rand(1, 3, size, size), quality)
