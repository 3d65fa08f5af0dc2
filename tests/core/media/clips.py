"""Little clips made on the spot, so that no test needs a stored video."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame

from core.media.video import encode
from core.types import Audio, Frame

FPS = 25.0


def level(index: int) -> int:
    """Grey value by which a frame tells its number (mod 20)."""
    return 20 + 10 * (index % 20)


def plain(index: int, time: float, width: int = 64, height: int = 48) -> Frame:
    return Frame(index, time, np.full((height, width, 3), level(index), np.uint8))


def steady(count: int, fps: float = FPS, **size: int) -> list[Frame]:
    return [plain(k, k / fps, **size) for k in range(count)]


def numbered(pixels: np.ndarray) -> float:
    """The number (mod 20) that a frame's grey value tells."""
    return (float(pixels.mean()) - 20) / 10


def clip(path: Path, frames: Iterable[Frame] | None = None, **options) -> Path:
    encode(steady(50) if frames is None else frames, path, **{"fps": FPS, **options})
    return path


def noisy(count: int, seed: int = 0, width: int = 160, height: int = 120) -> list[Frame]:
    """Frames that do not compress, so that damage can be done to them."""
    random = np.random.default_rng(seed)
    return [
        Frame(k, k / FPS, random.integers(0, 256, (height, width, 3), dtype=np.uint8)) for k in range(count)
    ]


def clicks(times: Iterable[float], seconds: float, rate: int = 48000, start: float = 0.0) -> Audio:
    """Silence with a short burst at each time (seconds from the first frame)."""
    samples = np.zeros(round(seconds * rate), np.float32)
    burst = np.sin(2 * np.pi * 1000 * np.arange(round(0.02 * rate)) / rate).astype(np.float32) * 0.8
    for time in times:
        at = round((time - start) * rate)
        samples[at : at + len(burst)] = burst[: len(samples) - at]
    return Audio(samples, rate, start)


def onsets(audio: Audio, threshold: float = 0.3) -> list[float]:
    """Times at which sound begins after at least 0.1 s without."""
    loud = np.flatnonzero(np.abs(audio.samples) > threshold)
    firsts = loud[np.diff(loud, prepend=-audio.rate) > 0.1 * audio.rate]
    return [float(audio.start + k / audio.rate) for k in firsts]


def muxed(
    path: Path,
    times: Iterable[float],
    *,
    codec: str = "libx264",
    format: str = "mp4",
    rotation: float | None = None,
    mirrored: bool = False,
    aspect: Fraction | None = None,
    metadata: dict[str, str] | None = None,
    sound: Audio | None = None,
    sound_codec: str = "aac",
    offset: float = 0.0,
    scale: int = 1,
) -> Path:
    """A clip written with the library alone: what the project's own encoder never makes.

    A bright square stands in the picture's upper left quarter, 96 x 64 times ``scale``.
    """
    width, height = 96 * scale, 64 * scale
    pixels = np.full((height, width, 3), 40, np.uint8)
    pixels[: height // 2, : width // 2] = 220
    with av.open(str(path), "w", format=format) as out:
        out.metadata.update(metadata or {})
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        base = Fraction(1, 90000 if codec == "libx264" else 25)
        stream.codec_context.time_base = base
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if rotation is not None:
            stream.set_display_rotation(rotation, hflip=mirrored)
        if sound is not None:
            track = out.add_stream(sound_codec, rate=sound.rate, layout="mono")
        for time in times:
            frame = VideoFrame.from_ndarray(pixels).reformat(format="yuv420p")
            frame.pts, frame.time_base = round((time + offset) / base), base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if sound is not None:
            _add_sound(out, track, sound, offset)
    return path


def _add_sound(out, track, sound: Audio, offset: float) -> None:
    shift = round((sound.start + offset) * sound.rate)
    for begin in range(0, len(sound.samples), 1024):
        block = (sound.samples[np.newaxis, begin : begin + 1024] * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = sound.rate, shift + begin, Fraction(1, sound.rate)
        out.mux(track.encode(frame))
    out.mux(track.encode(None))
