"""Labels in picture files: written, read, found by others, and harmless when they are somebody else's."""

import numpy as np
import pytest

from core.media import labels
from core.media.images import load, save
from core.media.labels import Label, get, put
from tests.core.media.crafted import segment, with_chunks, with_segments

PIXELS = np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype=np.uint8)
LABEL = Label('5 < 6 & "so" on', "digitalCapture", {"mode": 'a "b" & <c>', "other": "z"})


@pytest.mark.parametrize("format", ["png", "jpeg"])
def test_what_is_put_comes_back_and_the_picture_stays(format) -> None:  # type: ignore[no-untyped-def]
    data = save(PIXELS, format)
    found = put(data, LABEL)
    assert get(found) == LABEL and get(data) is None
    assert np.array_equal(load(found).pixels, load(data).pixels)
    assert get(save(load(found).pixels, format)) is None


def test_short_and_long_descriptions_stand_in_exif_as_they_are() -> None:
    import io

    import PIL.Image

    for text in ("a", "abcd", "x" * 900):
        data = put(save(PIXELS, "jpeg"), Label(text, "x", {"a": "b"}))
        assert PIL.Image.open(io.BytesIO(data)).getexif()[270] == text


@pytest.mark.parametrize(
    "given", [("naïve", "x", {}), ("a", "x y", {}), ("a", "x", {"b c": "d"}), ("a", "x", {"b": "é"}),
              ("a" * 2001, "x", {}), ("a\nb", "x", {})],
)  # fmt: skip
def test_what_does_not_fit_is_refused(given) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="label"):
        Label(*given)


def test_webp_takes_none() -> None:
    with pytest.raises(ValueError, match="PNG and JPEG"):
        put(save(PIXELS, "webp"), LABEL)


def test_strangers_packets_are_no_labels() -> None:
    packet = labels._packet(LABEL)
    long = packet.replace(b"5 &lt;", b"x" * 3000)
    other = packet.replace(b"facet:", b"other:")
    for body in (b"", b"\xff\xfe", packet[:300], long, other, packet.replace(b"z", "é".encode())):
        png = with_chunks(save(PIXELS), _itxt(body))
        jpeg = with_segments(save(PIXELS, "jpeg"), segment(0xE1, labels.jpeg.XMP + body))
        assert get(png) is None and get(jpeg) is None
    assert get(with_chunks(save(PIXELS), _itxt(packet + b" " * 70_000))) is None


def _itxt(body: bytes) -> bytes:
    return labels._chunk(b"iTXt", labels.png.XMP + b"\0" * 4 + body)
