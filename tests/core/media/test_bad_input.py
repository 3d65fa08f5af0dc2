"""What a bad file becomes: one sentence and a hint, of the right kind, and never a decoded bomb."""

import struct
import zlib

import numpy as np
import PIL.Image
import pytest

from core.errors import Code, UserError
from core.media import decode, formats
from core.media.images import load
from core.settings import settings
from tests.core.media.crafted import (
    SIGNATURE,
    chunk,
    encoded,
    exif,
    ihdr,
    loaded_with,
    photo,
    png,
    riff,
    segment,
    with_chunks,
)


def error(source) -> UserError:
    with pytest.raises(UserError) as caught:
        load(source)
    problem = caught.value
    assert problem.message.endswith(".") and problem.hint.endswith(".")
    assert "/" not in problem.message and "Error" not in str(problem)
    return problem


@pytest.mark.parametrize("size", [(10_000, 10_000), (2**31 - 1, 2**31 - 1), (1, 2**31 - 1)])
def test_a_huge_png_is_refused_by_its_header(size, monkeypatch):
    monkeypatch.setattr(decode.PIL.Image, "open", None)  # decoding anything would be a TypeError
    data = SIGNATURE + ihdr(*size) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    problem = error(data)
    assert problem.code == Code.IMAGE_TOO_LARGE
    assert str(size[0]) in problem.message


def test_a_huge_jpeg_and_a_huge_webp_are_refused_by_their_headers():
    frame = segment(0xC0, struct.pack(">BHHB", 8, 60_000, 60_000, 3) + bytes(9))
    assert error(b"\xff\xd8" + frame + segment(0xDA, bytes(10)) + b"\xff\xd9").code == Code.IMAGE_TOO_LARGE
    lossy = bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", 16383, 16383)
    assert error(riff((b"VP8 ", lossy))).code == Code.IMAGE_TOO_LARGE
    canvas = bytes([2, 0, 0, 0]) + b"\xff" * 6
    assert (
        error(riff((b"VP8X", canvas), (b"ANIM", bytes(6)), (b"ANMF", bytes(24)))).code == Code.IMAGE_TOO_LARGE
    )


def test_too_many_bytes(tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_MAX_UPLOAD_BYTES", "1000")
    settings.cache_clear()
    path = tmp_path / "large.png"
    path.write_bytes(b"\x89PNG" * 500)
    try:
        assert error(path).code == Code.FILE_TOO_LARGE
        assert error(path.read_bytes()).code == Code.FILE_TOO_LARGE
    finally:
        settings.cache_clear()


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_an_interrupted_download_is_called_so_wherever_it_stopped(format):
    data = encoded(photo(), format, quality=90)
    for length in range(40, len(data), 7):
        problem = error(data[:length])
        assert problem.code == Code.FILE_UNREADABLE
        assert "interrupted" in problem.message


def test_pixels_that_stop_early_inside_a_complete_png():
    body = zlib.compress((b"\0" + np.random.default_rng(0).bytes(300)) * 100)[:-60]
    data = SIGNATURE + ihdr(100, 100) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    assert "interrupted" in error(data).message


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_no_damage_escapes_as_anything_but_a_user_error(format):
    rng = np.random.default_rng(5)
    data = loaded_with(format, orientation=6)
    outcomes = set()
    for _ in range(300):
        broken = bytearray(data)
        for place in rng.integers(12, len(data), rng.integers(1, 6)):
            broken[place] = rng.integers(256)
        try:
            outcomes.add(load(bytes(broken)).pixels.ndim)
        except UserError as problem:
            outcomes.add(problem.code)
    assert Code.FILE_UNREADABLE in outcomes


@pytest.mark.parametrize("kind", [b"IHDR", b"IDAT"])
def test_a_wrong_checksum_is_damage(kind):
    data = bytearray(encoded(photo(), "PNG"))
    place = data.index(kind)
    (length,) = struct.unpack_from(">I", data, place - 4)
    data[place + 4 + length] ^= 1
    assert "damaged" in error(bytes(data)).message


@pytest.mark.parametrize(
    "data",
    [
        SIGNATURE + chunk(b"IEND", b""),
        SIGNATURE + ihdr(4, 4) + chunk(b"IEND", b""),
        SIGNATURE + ihdr(0, 4) + chunk(b"IDAT", b"") + chunk(b"IEND", b""),
        SIGNATURE.replace(b"\r\n", b"\n") + ihdr(4, 4),
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8" + segment(0xC0, bytes(15)) * 2 + segment(0xDA, bytes(10)) + b"\xff\xd9",
        riff((b"VP8X", bytes(10))),
        riff((b"VP8 ", bytes(30))),
        riff(),
    ],
)
def test_broken_structure_is_damage(data):
    assert error(data).code == Code.FILE_UNREADABLE


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"GIF89a" + bytes(20), "GIF"),
        (b"\0\0\0\x18ftypheic" + bytes(20), "HEIC"),
        (b"\0\0\0\x18ftypavif" + bytes(20), "AVIF"),
        (b"\0\0\0\x18ftypmp42" + bytes(20), "video"),
        (b"II*\0" + bytes(20), "TIFF"),
        (b"BM" + bytes(20), "BMP"),
        (b"%PDF-1.7\n", "PDF"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"<!DOCTYPE html><html><body>404", "web page"),
        (b"hello, I am a text file named photo.jpg\n" * 50, "text file"),
        ("Grüße aus Köln".encode(), "text file"),
        (b"PK\3\4" + bytes(20), "archive"),
        (bytes(range(256)), "unknown"),
    ],
)
def test_other_types_are_named_with_what_to_do(start, name, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(start)
    problem = error(path)
    assert problem.code == Code.FILE_TYPE
    assert name in problem.message
    assert "JPEG" in problem.hint or "picture" in problem.hint


@pytest.mark.parametrize("data", [b"", bytes(100)])
def test_an_empty_file(data):
    assert "empty" in error(data).message


def test_no_file_a_folder_and_an_impossible_name(tmp_path):
    for source in (tmp_path / "gone.png", tmp_path, "a\0b"):
        assert error(source).code == Code.FILE_UNREADABLE


def test_bombs_in_text_and_profile_are_never_unpacked():
    bomb = zlib.compress(bytes(200_000_000), 9)
    data = with_chunks(
        encoded(photo(), "PNG"),
        chunk(b"zTXt", b"Comment\0\0" + bomb),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + bomb),
        chunk(b"iCCP", b"name\0\0" + bomb),
    )
    image = load(data)
    np.testing.assert_array_equal(image.pixels, photo())
    assert {notice.code for notice in image.notices} == {"metadata-text", "colour-profile-ignored"}
    container = formats.parse(data)
    assert container.icc == b""
    assert len(container.stream) < len(bomb)


