"""The door for sound: a clip's audio as one mono array on the clock of its video frames."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer

from core.media import video_open
from core.media.video_read import Reader
from core.settings import settings
from core.types import Audio, FloatArray

_GAP = 0.02  # seconds by which times may differ from the count of samples before they are believed


def load(path: str | Path, rate: int = 16000) -> Audio | None:
    """The clip's main audio, mixed to mono, aligned by its timestamps to the first video frame.

    Holes in the timestamps, and pieces that cannot be decoded, are silence. What begins or ends further from
    the first frame than ``max_video_seconds`` is left out.

    Args:
        path: a local file.
        rate: samples a second of the result.

    Returns:
        The sound, or None when the clip has none that can be decoded.

    Raises:
        UserError: the file is refused as a video (see :func:`core.media.video.probe`).
    """
    with Reader(path) as reader:
        origin = reader.origin
        if not reader.clip.has_audio:
            return None
    found = decode(path, origin, rate, "mono")
    return None if found is None else Audio(found[0][0], rate, found[1])


def window(audio: Audio, centre: float, seconds: float = 1.0) -> FloatArray:
    """The sound around a moment, for instance around a frame's time.

    Args:
        audio: the clip's sound.
        centre: the window's middle, in seconds from the first video frame.
        seconds: its length.

    Returns:
        ``round(seconds * rate)`` float32 samples; zero where the clip has no sound.
    """
    count = round(seconds * audio.rate)
    begin = round((centre - seconds / 2 - audio.start) * audio.rate)
    result = np.zeros(count, np.float32)
    low, high = max(begin, 0), min(begin + count, len(audio.samples))
    if low < high:
        result[low - begin : high - begin] = audio.samples[low:high]
    return result


def decode(
    path: str | Path, origin: float, rate: int | None, layout: str | None
) -> tuple[FloatArray, float, int, str] | None:
    """All of the main audio stream as one array.

    Args:
        path: a local file.
        origin: moment of the file's clock that becomes 0, in seconds.
        rate: samples a second, None for the stream's own.
        layout: ``mono`` or ``stereo``, None for stereo unless the stream is mono.

    Returns:
        C×N float32 samples in -1..1, the time of the first one in seconds, the rate and the layout; None when
        there is no audio or none of it can be decoded.
    """
    with video_open.opened(path) as container:
        stream = main_stream(container)
        if stream is None:
            return None
        rate = rate or stream.rate
        decoded = "mono" if stream.channels == 1 else "stereo"
        layout = layout or decoded
        pieces = list(_pieces(container, stream, origin, rate, decoded))
    pieces = [piece for piece in pieces if piece.count]
    if not pieces:
        return None
    start = min(piece.start for piece in pieces)
    length = max(round((piece.start - start) * rate) + piece.count for piece in pieces)
    samples = np.zeros((1 if decoded == "mono" else 2, length), np.float32)
    for piece in pieces:
        at = round((piece.start - start) * rate)
        samples[:, at : at + piece.count] = np.concatenate(piece.blocks, axis=1)
    if layout == "mono":
        samples = samples.mean(0, keepdims=True)  # the resampler's own mix is louder, and can clip
    return np.clip(samples, -1, 1, out=samples), start, rate, layout


@dataclass(slots=True)
class _Piece:
    """A stretch without holes: its start in seconds and its samples, C×N each."""

    start: float
    blocks: list[FloatArray] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(block.shape[1] for block in self.blocks)

    def add(self, resampled: list[AudioFrame]) -> None:
        self.blocks += [np.asarray(frame.to_ndarray(), np.float32) for frame in resampled]


def main_stream(container: InputContainer) -> AudioStream | None:
    """The audio stream that players would choose; None without one that can be decoded."""
    best = container.streams.best("audio")
    if not isinstance(best, AudioStream) or best.codec_context is None or not best.rate:
        return None
    return best


def _pieces(
    container: InputContainer, stream: AudioStream, origin: float, rate: int, layout: str
) -> Iterator[_Piece]:
    limit = settings().max_video_seconds
    piece: _Piece | None = None
    resampler = AudioResampler("fltp", layout, rate)
    expected = 0.0
    for frame in _frames(container, stream):
        length = frame.samples / frame.sample_rate
        time = expected if frame.pts is None or frame.time is None else frame.time - origin
        if time < -limit:
            continue
        if time + length > limit:
            break
        if piece is None or abs(time - expected) > _GAP:
            if piece is not None:
                piece.add(resampler.resample(None))
                yield piece
            piece, resampler = _Piece(time), AudioResampler("fltp", layout, rate)
            expected = time
        frame.pts = None  # the resampler would stretch or fill by itself
        piece.add(resampler.resample(frame))
        expected += length
    if piece is not None:
        piece.add(resampler.resample(None))
        yield piece


def _frames(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    for packet in video_open.packets(container, stream):
        if packet is None:
            continue  # a read that failed; the hole becomes silence by the times of what follows
        try:
            yield from packet.decode()
        except (av.FFmpegError, ValueError):
            continue  # the hole becomes silence by the times of what follows
