"""Reading clips: a header's verdict, and frames streamed in batches, never the whole clip in memory."""

import os
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.codec.context import ThreadType
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from core.media import video_open
from core.media.slots import Slots
from core.media.upright import Turn, Uprighter, size_of, turn_of
from core.settings import settings
from core.types import Clip, Frame, Notice

_DISTRUST = 1.0  # seconds after damage for which pictures are dropped, unless a key picture comes first
_SHORT = 0.5  # seconds by which a clip may end before the time its header gives
_STEP = 0.001  # seconds between frames whose times stand still or run backwards
_DECODER_FENCE = 2  # times the pixel limit: the decoder itself allocates nothing larger
_HARMLESS = {"major_brand", "minor_version", "compatible_brands", "encoder", "handler_name", "language"}
_HARMLESS |= {"vendor_id", "duration"}
MESSAGES = {
    "metadata-gps": "The file told where the video was taken (GPS); this is not kept.",
    "metadata-text": "The file held text such as the camera, the time or a title; this is not kept.",
    "orientation": "The video was turned upright, as its camera had noted.",
    "other-streams": "The file holds more than one picture or sound track; only the main ones are used.",
    "damaged": "Parts of the video are damaged; they were skipped.",
    "cut-off": "The video ends before its header says; what is there is used.",
    "times-mended": "Some pictures had times that ran backwards; they were put in order.",
}


