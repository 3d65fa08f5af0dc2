"""What a good file becomes: upright, opaque, 8-bit sRGB, no larger than allowed, and told about."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageCms
import PIL.ImageOps
import pytest

from core.media.images import load
from core.settings import settings
from tests.core.media.crafted import (
    chunk,
    encoded,
    exif,
    loaded_with,
    photo,
    png,
    riff,
    riff_chunks,
    segment,
    with_chunks,
    with_segments,
)


def codes(data: bytes) -> set[str]:
    return {notice.code for notice in load(data).notices}


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_lossless_pixels_come_back_unchanged_and_without_a_notice(format):
    image = load(encoded(photo(), format, lossless=True))
    np.testing.assert_array_equal(image.pixels, photo())
    assert image.notices == ()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"quality": 30}])
def test_a_jpeg_decodes_as_pillow_decodes_it(options):
    data = encoded(photo(), "JPEG", **options)
    np.testing.assert_array_equal(load(data).pixels, np.asarray(PIL.Image.open(BytesIO(data))))


def test_restart_markers_stay_in_the_scan():
    data = encoded(photo(), "JPEG", restart_marker_blocks=1)
    assert b"\xff\xd0" in data
    np.testing.assert_array_equal(load(data).pixels, np.asarray(PIL.Image.open(BytesIO(data))))


def test_bytes_a_path_and_a_string_give_the_same(tmp_path: Path):
    path = tmp_path / "photo.jpg"  # the content counts, not the name
    path.write_bytes(encoded(photo(), "PNG"))
    for source in (path.read_bytes(), path, str(path)):
        np.testing.assert_array_equal(load(source).pixels, photo())


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation, order):
    data = with_chunks(encoded(photo(), "PNG"), chunk(b"eXIf", exif(orientation, order=order)))
    expected = PIL.ImageOps.exif_transpose(PIL.Image.open(BytesIO(data)))
    np.testing.assert_array_equal(load(data).pixels, np.asarray(expected))
    assert ("orientation" in codes(data)) == (orientation != 1)


def test_orientation_6_turns_the_top_left_corner_to_the_top_right():
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:20, :20] = 255
    data = with_segments(encoded(pixels, "JPEG"), segment(0xE1, b"Exif\0\0" + exif(6)))
    turned = load(data).pixels
    assert turned.shape == (60, 40, 3)
    assert turned[5, 35].min() > 240 and turned[5, 5].max() < 15


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_everything_that_came_along_is_reported(format):
    told = codes(loaded_with(format))
    expected = {"metadata-gps", "metadata-camera", "metadata-text"}
    assert told == (expected if format == "WEBP" else expected | {"metadata-extra"})


def test_every_kind_of_luggage_has_its_notice():
    plain_jpeg, plain_png = encoded(photo(), "JPEG"), encoded(photo(), "PNG")
    assert codes(plain_jpeg) == set() == codes(plain_png)
    assert codes(with_segments(plain_jpeg, segment(0xED, b"Photoshop 3.0\0"))) == {"metadata-text"}
    assert codes(with_segments(plain_jpeg, segment(0xEB, b"JP\0\1"))) == {"metadata-provenance"}
    assert codes(with_segments(plain_jpeg, segment(0xE2, b"MPF\0"))) == {"metadata-extra"}
    preview = segment(0xE1, b"Exif\0\0" + exif(preview=True))
    assert "metadata-thumbnail" in codes(with_segments(plain_jpeg, preview))
    assert codes(with_chunks(plain_png, chunk(b"caBX", b"manifest"))) == {"metadata-provenance"}
    assert codes(with_chunks(plain_png, chunk(b"tIME", b"\x07\xea\1\1\1\1\1"))) == {"metadata-camera"}


def test_exif_that_only_describes_pixels_is_not_called_camera_data():
    block = b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 0x0128, 3, 1, 2, 0)
    assert codes(with_chunks(encoded(photo(), "PNG"), chunk(b"eXIf", block))) == set()


def test_transparency_is_laid_over_white():
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:, :4] = (200, 10, 10, 255)
    pixels[:, 4:] = (10, 200, 10, 0)  # the hidden green must not show
    for format in ("PNG", "WEBP"):
        data = encoded(pixels, format, lossless=True)
        image = load(data)
        np.testing.assert_array_equal(image.pixels[:, :4], np.broadcast_to([200, 10, 10], (8, 4, 3)))
        assert (image.pixels[:, 4:] == 255).all()
        assert codes(data) == {"alpha"}


def test_an_opaque_alpha_channel_is_no_news():
    pixels = np.dstack([photo(), np.full(photo().shape[:2], 255, np.uint8)])
    assert codes(encoded(pixels, "PNG")) == set()


def test_half_transparent_grey_is_half_way_to_white():
    data = encoded(np.full((4, 4, 2), (100, 128), np.uint8), "PNG")
    assert abs(int(load(data).pixels[0, 0, 0]) - round(100 * 128 / 255 + 255 * 127 / 255)) <= 1


@pytest.mark.parametrize(
    ("depth", "colour", "row", "key", "expected"),
    [
        (2, 0, b"\x1b", b"\0\1", [0, 255, 170, 255]),  # samples 0 1 2 3, of which 1 is transparent
        (4, 0, b"\x0f\x70", b"\0\x07", [0, 255, 255, 0]),
        (8, 0, b"\x05\x06\x07\x08", b"\0\x06", [5, 255, 7, 8]),
        (16, 0, b"\x10\x00\x20\x00\x30\x00\x20\x01", b"\x20\x00", [16, 255, 48, 32]),
        (16, 2, b"\x10\x00" * 3 + b"\x20\x00" * 3, b"\x20\x00" * 3, [16, 255]),
    ],
)
def test_a_transparent_colour_is_found_at_every_depth(depth, colour, row, key, expected):
    width = len(expected)
    image = load(png([row], width, depth, colour, chunk(b"tRNS", key)))
    assert image.pixels[0, :, 0].tolist() == expected
    assert "alpha" in {notice.code for notice in image.notices}


def test_palette_with_transparency():
    palette = chunk(b"PLTE", bytes([255, 0, 0, 0, 0, 255])) + chunk(b"tRNS", b"\xff\x00")
    image = load(png([b"\0\1"], 2, 8, 3, palette))
    assert image.pixels.tolist() == [[[255, 0, 0], [255, 255, 255]]]


@pytest.mark.parametrize("colour", [0, 2])
def test_16_bits_are_scaled_and_not_clipped(colour):
    values = np.array([0, 300, 32768, 65535], ">u2")
    row = np.repeat(values, 3 if colour == 2 else 1).tobytes()
    image = load(png([row], 4, 16, colour))
    assert image.pixels[0, :, 1].tolist() == [0, 1, 128, 255]
    assert [notice.code for notice in image.notices] == ["depth"]


def test_one_bit_and_grey():
    assert load(png([b"\xa0"], 4, 1, 0)).pixels[0, :, 0].tolist() == [255, 0, 255, 0]
    grey = encoded(photo()[..., 0], "JPEG")
    assert load(grey).pixels.shape == (48, 64, 3)


def _swapped_profile() -> bytes:
    """sRGB with its red and green primaries exchanged."""
    profile = bytearray(PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_the_icc_profile_is_applied(format):
    pixels = np.full((16, 16, 3), (200, 40, 90), np.uint8)
    options = {"PNG": {}, "JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}[format]
    data = encoded(pixels, format, icc_profile=_swapped_profile(), **options)
    assert np.abs(load(data).pixels[8, 8].astype(int) - (40, 200, 90)).max() <= 3
    assert codes(data) == {"colour-profile"}


def test_a_large_icc_profile_in_several_segments_is_put_together():
    profile = _swapped_profile()
    half = len(profile) // 2
    parts = [profile[half:], profile[:half]]  # out of order on purpose
    segments = [segment(0xE2, b"ICC_PROFILE\0" + bytes([2 - i, 2]) + part) for i, part in enumerate(parts)]
    data = encoded(np.full((16, 16, 3), (200, 40, 90), np.uint8), "JPEG", quality=100, subsampling=0)
    assert codes(with_segments(data, *segments)) == {"colour-profile"}
    assert codes(with_segments(data, segments[0])) == {"colour-profile-ignored"}


@pytest.mark.parametrize("profile", [b"no profile", _swapped_profile()[:400], bytes(200)])
def test_a_useless_profile_is_ignored_with_a_notice(profile):
    body = b"name\0\0" + zlib.compress(profile)
    data = with_chunks(encoded(photo(), "PNG"), chunk(b"iCCP", body))
    np.testing.assert_array_equal(load(data).pixels, photo())
    assert codes(data) == {"colour-profile-ignored"}


def test_cmyk():
    inks = np.zeros((16, 16, 4), np.uint8)
    inks[..., 0] = 255  # full cyan
    out = BytesIO()
    PIL.Image.fromarray(inks, "CMYK").save(out, "JPEG", quality=95)
    red, green, blue = load(out.getvalue()).pixels[8, 8]
    assert red < 10 and green > 245 and blue > 245
    assert codes(out.getvalue()) == {"colour-cmyk"}


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_the_first_frame_of_an_animation_with_a_notice(format):
    first = PIL.Image.fromarray(photo())
    later = [PIL.Image.new("RGB", first.size, color) for color in ("red", "blue")]
    out = BytesIO()
    first.save(out, format, save_all=True, append_images=later, duration=100, lossless=True)
    np.testing.assert_array_equal(load(out.getvalue()).pixels, photo())
    assert codes(out.getvalue()) == {"first-frame"}


def test_a_small_first_frame_lies_at_its_place_in_an_animation():
    frame = dict(riff_chunks(encoded(np.full((4, 6, 3), 9, np.uint8), "WEBP", lossless=True)))[b"VP8L"]
    place = b"".join(value.to_bytes(3, "little") for value in (2, 1, 5, 3, 100))  # x/2, y/2, w-1, h-1, ms
    anmf = place + b"\0" + struct.pack("<4sI", b"VP8L", len(frame)) + frame + b"\0" * (len(frame) % 2)
    canvas = bytes([0x12, 0, 0, 0]) + (19).to_bytes(3, "little") + (9).to_bytes(3, "little")
    data = riff((b"VP8X", canvas), (b"ANIM", bytes(6)), (b"ANMF", anmf), (b"ANMF", anmf))
    pixels = load(data).pixels
    assert pixels.shape == (10, 20, 3)
    assert (pixels[2:6, 4:10] == 9).all()
    assert (pixels == 9).all(axis=2).sum() == 24


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("shape", [(300, 900), (900, 300)])
def test_a_large_picture_is_reduced_with_a_notice(format, shape, monkeypatch):
    monkeypatch.setenv("FACET_MAX_SIDE", "200")
    settings.cache_clear()
    try:
        image = load(encoded(photo(*shape), format))
    finally:
        settings.cache_clear()
    assert sorted((image.height, image.width)) == [67, 200]
    assert [notice.code for notice in image.notices] == ["reduced"]
    assert str(shape[0]) in image.notices[0].message and "200" in image.notices[0].message
    # The content is the same picture, only smaller.
    expected = PIL.Image.fromarray(photo(*shape)).resize(
        (image.width, image.height), PIL.Image.Resampling.BOX
    )
    assert np.abs(image.pixels.astype(int) - np.asarray(expected)).mean() < 4


def test_edges_of_hidden_colours_do_not_bleed_when_reduced(monkeypatch):
    monkeypatch.setenv("FACET_MAX_SIDE", "50")
    settings.cache_clear()
    pixels = np.zeros((200, 200, 4), np.uint8)
    pixels[..., 1] = 255  # transparent green round a white disc
    pixels[50:150, 50:150] = 255
    try:
        reduced = load(encoded(pixels, "PNG")).pixels
    finally:
        settings.cache_clear()
    assert reduced.min() >= 250
