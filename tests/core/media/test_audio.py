"""Sound on the frames' clock: clicks where the flashes are, silence where there is nothing."""

from pathlib import Path

import av
import numpy as np
import pytest

from core.errors import Code, UserError
from core.media import audio, video
from core.settings import settings
from core.types import Audio
from tests.core.media import clips

FLASHES = (0.4, 1.0, 1.52)
FRAME = 1 / clips.FPS


def flashing(path: Path, **options) -> Path:
    """Dark, but for a white frame at each of FLASHES, where the sound clicks."""
    frames = clips.steady(50)
    for frame in frames:
        frame.pixels[:] = 255 if any(abs(frame.time - t) < 1e-6 for t in FLASHES) else 0
    return clips.clip(path, frames, **options)


def flashes(path: Path) -> list[float]:
    seen = [frame for batch in video.frames(path) for frame in batch]
    return [frame.time for frame in seen if frame.pixels.mean() > 128]


@pytest.mark.parametrize("rate", [16000, 8000, 44100])
def test_a_click_is_heard_when_its_flash_is_seen(tmp_path: Path, rate):
    path = flashing(tmp_path / "clip.mp4", audio=clips.clicks(FLASHES, 2.0))
    heard = audio.load(path, rate)
    assert heard is not None and heard.rate == rate and heard.samples.dtype == np.float32
    np.testing.assert_allclose(flashes(path), FLASHES, atol=1e-3)
    np.testing.assert_allclose(clips.onsets(heard), FLASHES, atol=FRAME / 4)
    assert len(heard.samples) / rate == pytest.approx(2.0, abs=0.06)


@pytest.mark.parametrize(
    ("format", "coding"),
    [("mpegts", "aac"), ("matroska", "pcm_s16le"), ("matroska", "libopus"), ("mp4", "mp3")],
)
@pytest.mark.parametrize(("start", "offset"), [(0.0, 0.0), (0.3, 0.0), (0.0, 2.6), (0.3, 2.6), (-0.25, 2.6)])
def test_sound_that_starts_earlier_or_later_keeps_its_place(tmp_path: Path, format, coding, start, offset):
    sound = clips.clicks(FLASHES, 2.0, start=start)
    path = clips.muxed(
        tmp_path / "clip",
        np.arange(50) / 25,
        format=format,
        sound=sound,
        sound_codec=codec_of(coding),
        offset=offset,
    )
    heard = audio.load(path)
    assert heard is not None
    np.testing.assert_allclose(clips.onsets(heard), FLASHES, atol=FRAME / 2)
    if coding == "pcm_s16le":
        assert heard.start == pytest.approx(start, abs=2e-3)


def codec_of(coding: str) -> str:
    return "libmp3lame" if coding == "mp3" else coding


def test_a_hole_in_the_times_is_silence(tmp_path: Path):
    sound = clips.clicks(FLASHES, 2.0)
    whole = clips.muxed(
        tmp_path / "whole", np.arange(50) / 25, format="mov", sound=sound, sound_codec="pcm_s16le"
    )
    path = tmp_path / "holed"
    with av.open(str(whole)) as source, av.open(str(path), "w", format="matroska") as out:
        tracks = {
            stream.index: out.add_stream_from_template(stream, opaque=True) for stream in source.streams
        }
        for packet in source.demux():
            missing = (
                packet.stream.type == "audio"
                and packet.pts is not None
                and 0.6 < packet.pts * packet.time_base < 1.3
            )
            if packet.dts is not None and not missing:
                packet.stream = tracks[packet.stream.index]
                out.mux(packet)
    heard = audio.load(path)
    assert heard is not None
    np.testing.assert_allclose(clips.onsets(heard), (0.4, 1.52), atol=FRAME / 4)
    inside = heard.samples[int(0.75 * 16000) : int(1.25 * 16000)]
    assert len(inside) == 8000 and not inside.any()


def test_a_silent_film_has_no_audio(tmp_path: Path):
    assert audio.load(clips.clip(tmp_path / "clip.mp4")) is None


def test_stereo_becomes_the_mean_of_both(tmp_path: Path):
    path = tmp_path / "clip.mp4"
    clips.muxed(path, np.arange(10) / 25)
    both = tmp_path / "both.mkv"
    with av.open(str(path)) as source, av.open(str(both), "w", format="matroska") as out:
        picture = out.add_stream_from_template(source.streams.video[0], opaque=True)
        track = out.add_stream("pcm_s16le", rate=16000, layout="stereo")
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = picture
                out.mux(packet)
        values = np.tile(np.array([16000, -8000], np.int16), 4800)[np.newaxis]
        frame = av.AudioFrame.from_ndarray(values, format="s16", layout="stereo")
        frame.sample_rate, frame.pts = 16000, 0
        out.mux(track.encode(frame))
        out.mux(track.encode(None))
    heard = audio.load(both)
    assert heard is not None
    assert np.median(heard.samples) == pytest.approx(4000 / 32768, abs=1e-3)


def test_what_lies_beyond_the_limit_is_left_out(tmp_path: Path, monkeypatch):
    path = flashing(tmp_path / "clip.mp4", audio=clips.clicks(FLASHES, 4.0), end=2.0)
    monkeypatch.setenv("FACET_MAX_VIDEO_SECONDS", "2.5")
    settings.cache_clear()
    heard = audio.load(path)
    settings.cache_clear()
    assert heard is not None and len(heard.samples) / 16000 <= 2.5


def test_refused_files_are_refused_here_too(tmp_path: Path):
    (tmp_path / "text.mp4").write_text("no video at all")
    with pytest.raises(UserError) as caught:
        audio.load(tmp_path / "text.mp4")
    assert caught.value.code == Code.FILE_TYPE


@pytest.mark.parametrize("start", [0.0, 0.25, -0.25])
def test_a_window_is_cut_around_its_moment(start):
    rate = 100
    sound = Audio(np.arange(1, 201, dtype=np.float32), rate, start)
    inside = audio.window(sound, 1.0)
    np.testing.assert_array_equal(inside, np.arange(51 - start * rate, 151 - start * rate))
    early, late = audio.window(sound, start), audio.window(sound, start + 2.0)
    np.testing.assert_array_equal(early, [*[0] * 50, *range(1, 51)])
    np.testing.assert_array_equal(late, [*range(151, 201), *[0] * 50])
    assert not audio.window(sound, 60.0).any() and len(audio.window(sound, -60.0, 0.5)) == 50
