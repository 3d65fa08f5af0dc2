"""Streaming a clip: order, times, turn, size, rate, damage, and the file's end."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from core.media import video
from tests.core.media import clips


def read(path: Path, **options):
    with video.Reader(path, **options) as reader:
        frames = [frame for batch in reader for frame in batch]
        return frames, reader


def test_every_frame_comes_once_in_order_with_its_time(tmp_path: Path):
    path = clips.clip(tmp_path / "clip.mp4")
    frames, reader = read(path)
    assert [frame.index for frame in frames] == list(range(50))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(50) / 25, atol=1e-4)
    told = [clips.numbered(frame.pixels) for frame in frames]
    np.testing.assert_allclose(told, np.arange(50) % 20, atol=0.3)
    assert frames[0].pixels.shape == (48, 64, 3) and frames[0].pixels.dtype == np.uint8
    assert reader.end == pytest.approx(2.0, abs=1e-3)
    assert reader.notices == ()


@pytest.mark.parametrize(("batch", "sizes"), [(16, [16, 16, 16, 2]), (50, [50]), (1, [1] * 50)])
def test_batches_have_the_size_asked_for(tmp_path: Path, batch, sizes):
    path = clips.clip(tmp_path / "clip.mp4")
    assert [len(one) for one in video.frames(path, batch=batch)] == sizes


def test_the_header_tells_what_there_is(tmp_path: Path):
    clip = video.probe(clips.clip(tmp_path / "clip.mp4", audio=clips.clicks([0.5], 2.0)))
    assert (clip.width, clip.height, clip.frames, clip.rotation, clip.has_audio) == (64, 48, 50, 0, True)
    assert clip.duration == pytest.approx(2.0, abs=0.01) and clip.fps == pytest.approx(25)


def test_the_share_that_was_read_rises_with_the_frames(tmp_path: Path):
    with video.Reader(clips.clip(tmp_path / "clip.mp4"), batch=10) as reader:
        shares = [reader.share for _ in reader]
    np.testing.assert_allclose(shares, [0.18, 0.38, 0.58, 0.78, 0.98], atol=0.011)


def test_times_of_a_variable_rate_are_exact(tmp_path: Path):
    times = np.cumsum([0, *np.random.default_rng(3).uniform(0.01, 0.3, 30)])
    path = clips.clip(tmp_path / "clip.mp4", [clips.plain(k, t) for k, t in enumerate(times)])
    frames, _ = read(path)
    np.testing.assert_allclose([frame.time for frame in frames], times, atol=2e-5)


@pytest.mark.parametrize("offset", [0.0, 3.6])
@pytest.mark.parametrize(
    ("codec", "format"), [("libx264", "mpegts"), ("mpeg1video", "mpeg"), ("libx264", "matroska")]
)
def test_time_begins_with_the_first_frame_whatever_the_clock(tmp_path: Path, codec, format, offset):
    path = clips.muxed(tmp_path / "clip", np.arange(30) / 25, codec=codec, format=format, offset=offset)
    frames, _ = read(path)
    assert len(frames) == 30
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(30) / 25, atol=2e-3)


@pytest.mark.parametrize(
    ("rotation", "clockwise", "corner"),
    [(0, 0, (0, 0)), (-90, 90, (0, 1)), (180, 180, (1, 1)), (90, 270, (1, 0))],
)
def test_a_turned_clip_comes_upright(tmp_path: Path, rotation, clockwise, corner):
    path = clips.muxed(tmp_path / "clip.mp4", np.arange(3) / 25, rotation=rotation)
    clip = video.probe(path)
    frames, reader = read(path)
    assert (clip.rotation, reader.clip) == (clockwise, clip)
    shape = (64, 96) if clockwise % 180 == 0 else (96, 64)
    assert frames[0].pixels.shape[:2] == shape == (clip.height, clip.width)
    assert bright(frames[0].pixels) == corner
    assert ("orientation" in {n.code for n in clip.notices}) == bool(clockwise)


def test_a_mirrored_clip_is_mirrored(tmp_path: Path):
    path = clips.muxed(tmp_path / "clip.mp4", [0, 0.04], rotation=0, mirrored=True)
    frames, _ = read(path)
    assert bright(frames[0].pixels) == (0, 1)


def bright(pixels: np.ndarray) -> tuple[int, int]:
    """Row and column of the brightest quarter."""
    h, w = pixels.shape[0] // 2, pixels.shape[1] // 2
    quarters = [[pixels[a : a + h, b : b + w].mean() for b in (0, w)] for a in (0, h)]
    return tuple(int(k) for k in np.unravel_index(np.argmax(quarters), (2, 2)))


def test_oblong_pixels_are_made_square(tmp_path: Path):
    path = clips.muxed(tmp_path / "clip.mp4", [0, 0.04], aspect=Fraction(4, 3))
    frames, reader = read(path)
    assert frames[0].pixels.shape[:2] == (64, 128) == (reader.clip.height, reader.clip.width)


def test_fewer_frames_are_picked_by_time(tmp_path: Path):
    path = clips.clip(tmp_path / "clip.mp4")
    frames, _ = read(path, fps=5)
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(10) / 5, atol=1e-3)
    assert [frame.index for frame in frames] == list(range(10))
    assert len(read(path, fps=25)[0]) == len(read(path, fps=30)[0]) == 50


def test_frames_are_reduced_never_enlarged(tmp_path: Path):
    path = clips.muxed(tmp_path / "clip.mp4", [0, 0.04], rotation=90)
    assert read(path, max_side=48)[0][0].pixels.shape == (48, 32, 3)
    assert read(path, max_side=500)[0][0].pixels.shape == (96, 64, 3)
    assert bright(read(path, max_side=48)[0][0].pixels) == (1, 0)


def test_colours_survive(tmp_path: Path):
    colours = [(200, 40, 40), (40, 200, 40), (40, 40, 200), (230, 230, 230), (120, 90, 60)]
    frames = [clips.plain(k, k / 25) for k in range(len(colours))]
    for frame, colour in zip(frames, colours, strict=True):
        frame.pixels[:] = colour
    found, _ = read(clips.clip(tmp_path / "clip.mp4", frames, quality=5))
    means = [frame.pixels.mean((0, 1)) for frame in found]
    np.testing.assert_allclose(means, colours, atol=6)


def test_one_frame_and_odd_sizes(tmp_path: Path):
    path = clips.clip(tmp_path / "clip.mp4", clips.steady(1, width=65, height=47))
    frames, reader = read(path)
    assert len(frames) == 1 and frames[0].pixels.shape == (48, 66, 3)
    assert reader.end == pytest.approx(0.04, abs=1e-3)


def damaged(tmp_path: Path, begin: float, end: float) -> Path:
    path = clips.clip(tmp_path / "clip.mp4", clips.noisy(100), options={"g": "25"})
    data = bytearray(path.read_bytes())
    start, length = data.index(b"mdat"), len(data) - data.index(b"mdat")
    low, high = start + int(begin * length), start + int(end * length)
    data[low:high] = np.random.default_rng(0).bytes(high - low)
    path.write_bytes(data)
    return path


def test_a_damaged_stretch_is_skipped_with_a_notice_and_the_rest_read(tmp_path: Path):
    whole = {
        round(f.time, 3): f.pixels for f in read(clips.clip(tmp_path / "whole.mp4", clips.noisy(100)))[0]
    }
    frames, reader = read(damaged(tmp_path, 0.4, 0.5))
    assert "damaged" in {notice.code for notice in reader.notices}
    times = np.array([frame.time for frame in frames])
    assert 50 <= len(frames) < 95 and times[0] == 0 and times[-1] == pytest.approx(3.96, abs=1e-3)
    assert (np.diff(times) > 0).all() and np.diff(times).max() > 0.2
    # What is given is what was there: noise agrees with no other frame.
    for frame in frames[-20:]:
        pair = np.corrcoef(frame.pixels.ravel()[::7], whole[round(frame.time, 3)].ravel()[::7])
        assert pair[0, 1] > 0.5


def test_a_clip_that_was_cut_off_says_so(tmp_path: Path):
    path = clips.clip(tmp_path / "clip.mp4", clips.noisy(100), options={"g": "25"})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    frames, reader = read(path)
    assert 30 < len(frames) < 60
    assert {notice.code for notice in reader.notices} & {"cut-off"}


def test_closing_early_closes_the_file(tmp_path: Path):
    path = clips.clip(tmp_path / "clip.mp4")
    stream = video.frames(path, batch=4)
    next(stream)
    assert open_files(path) == 1
    stream.close()
    assert open_files(path) == 0


def open_files(path: Path) -> int:
    return sum(entry.exists() and entry.resolve() == path for entry in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("options", [{"batch": 0}, {"fps": 0.0}, {"max_side": 0}])
def test_senseless_options_are_a_programming_error(tmp_path: Path, options):
    with pytest.raises(ValueError, match="positive"):
        video.Reader(clips.clip(tmp_path / "clip.mp4"), **options)
