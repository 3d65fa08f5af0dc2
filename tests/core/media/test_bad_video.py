"""What a bad clip becomes: one sentence and a hint of the right kind, whatever its header pretends."""

import os
import struct
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from core.errors import Code, UserError
from core.media import video, video_open
from core.settings import settings
from tests.core.media import clips
from tests.core.media.crafted import encoded, photo


@pytest.fixture
def limit(monkeypatch):
    """Set a limit for one test."""

    def to(name: str, value: float) -> None:
        monkeypatch.setenv(f"FACET_{name}", str(value))
        settings.cache_clear()

    yield to
    monkeypatch.undo()
    settings.cache_clear()


def error(path: Path) -> UserError:
    """What ``probe`` says, or the reading when the header was not to blame."""
    with pytest.raises(UserError) as caught:
        video.probe(path)
        for _ in video.frames(path):
            pass
    problem = caught.value
    assert problem.message.endswith(".") and problem.hint.endswith(".")
    text = str(problem).lower()
    assert not [word for word in ("/", "error", "ffmpeg", "libav", "pyav", "errno", "tmp") if word in text]
    return problem


def file(tmp_path: Path, data: bytes, name: str = "clip.mp4") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_renamed_picture_is_no_video(tmp_path: Path, format):
    assert error(file(tmp_path, encoded(photo(), format))).code == Code.FILE_TYPE


@pytest.mark.parametrize(
    "data", [b"x", b"hello " * 1000, bytes(5000), b"%PDF-1.7\n" * 300, b"PK\x03\x04" * 500]
)
def test_other_files_are_no_video(tmp_path: Path, data):
    assert error(file(tmp_path, data)).code == Code.FILE_TYPE


def test_missing_empty_and_irregular_files(tmp_path: Path):
    for path in (tmp_path / "gone.mp4", tmp_path, file(tmp_path, b"")):
        assert error(path).code == Code.FILE_UNREADABLE
    os.mkfifo(tmp_path / "pipe.mp4")  # opening it would wait for ever
    assert error(tmp_path / "pipe.mp4").code == Code.FILE_UNREADABLE


@pytest.mark.parametrize("name", ["http://example.org/a.mp4", "concat:a.mp4|b.mp4", "pipe:0", "a\0b"])
def test_addresses_are_no_files(name):
    assert error(name).code == Code.FILE_UNREADABLE


def test_playlists_that_name_other_files_are_never_followed(tmp_path: Path):
    inner = clips.clip(tmp_path / "inner.mp4")
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{inner}\n#EXT-X-ENDLIST\n"
    concat = f"ffconcat version 1.0\nfile '{inner}'\n"
    sdp = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
    for text in (playlist, concat, sdp):
        assert error(file(tmp_path, text.encode(), "list.mp4")).code == Code.FILE_TYPE


def test_further_files_are_refused_while_reading():
    with pytest.raises(PermissionError):
        video_open._refuse("secret.txt", 1, {})


def test_only_sound_is_no_video(tmp_path: Path):
    path = tmp_path / "sound.mkv"
    sound_only(path)
    problem = error(path)
    assert problem.code == Code.NO_VIDEO and "sound" in problem.message
    with wave.open(str(tmp_path / "a.wav"), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(1600))
    assert error(tmp_path / "a.wav").code == Code.FILE_TYPE


def sound_only(path: Path) -> None:
    with av.open(str(path), "w", format="matroska") as out:
        track = out.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16000, 0
        out.mux(track.encode(frame))
        out.mux(track.encode(None))


@pytest.mark.parametrize("kept", [20, 40, 300, 700])
def test_a_cut_header(tmp_path: Path, kept):
    whole = clips.clip(tmp_path / "whole.mp4").read_bytes()
    assert kept < whole.index(b"mdat")
    assert error(file(tmp_path, whole[:kept])).code in (Code.FILE_UNREADABLE, Code.NO_VIDEO)


def test_an_index_without_its_pictures(tmp_path: Path):
    whole = clips.clip(tmp_path / "whole.mp4").read_bytes()
    assert error(file(tmp_path, whole[: whole.index(b"mdat") + 4])).code == Code.FILE_UNREADABLE


