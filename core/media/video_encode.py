"""Making clips that browsers play: H.264, yuv420p, MP4 with its index first, only picture and sound."""

import os
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from core.types import Audio, FloatArray, Frame, Pixels

Sound = Iterator[tuple[float, "Packet[AudioStream]"]]  # packets with their times in seconds, in order

_CODEC: Final = "libx264"
_CLOCK = 90000  # ticks a second: a multiple of the usual frame rates, so variable rates stay exact
_BLOCK = 1024  # samples an AAC frame
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)


class Encoder:
    """Writes one clip, frame by frame; a context manager.

    The file appears at ``target`` only when :meth:`finish` was called; otherwise nothing is left behind.

    Args:
        target: where the clip goes.
        fps: usual frame rate, frames a second; the times of the frames may differ from it.
        quality: constant rate factor, 0 (lossless) to 51.
        options: further options of the encoder, by name.
    """

    def __init__(
        self, target: Path, *, fps: float, quality: int = 20, options: dict[str, str] | None = None
    ) -> None:
        self._target = target
        self._part = target.with_name(f".{target.name}.{os.getpid()}.part")
        # "file:" keeps a name with a colon from being taken for an address.
        self.container: OutputContainer = av.open(
            f"file:{self._part.absolute()}",
            mode="w",
            format="mp4",
            options={"movflags": "+faststart", "fflags": "+bitexact"},
        )
        wanted = {"preset": "veryfast", "crf": str(quality), **(options or {})}
        self.stream: VideoStream = self.container.add_stream(
            _CODEC, rate=Fraction(fps).limit_denominator(1001), options=wanted
        )
        self._scaler = VideoReformatter()
        self._pending: VideoFrame | None = None
        self._shape: tuple[int, ...] | None = None
        self._sound: Sound = iter(())
        self._next: tuple[float, Packet[AudioStream]] | None = None
        self._done = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.container.close()
        if self._done and kind is None:
            self._part.replace(self._target)
        else:
            self._part.unlink(missing_ok=True)

    def attach(self, sound: Sound) -> None:
        """Give the sound's packets, whose stream was added to ``container`` before the first frame."""
        self._sound = sound
        self._next = next(sound, None)

    def add(self, pixels: Pixels, time: float) -> None:
        """One frame.

        Args:
            pixels: H×W×3 uint8 RGB, of one size for the whole clip; an odd side is repeated by one pixel.
            time: seconds from the beginning, later than the frame before.

        Raises:
            ValueError: pixels of another kind or size.
        """
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
            raise ValueError("a frame is H×W×3 uint8 RGB")
        if self._shape is None:
            self._open(pixels)
        elif pixels.shape != self._shape:
            raise ValueError("all frames of a clip have one size")
        frame = self._converted(pixels)
        frame.pts = round(time * _CLOCK)
        self._flush(frame.pts)
        self._pending = frame

    def finish(self, end: float) -> None:
        """Write what is left; ``end`` is the time in seconds at which the last frame's display ends."""
        self._flush(round(end * _CLOCK))
        self.container.mux(self.stream.encode(None))
        self._mux_sound(end)
        self._done = True

    def _open(self, pixels: Pixels) -> None:
        self._shape = pixels.shape
        height, width = pixels.shape[:2]
        stream, context = self.stream, self.stream.codec_context
        stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
        context.time_base = Fraction(1, _CLOCK)
        context.flags |= Flags.frame_duration
        # BT.709, limited range: named in the file, so that players need not guess.
        context.color_range, context.colorspace = int(ColorRange.MPEG), int(Colorspace.ITU709)
        context.color_primaries = context.color_trc = 1

    def _converted(self, pixels: Pixels) -> VideoFrame:
        height, width = pixels.shape[:2]
        even = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        rgb = VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
        frame = self._scaler.reformat(
            rgb, format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        frame.time_base = Fraction(1, _CLOCK)
        return frame

    def _flush(self, until: int) -> None:
        """Encode the waiting frame, now that its end is known, and the sound up to there."""
        frame, self._pending = self._pending, None
        if frame is None:
            return
        frame.duration = max(until - (frame.pts or 0), 1)
        self.container.mux(self.stream.encode(frame))
        self._mux_sound(until / _CLOCK)

    def _mux_sound(self, until: float) -> None:
        while self._next is not None and self._next[0] < until:
            self.container.mux(self._next[1])
            self._next = next(self._sound, None)


def aac(encoder: Encoder, samples: FloatArray, rate: int, start: float) -> Sound:
    """Add an AAC stream; its packets for :meth:`Encoder.attach`.

    Args:
        encoder: before its first frame.
        samples: C×N float32, one or two channels.
        rate: samples a second, one that :func:`aac_rate` gives.
        start: time of the first sample in seconds; what comes before 0 is cut, a wait is silence.
    """
    layout = "mono" if len(samples) == 1 else "stereo"
    stream = encoder.container.add_stream("aac", rate=rate)
    stream.codec_context.layout = layout
    stream.codec_context.bit_rate = 64000 * len(samples)
    shift = round(start * rate)
    placed = np.pad(samples, ((0, 0), (shift, 0))) if shift > 0 else samples[:, -shift:]
    return _aac_packets(stream, np.ascontiguousarray(placed, np.float32), rate, layout)


def _aac_packets(stream: AudioStream, samples: FloatArray, rate: int, layout: str) -> Sound:
    for begin in range(0, samples.shape[1], _BLOCK):
        block = np.ascontiguousarray(samples[:, begin : begin + _BLOCK])
        frame = AudioFrame.from_ndarray(block, format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, begin, Fraction(1, rate)
        for packet in stream.encode(frame):
            yield begin / rate, packet
    for packet in stream.encode(None):
        yield samples.shape[1] / rate, packet


def aac_rate(rate: int) -> int:
    """The rate itself where AAC knows it, else 48000."""
    return rate if rate in _AAC_RATES else 48000


def encode(
    frames: Iterable[Frame],
    target: str | Path,
    *,
    fps: float = 25.0,
    end: float | None = None,
    audio: Audio | None = None,
    quality: int = 20,
    options: dict[str, str] | None = None,
) -> None:
    """Write a clip from frames that were made, not decoded.

    Args:
        frames: in order of time, all of one size.
        target: where the clip goes.
        fps: usual frame rate; ``end`` is one frame after the last one unless given.
        end: length in seconds.
        audio: sound at a rate that AAC knows, on the frames' clock.
        quality: constant rate factor, 0 to 51.
        options: further options of the encoder, by name.

    Raises:
        ValueError: no frame, frames of different sizes, or an audio rate that AAC does not know.
    """
    if audio is not None and audio.rate not in _AAC_RATES:
        raise ValueError("AAC does not know this rate")
    last: Frame | None = None
    with Encoder(Path(target), fps=fps, quality=quality, options=options) as encoder:
        if audio is not None:
            encoder.attach(aac(encoder, audio.samples[np.newaxis], audio.rate, audio.start))
        for last in frames:
            encoder.add(last.pixels, last.time)
        if last is None:
            raise ValueError("a clip has at least one frame")
        encoder.finish(last.time + 1 / fps if end is None else end)