class Reader:
    """Frames of one clip, upright RGB, in batches; a context manager that can be iterated once.

    Limits are those of :mod:`core.settings`; they hold for what is decoded, whatever the header says.

    Args:
        path: a local file.
        batch: frames a batch; the last one may be shorter.
        fps: at most so many frames a second, picked by their times; None for all.
        max_side: the longer side is reduced to so many pixels while decoding; None to keep the size.

    Attributes:
        clip: what the header and the first frame say; its size is that before ``max_side``.
        notices: those of the header, and what happened while reading so far.
        origin: time of the first frame on the file's own clock, in seconds.
        end: seconds from the first frame to the end of the last frame that was read.

    Raises:
        UserError: the file is refused (see :func:`probe`), or, while iterating, turns out to be beyond the
            limits.
    """

    def __init__(
        self, path: str | Path, *, batch: int = 16, fps: float | None = None, max_side: int | None = None
    ) -> None:
        if batch < 1 or (fps is not None and not fps > 0) or (max_side is not None and max_side < 1):
            raise ValueError("batch, fps and max_side are positive")
        self.origin = 0.0
        self.end = 0.0
        self._batch, self._fps = batch, fps
        self._told: Counter[str] = Counter()
        self._last = -1.0
        with ExitStack() as stack:
            self._container = stack.enter_context(video_open.opened(path))
            self._stream = video_open.video_stream(self._container)
            video_open.check_header(self._container, self._stream)
            self._promised = float((self._stream.duration or 0) * (self._stream.time_base or 0))
            _prepare(self._stream)
            self._upright = Uprighter(self._stream.sample_aspect_ratio, max_side)
            self.clip = _described(self._container, self._stream)
            self._pictures = stack.enter_context(closing(self._timed()))
            first = next(self._pictures)  # it alone tells how the clip has to be turned
            self.clip = _turned(self.clip, first[1], self._stream)
            self._waiting = [first]
            self._stack = stack.pop_all()

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The header's, then one a kind of trouble met so far."""
        met = tuple(Notice(code, MESSAGES[code]) for code in MESSAGES if self._told[code])
        return self.clip.notices + met

    @property
    def share(self) -> float:
        """How much of the clip was decoded, 0 to 0.99; 0.5 where the header does not tell its length."""
        return min(max(self._last, 0.0) / self.clip.duration, 0.99) if self.clip.duration else 0.5

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; also done by leaving the context."""
        self._waiting.clear()
        self._stack.close()

    def __iter__(self) -> Iterator[tuple[Frame, ...]]:
        batch: list[Frame] = []
        for frame in self._chosen():
            batch.append(frame)
            if len(batch) == self._batch:
                yield tuple(batch)
                batch = []
        if batch:
            yield tuple(batch)

    def _chosen(self) -> Iterator[Frame]:
        index, slots = 0, None if self._fps is None else Slots(self._fps)
        for time, picture in self._timed_again():
            if slots is None or slots.take(time):
                yield Frame(index, time, self._upright(picture))
                index += 1

    def _timed_again(self) -> Iterator[tuple[float, VideoFrame]]:
        while self._waiting:
            yield self._waiting.pop()
        yield from self._pictures

    def _timed(self) -> Generator[tuple[float, VideoFrame], None, None]:
        """Good pictures with their times in seconds from the first one, strictly increasing."""
        limits = settings()
        count = 0
        for picture in self._trusted():
            video_open.check_size(picture.width, picture.height)
            time = self._time(picture)
            count += 1
            if time > limits.max_video_seconds:
                raise video_open.too_long(time)
            if count > limits.max_video_frames:
                raise video_open.too_many_frames()
            if count > limits.max_fps * (time + 1) + 1:
                raise video_open.too_fast(count / max(time, 0.1))
            yield time, picture
        if count == 0:
            raise video_open.nothing_decoded()
        if self.end < self._promised - _SHORT:
            self._told["cut-off"] += 1

    def _time(self, picture: VideoFrame) -> float:
        usual = 1 / self.clip.fps if self.clip.fps else 0.04
        stamp = picture.time if picture.pts is not None else None
        if self._last < 0:
            self.origin = stamp or 0.0
            time = 0.0
        else:
            time = self._last + usual if stamp is None else stamp - self.origin
        if time <= self._last:
            self._told["times-mended"] += 1
            time = self._last + _STEP
        own = float(picture.duration * picture.time_base) if picture.duration and picture.time_base else usual
        self._last, self.end = time, time + min(own, 1.0)
        if time < self._promised < self.end:
            self.end = self._promised  # the last frame is often said to last longer than the track
        return time

    def _trusted(self) -> Iterator[VideoFrame]:
        """Pictures, without those that damage has reached."""
        until: float | None = None
        for picture in self._decoded():
            if picture is None or picture.is_corrupt:
                self._told["damaged"] += 1
                until = self.origin + self._last + _DISTRUST
                continue
            if until is not None:
                reached = picture.key_frame or (picture.pts is not None and (picture.time or 0.0) > until)
                if not reached:
                    continue
                until = None
            yield picture

    def _decoded(self) -> Iterator[VideoFrame | None]:
        """Every picture as the decoder gives it; None for each piece that it could not decode."""
        for packet in video_open.packets(self._container, self._stream):
            if packet is None:
                yield None
                continue
            try:
                pictures = packet.decode()
            except (av.FFmpegError, ValueError):
                yield None
                continue
            yield from pictures


def probe(path: str | Path) -> Clip:
    """What a clip is, by its header and its first picture; nothing more is decoded.

    Args:
        path: a local file.

    Raises:
        UserError: the file is missing, empty, no video, has only sound, is damaged at its beginning, or is
            beyond a limit of :mod:`core.settings` on bytes, seconds, pixels, frame rate or frames.
    """
    with Reader(path) as reader:
        return reader.clip


def frames(
    path: str | Path, *, batch: int = 16, fps: float | None = None, max_side: int | None = None
) -> Iterator[tuple[Frame, ...]]:
    """Batches of a clip's frames; see :class:`Reader`, which also gives the notices.

    Closing the generator closes the file.

    Raises:
        UserError: as :class:`Reader`.
    """
    with Reader(path, batch=batch, fps=fps, max_side=max_side) as reader:
        yield from reader


def _prepare(stream: VideoStream) -> None:
    limit = _DECODER_FENCE * settings().max_video_pixels
    stream.codec_context.options = {"max_pixels": str(limit)}
    stream.thread_type = ThreadType.AUTO
    stream.thread_count = min(os.cpu_count() or 1, 4)  # each thread holds frames of its own


def _described(container: InputContainer, stream: VideoStream) -> Clip:
    told = [code for code in MESSAGES if code in _traits(container, stream)]
    return Clip(
        width=stream.width,
        height=stream.height,
        duration=video_open.header_seconds(container, stream),
        fps=video_open.header_rate(stream),
        frames=stream.frames or None,
        rotation=0,
        has_audio=bool(container.streams.audio),
        notices=tuple(Notice(code, MESSAGES[code]) for code in told),
    )


def _turned(clip: Clip, picture: VideoFrame, stream: VideoStream) -> Clip:
    """The clip with the size and the turn that its first picture has."""
    turn = turn_of(picture)
    width, height = size_of(picture.width, picture.height, stream.sample_aspect_ratio, None)
    if turn.clockwise % 180:
        width, height = height, width
    told = clip.notices
    if turn != Turn():
        told = (*told, Notice("orientation", MESSAGES["orientation"]))
    return replace(clip, width=width, height=height, rotation=turn.clockwise, notices=told)


def _traits(container: InputContainer, stream: VideoStream) -> set[str]:
    keys = {key.lower() for source in (container, stream) for key in source.metadata}
    found = set()
    if any("location" in key or "gps" in key or "xyz" in key for key in keys):
        found.add("metadata-gps")
    if any(key not in _HARMLESS and "location" not in key for key in keys):
        found.add("metadata-text")
    if len(container.streams.video) > 1 or len(container.streams.audio) > 1:
        found.add("other-streams")
    return found
