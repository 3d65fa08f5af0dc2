"""A cleaned clip has the same pictures and sound, at the same times, and nothing else."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from core.errors import Code, UserError
from core.media import video
from core.media.video_clean import clean
from core.media.video_still import still

FPS, FRAMES = 25, 40
SECRETS = ("+48.8584+002.2945/", "Jane Doe", "My holiday")


def shade(n: int) -> int:
    return 40 + 4 * n


def record(path: Path, video: str = "libx264", audio: str | None = "aac", *, first: int = 0) -> Path:
    """A clip that grows brighter, full of metadata."""
    with av.open(str(path), "w") as container:
        container.metadata.update(location=SECRETS[0], artist=SECRETS[1], title=SECRETS[2])
        stream = container.add_stream(video, rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.metadata["handler_name"] = SECRETS[1]
        sound = container.add_stream(audio, rate=48000) if audio else None
        for n in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), shade(n), np.uint8))
            frame.pts, frame.time_base = first + n, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound is not None:
            wave = np.sin(np.arange(48000) / 20).astype(np.float32)[None]
            samples = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            samples.sample_rate = 48000
            resampler = av.AudioResampler(sound.format, sound.layout, sound.rate, sound.frame_size or 960)
            for part in [*resampler.resample(samples), *resampler.resample(None)]:
                container.mux(sound.encode(part))
            container.mux(sound.encode())
    return path


def frames(path: Path) -> list[tuple[float, int]]:
    with av.open(str(path)) as container:
        return [(f.time, int(f.to_ndarray(format="rgb24").mean())) for f in container.decode(video=0)]


@pytest.mark.parametrize(
    ("name", "video", "audio", "suffix"),
    [
        ("phone.mp4", "libx264", "aac", ".mp4"),
        ("phone.mov", "libx264", "aac", ".mp4"),
        ("silent.mp4", "libx264", None, ".mp4"),
        ("webcam.webm", "libvpx", "libopus", ".webm"),
        ("old.avi", "mpeg4", "mp3", ".mp4"),
        ("disc.mpg", "mpeg2video", "mp2", ".mkv"),
    ],
)
def test_pictures_sound_and_times_stay_and_all_else_goes(
    tmp_path: Path, name: str, video: str, audio: str | None, suffix: str
) -> None:
    source = record(tmp_path / name, video, audio)
    folder = tmp_path / "clean"
    folder.mkdir()
    copy = clean(source, folder)
    assert copy.suffix == suffix
    before, after = frames(source), frames(copy)
    assert [value for _, value in after] == [value for _, value in before]
    since = [[time - times[0][0] for time, _ in times] for times in (before, after)]
    assert len(after) == FRAMES
    assert since[1] == pytest.approx(since[0], abs=2e-3)
    content = copy.read_bytes()
    assert not any(secret.encode() in content for secret in SECRETS)
    with av.open(str(copy)) as container:
        assert len(container.streams.audio) == (1 if audio else 0)
        assert len(container.streams) == (2 if audio else 1)


def test_what_is_no_clip_is_told(tmp_path: Path) -> None:
    letter = tmp_path / "letter.mp4"
    letter.write_text("dear reader")
    with pytest.raises(UserError) as trouble:
        clean(letter, tmp_path)
    assert trouble.value.code == Code.FILE_TYPE


@pytest.mark.parametrize("wanted", [0, 1, 17, FRAMES - 1, FRAMES + 50])
def test_a_still_is_the_frame_of_its_time(tmp_path: Path, wanted: int) -> None:
    source = record(tmp_path / "clip.mp4")
    pixels = still(source, wanted / FPS)
    assert pixels.shape == (48, 64, 3)
    assert pixels.mean() == pytest.approx(shade(min(wanted, FRAMES - 1)), abs=2)


def test_a_still_of_a_clip_that_starts_late_counts_from_its_first_frame(tmp_path: Path) -> None:
    source = record(tmp_path / "late.mkv", first=50)
    assert still(source, 10 / FPS).mean() == pytest.approx(shade(10), abs=2)


@pytest.mark.data
def test_a_still_is_what_the_reader_gives_for_every_real_clip(data_dir: Path, tmp_path: Path) -> None:
    for number, source in enumerate(sorted((data_dir / "video").iterdir())):
        folder = tmp_path / str(number)
        folder.mkdir()
        copy = clean(source, folder)
        with video.Reader(copy, batch=1) as reader:
            kept = [frame for n, (frame,) in enumerate(reader) if n % 40 == 7]
        with video.Reader(source, batch=1) as reader:
            raw = [frame for n, (frame,) in enumerate(reader) if n % 40 == 7]
        assert [frame.time for frame in kept] == pytest.approx([frame.time for frame in raw], abs=2e-3)
        for one, other in zip(kept, raw, strict=True):
            assert (one.pixels == other.pixels).all(), source.name
            assert (still(copy, one.time) == one.pixels).all(), source.name


def test_a_still_of_no_clip_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        still(tmp_path / "gone.mp4", 0.0)


def test_matroska_with_reordered_pictures_keeps_every_frame(tmp_path):
    source = tmp_path / "reordered.mkv"
    with av.open(str(source), "w") as written:
        stream = written.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        stream.options = {"bf": "3"}
        for number in range(30):
            grey = np.full((64, 64, 3), number * 8, np.uint8)
            written.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        written.mux(stream.encode())
    with av.open(str(source)) as told:
        assert next(packet.dts for packet in told.demux(video=0)) is None  # the case in hand
    with av.open(str(clean(source, tmp_path))) as copied:
        times = [frame.time for frame in copied.decode(video=0)]
    assert len(times) == 30
    assert np.allclose(np.diff(times), 1 / 25, atol=1e-3)
