"""Who may be a target, what may leave, and that what leaves says what it is."""

from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import PIL.Image
import pytest
import torch

from core.errors import Code, UserError
from core.media import images
from core.patches import safety
from core.patches.generator import MODES
from core.training import example_index
from tests.core.media.crafted import loaded_with

PIXELS = np.random.default_rng(0).integers(0, 256, (300, 200, 3), dtype=np.uint8)
PATCH = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))
RESOLUTION = (282, 283, 296)  # Exif: X, Y, unit


def refused(code: Code, call, *given: object) -> UserError:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError) as problem:
        call(*given)
    assert problem.value.code == code
    return problem.value


def test_impersonation_needs_a_synthetic_person_or_consent() -> None:
    safety.allow("synthetic", False, "impersonation")
    safety.allow("photo", True, "impersonation")
    refused(Code.CONSENT_MISSING, safety.allow, "photo", False, "impersonation")
    for truthy in ("yes", 1, "false", None):  # an API client's idea of a tick
        refused(Code.CONSENT_MISSING, safety.allow, "photo", truthy, "impersonation")
    for kind in (None, "celebrity", ""):
        refused(Code.OPTION_RANGE, safety.allow, kind, True, "impersonation")


def test_evasion_needs_neither_and_other_modes_are_refused() -> None:
    for kind in (None, "photo", "synthetic"):
        safety.allow(kind, False, "evasion")  # type: ignore[arg-type]
    for call in (lambda m: safety.allow("synthetic", True, m), safety.exportable):
        refused(Code.OPTION_RANGE, call, "Impersonation")


def test_the_list_of_synthetic_people_is_that_of_the_drawn_examples() -> None:
    assert safety.digests() == safety._digests()
    index = example_index.Index.load()
    assert safety.people() == tuple(index.people)
    for name, person in index.people.items():
        assert set(safety.views(name)) == set(person.views)
    assert safety.views("nobody") == ()


def test_a_synthetic_person_is_the_drawn_picture_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = safety.FACES / "person-c_smile.jpg"
    assert safety.recognised(path.read_bytes()) == "person-c"
    assert np.array_equal(safety.portrait("person-c", "smile"), images.load(path).pixels)
    assert safety.recognised(images.save(PIXELS)) is None
    refused(Code.OPTION_RANGE, safety.portrait, "person-z")
    refused(Code.OPTION_RANGE, safety.portrait, "../person-c")
    monkeypatch.setattr(safety, "FACES", tmp_path)
    refused(Code.FILE_UNREADABLE, safety.portrait, "person-c")
    # another synthetic person's picture, and anybody's, under this one's name
    for data in ((path.parent / "person-d_smile.jpg").read_bytes(), images.save(PIXELS, "jpeg")):
        (tmp_path / "person-c_frontal.jpg").write_bytes(data)
        refused(Code.FILE_UNREADABLE, safety.portrait, "person-c")


@pytest.mark.parametrize("format", ["png", "jpeg"])
@pytest.mark.parametrize("mode", MODES)
def test_what_leaves_says_what_it_is(mode: str, format: str) -> None:
    data = safety.watermark(PIXELS, mode, "target crop", format)  # type: ignore[arg-type]
    told = safety.marked(data)
    assert told is not None and told["mode"] == mode and told["method"] == "target crop"
    assert told["made by"] == "Facet" and told["source type"] == "compositeSynthetic"
    assert "Adversarial" in told["description"] and safety.PURPOSE[mode] in told["description"]
    assert data == safety.watermark(PIXELS, mode, "target crop", format)  # type: ignore[arg-type]
    # other readers find it too, and the picture is what a clean file holds
    other, clean = PIL.Image.open(BytesIO(data)), PIL.Image.open(BytesIO(images.save(PIXELS, format)))  # type: ignore[arg-type]
    assert np.array_equal(np.asarray(other), np.asarray(clean))
    if format == "png":
        assert other.text["Description"] == told["description"] and other.text["Software"] == "Facet"
        packet = other.text["XML:com.adobe.xmp"]
    else:
        assert dict(other.getexif()) == {270: told["description"], 305: "Facet"}
        packet = other.info["xmp"].decode()
    about = ElementTree.fromstring(packet.split("?>", 1)[1].rsplit("<?", 1)[0])[0][0]
    assert about.attrib["{urn:x-facet:label}mode"] == mode and about[0][0][0].text == told["description"]