def test_exif_whose_tags_all_point_to_the_same_megabytes_costs_nothing():
    count = 65_535
    entry = struct.pack("<HHII", 0x9286, 7, 1_000_000, 8)
    block = b"II*\0\x08\0\0\0" + struct.pack("<H", count) + entry * count + bytes(1_000_000)
    data = with_chunks(encoded(photo(), "PNG"), chunk(b"eXIf", block))
    assert {notice.code for notice in load(data).notices} == {"metadata-text"}


@pytest.mark.parametrize("block", [b"II", b"II*\0\xff\xff\xff\xff", exif()[:30], bytes(50), b"\xff" * 50])
def test_senseless_exif_does_not_cost_the_picture(block):
    data = with_chunks(encoded(photo(), "PNG"), chunk(b"eXIf", block))
    np.testing.assert_array_equal(load(data).pixels, photo())


def test_a_progressive_jpeg_with_endless_scans_is_refused():
    data = encoded(photo(), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    assert error(data[:-2] + data[last:-2] * 100 + b"\xff\xd9").code == Code.FILE_UNREADABLE


@pytest.mark.parametrize(
    "data", [SIGNATURE + ihdr(4, 4) + chunk(b"IDAT", b"") * 200_000, b"\xff\xd8" + b"\xff\xe0\0\2" * 200_000]
)
def test_a_file_of_endless_parts_is_refused(data):
    assert error(data).code == Code.FILE_UNREADABLE


def test_a_png_of_many_small_parts_is_read():
    rows = [row.tobytes() for row in photo()]
    whole = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = b"".join(chunk(b"IDAT", whole[i : i + 3]) for i in range(0, len(whole), 3))
    data = SIGNATURE + ihdr(64, 48) + parts + chunk(b"IEND", b"")
    np.testing.assert_array_equal(load(data).pixels, photo())


def test_memory_that_runs_out_is_a_sentence(monkeypatch):
    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr(decode.PIL.Image, "open", full)
    assert error(encoded(photo(), "PNG")).code == Code.IMAGE_TOO_LARGE


def test_pillow_is_fenced_for_all_other_code():
    assert settings().max_pixels == PIL.Image.MAX_IMAGE_PIXELS
    assert png([b"\0"], 1, 8, 0)  # the helper itself makes a loadable file
    assert load(png([b"\0"], 1, 8, 0)).pixels.tolist() == [[[0, 0, 0]]]
