"""What leaves: exactly these pixels, or close ones, and not one byte about where they came from."""

from io import BytesIO

import numpy as np
import PIL.Image
import pytest

from core.errors import Code, UserError
from core.media.images import load, save
from tests.core.media.crafted import loaded_with, photo, riff_chunks

TEXTS = (
    b"Exif eXIf EXIF GPS http XMP xmp XML iTXt tEXt zTXt iCCP ICC Photoshop private Ann Cam tIME tail".split()
)
MARKERS = [b"\xff" + bytes([marker]) for marker in (*range(0xE1, 0xF0), 0xFE)]  # all APPn but JFIF, and COM


@pytest.mark.parametrize("source", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_gps_goes_in_and_nothing_comes_out(source, format):
    data = loaded_with(source)
    assert b"GPSLatitude" in data
    image = load(data)
    assert "metadata-gps" in {notice.code for notice in image.notices}
    out = save(image.pixels, format)
    assert [trace for trace in TEXTS + MARKERS * (format == "jpeg") if trace in out] == []
    again = PIL.Image.open(BytesIO(out))
    assert not again.getexif()
    assert not {"exif", "xmp", "icc_profile", "comment", "dpi"} & set(again.info)
    assert load(out).notices == ()


def test_png_and_back_is_the_identity():
    pixels = np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8)
    np.testing.assert_array_equal(load(save(pixels)).pixels, pixels)


def test_pngs_name_their_colour_space():
    assert b"sRGB\0" in save(photo())


@pytest.mark.parametrize(("format", "bound"), [("jpeg", 2.0), ("webp", 3.0)])
def test_lossy_formats_stay_close_and_obey_the_quality(format, bound):
    noisy = photo(128, 128) // 2 + np.random.default_rng(0).integers(0, 60, (128, 128, 3), dtype=np.uint8)
    sizes = [len(save(noisy, format, quality=quality)) for quality in (30, 60, 95)]
    assert sizes == sorted(set(sizes))
    difference = np.abs(load(save(photo(), format, quality=95)).pixels.astype(int) - photo())
    assert difference.mean() < bound


def test_high_quality_jpegs_keep_full_colour_resolution():
    assert PIL.Image.open(BytesIO(save(photo(), "jpeg", quality=90))).layer[0][1:3] == (1, 1)
    assert PIL.Image.open(BytesIO(save(photo(), "jpeg", quality=89))).layer[0][1:3] == (2, 2)


def test_saving_is_deterministic_and_leaves_the_pixels_alone():
    pixels = photo()
    for format in ("png", "jpeg", "webp"):
        assert save(pixels, format) == save(pixels.copy(), format)
    np.testing.assert_array_equal(pixels, photo())


def test_views_and_read_only_pixels_can_be_saved():
    pixels = photo()
    pixels.setflags(write=False)
    np.testing.assert_array_equal(load(save(pixels[::2, ::-1])).pixels, photo()[::2, ::-1])


def test_noise_that_takes_more_than_a_byte_a_pixel_can_be_a_jpeg():
    noise = np.random.default_rng(0).integers(0, 256, (300, 200, 3), dtype=np.uint8)
    assert load(save(noise, "jpeg")).pixels.shape == noise.shape


def test_a_comment_is_written_only_when_asked_for():
    sentence = "A synthetic face"
    assert PIL.Image.open(BytesIO(save(photo(), "png", comment=sentence))).text == {"Comment": sentence}
    assert (
        PIL.Image.open(BytesIO(save(photo(), "jpeg", comment=sentence))).info["comment"] == sentence.encode()
    )
    with pytest.raises(ValueError, match="WEBP"):
        save(photo(), "webp", comment=sentence)


def test_a_webp_is_one_chunk():
    assert [kind for kind, _ in riff_chunks(save(photo(), "webp"))] == [b"VP8 "]


def test_impossible_wishes():
    for call in (lambda: save(photo(), "gif"), lambda: save(photo(), "jpeg", quality=0)):
        with pytest.raises(UserError) as caught:
            call()
        assert caught.value.code == Code.OPTION_RANGE
    with pytest.raises(UserError) as caught:
        save(np.zeros((1, 16384, 3), np.uint8), "webp")
    assert caught.value.code == Code.IMAGE_TOO_LARGE
    for wrong in (photo()[..., 0], photo().astype(np.float32), np.dstack([photo(), photo()[..., :1]])):
        with pytest.raises(ValueError, match="uint8"):
            save(wrong)