def test_a_picture_without_the_mark_has_none() -> None:
    for format in ("png", "jpeg", "webp"):
        assert safety.marked(images.save(PIXELS, format)) is None  # type: ignore[arg-type]
        assert safety.marked(loaded_with(format.upper())) is None
    with pytest.raises(UserError):
        safety.marked(b"no picture")


def test_a_mark_goes_with_the_pixels_only_through_watermark() -> None:
    data = safety.watermark(PIXELS, "evasion", "pgd")
    image = images.load(data)
    assert "metadata-text" in {notice.code for notice in image.notices}
    assert safety.marked(images.save(image.pixels)) is None


@pytest.mark.parametrize("source", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("format", ["png", "jpeg"])
def test_nothing_of_the_upload_and_no_date_or_resolution_is_in_it(source: str, format: str) -> None:
    data = loaded_with(source)
    assert b"GPSLatitude" in data
    out = safety.export_picture(images.load(data).pixels, "evasion", "generator", format)  # type: ignore[arg-type]
    for trace in (b"GPS", b"Cam\0", b"Ann\0", b"Photoshop", b"tIME", b"date", b"Date", b"pHYs", b"xmpMM"):
        assert trace not in out
    picture = PIL.Image.open(BytesIO(out))
    assert not set(picture.getexif()) & set(RESOLUTION)
    # Pillow makes up 72 dots an inch for Exif without a resolution
    assert picture.info["jfif_unit"] == 0 if format == "jpeg" else "dpi" not in picture.info


def test_in_impersonation_only_the_whole_picture_leaves_at_screen_size() -> None:
    assert safety.exportable("impersonation") == safety.Export(patch=False, side=256)
    refused(Code.OPTION_RANGE, safety.export_patch, PATCH, "impersonation", "generator")
    whole = PIL.Image.open(BytesIO(safety.export_picture(PIXELS, "impersonation", "generator")))
    assert whole.size == (171, 256)
    small = safety.export_picture(PIXELS[:100, :90], "impersonation", "generator")
    assert np.array_equal(images.load(small).pixels, PIXELS[:100, :90])


def test_in_evasion_a_patch_leaves_at_screen_size_without_resolution() -> None:
    assert safety.exportable("evasion") == safety.Export(patch=True, side=None)
    assert images.load(safety.export_picture(PIXELS, "evasion", "pgd")).pixels.shape == PIXELS.shape
    data = safety.export_patch(PATCH, "evasion", "pgd")
    found = PIL.Image.open(BytesIO(data))
    assert found.size == (256, 256) and "dpi" not in found.info and safety.marked(data) is not None
    small = np.asarray(found)[2::4, 2::4] / 255
    assert np.abs(small - PATCH.permute(1, 2, 0).numpy()).max() < 0.003
    for height, width, size in ((512, 300, (150, 256)), (100, 40, (80, 200))):
        data = safety.export_patch(torch.rand(3, height, width), "evasion", "pgd")
        assert PIL.Image.open(BytesIO(data)).size == size


def test_odd_names_are_refused() -> None:
    for method in ("", 'x" facet:mode="y', "a" * 61, "<b>", "naïve", "two\nlines"):
        refused(Code.OPTION_RANGE, safety.watermark, PIXELS, "evasion", method)
    refused(Code.OPTION_RANGE, safety.watermark, PIXELS, "evasion", "pgd", "webp")
    refused(Code.OPTION_RANGE, safety.watermark, PIXELS, "other", "pgd")