def test_every_byte_range_of_a_clip_may_be_damaged(tmp_path: Path):
    """Frames or one sentence; nothing else may come out."""
    whole = clips.clip(tmp_path / "whole.mp4", audio=clips.clicks([0.5], 2.0)).read_bytes()
    random = np.random.default_rng(1)
    outcomes = set()
    for begin in range(0, len(whole), len(whole) // 60):
        data = bytearray(whole)
        data[begin : begin + 16] = random.bytes(16)
        try:
            outcomes.add(sum(len(batch) for batch in video.frames(file(tmp_path, bytes(data)))) > 0)
        except UserError as problem:
            outcomes.add(problem.code)
    assert True in outcomes


@pytest.mark.parametrize(
    ("name", "value", "code", "word"),
    [
        ("MAX_VIDEO_BYTES", 1000, Code.FILE_TOO_LARGE, "MB"),
        ("MAX_VIDEO_SECONDS", 1.5, Code.VIDEO_TOO_LONG, "2 seconds"),
        ("MAX_VIDEO_PIXELS", 3000, Code.VIDEO_TOO_LARGE, "64 x 48"),
        ("MAX_FPS", 20, Code.VIDEO_TOO_LARGE, "25 pictures a second"),
        ("MAX_VIDEO_FRAMES", 40, Code.VIDEO_TOO_LONG, "40 pictures"),
    ],
)
def test_each_limit_is_read_from_the_header(tmp_path: Path, limit, monkeypatch, name, value, code, word):
    path = clips.clip(tmp_path / "clip.mp4")
    limit(name, value)
    monkeypatch.setattr(video.Reader, "_decoded", None)  # decoding anything would be a TypeError
    problem = error(path)
    assert problem.code == code and word in str(problem)


def test_a_header_that_lies_about_the_length(tmp_path: Path, limit):
    data = bytearray(clips.clip(tmp_path / "true.mp4", clips.steady(100)).read_bytes())
    for box in (b"mvhd", b"mdhd"):
        at = data.index(box) + 4
        ticks = struct.unpack_from(">I", data, at + 12)[0]
        struct.pack_into(">I", data, at + 16, round(1.2 * ticks))
    path = file(tmp_path, bytes(data), "lying.mp4")
    assert video.probe(path).duration == pytest.approx(1.2, abs=0.01)
    limit("MAX_VIDEO_SECONDS", 2)
    problem = error(path)
    assert problem.code == Code.VIDEO_TOO_LONG and "2 seconds" in problem.hint


@pytest.mark.parametrize(("scale", "ends"), [(2, "refused"), (8, "skipped")])
def test_pictures_that_grow_in_the_middle(tmp_path: Path, limit, scale, ends):
    small = clips.muxed(tmp_path / "a", np.arange(50) / 25, format="mpegts").read_bytes()
    large = clips.muxed(tmp_path / "b", 2 + np.arange(50) / 25, format="mpegts", scale=scale).read_bytes()
    path = file(tmp_path, small + large)
    limit("MAX_VIDEO_PIXELS", 20_000)  # 96 x 64 is below; the decoder's own fence is at twice this
    if ends == "refused":
        assert error(path).code == Code.VIDEO_TOO_LARGE
        return
    with video.Reader(path) as reader:
        frames = [frame for batch in reader for frame in batch]
    assert {frame.pixels.shape for frame in frames} == {(64, 96, 3)}
    assert len(frames) <= 50 and "damaged" in {notice.code for notice in reader.notices}


def test_pictures_that_grow_within_the_limit_are_fitted_to_the_first(tmp_path: Path):
    small = clips.muxed(tmp_path / "a", np.arange(50) / 25, format="mpegts").read_bytes()
    large = clips.muxed(tmp_path / "b", 2 + np.arange(50) / 25, format="mpegts", scale=2).read_bytes()
    found = [frame for batch in video.frames(file(tmp_path, small + large)) for frame in batch]
    assert len(found) == 100 and {frame.pixels.shape for frame in found} == {(64, 96, 3)}


@pytest.mark.parametrize("container", ["mpegts", "mpeg", "matroska"])
def test_limits_hold_where_headers_count_nothing(tmp_path: Path, limit, container):
    codec = "mpeg1video" if container == "mpeg" else "libx264"
    path = clips.muxed(tmp_path / "clip", np.arange(100) / 25, format=container, codec=codec)
    assert video.probe(path).frames is None
    limit("MAX_VIDEO_FRAMES", 40)
    assert error(path).code == Code.VIDEO_TOO_LONG
    limit("MAX_VIDEO_FRAMES", 6000)
    limit("MAX_FPS", 10)
    assert error(path).code == Code.VIDEO_TOO_LARGE


def test_frames_are_counted_while_decoding(tmp_path: Path, limit):
    path = clips.muxed(tmp_path / "clip", np.arange(100) / 25, format="mpegts")
    limit("MAX_VIDEO_FRAMES", 40)
    seen = 0
    with pytest.raises(UserError):
        for batch in video.frames(path, batch=1):
            seen += len(batch)
    assert seen <= 40
