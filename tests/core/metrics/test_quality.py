import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from core.metrics.quality import psnr, ssim, ssim_map

RNG = np.random.default_rng(0)
REFERENCE = np.clip(np.cumsum(RNG.normal(0, 6, (48, 64, 3)), axis=1) + 128, 0, 255).astype(np.uint8)
CHANGED = np.clip(REFERENCE + RNG.normal(0, 12, REFERENCE.shape), 0, 255).astype(np.uint8)
MASK = np.zeros((48, 64), bool)
MASK[10:30, 20:50] = True
SETTINGS = {
    "channel_axis": 2,
    "gaussian_weights": True,
    "sigma": 1.5,
    "use_sample_covariance": False,
    "data_range": 255,
    "full": True,
}


def test_agree_with_scikit_image():
    mean, values = structural_similarity(REFERENCE, CHANGED, **SETTINGS)
    assert ssim(REFERENCE, CHANGED) == pytest.approx(mean, abs=1e-10)
    np.testing.assert_allclose(ssim_map(REFERENCE, CHANGED), values.mean(axis=2), atol=1e-10)
    assert psnr(REFERENCE, CHANGED) == pytest.approx(peak_signal_noise_ratio(REFERENCE, CHANGED))


def test_masked_versions_agree_with_scikit_image():
    _, values = structural_similarity(REFERENCE, CHANGED, **SETTINGS)
    assert ssim(REFERENCE, CHANGED, MASK) == pytest.approx(values[MASK].mean(), abs=1e-10)
    expected = peak_signal_noise_ratio(REFERENCE[MASK], CHANGED[MASK])
    assert psnr(REFERENCE, CHANGED, MASK) == pytest.approx(expected)


def test_equal_pictures():
    assert psnr(REFERENCE, REFERENCE) == np.inf
    assert ssim(REFERENCE, REFERENCE) == pytest.approx(1)


def test_golden_psnr():
    dark, light = np.zeros((12, 12, 3), np.uint8), np.full((12, 12, 3), 255, np.uint8)
    assert psnr(dark, light) == 0
    one = dark.copy()
    one[0, 0] = 255
    assert psnr(dark, one) == pytest.approx(10 * np.log10(144))


def test_a_change_outside_the_mask_is_not_counted():
    outside = REFERENCE.copy()
    outside[40:, :10] = 0
    assert psnr(REFERENCE, outside, MASK) == np.inf
    assert ssim(REFERENCE, outside, MASK) == pytest.approx(1)
    assert psnr(REFERENCE, outside) < 30


def test_impossible_input_is_refused():
    with pytest.raises(ValueError, match="one size"):
        psnr(REFERENCE, CHANGED[:-1])
    with pytest.raises(ValueError, match="not empty"):
        ssim(REFERENCE, CHANGED, np.zeros((48, 64), bool))
    with pytest.raises(ValueError, match="11"):
        ssim(REFERENCE[:10], CHANGED[:10])
