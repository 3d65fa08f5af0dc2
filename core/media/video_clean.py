"""A clip without what its file tells besides picture and sound: place, camera, names, other streams."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

from core.errors import Code, UserError
from core.media import video_open

# Containers by the codecs that they may hold; browsers play the first two.
MP4 = {"h264", "hevc", "av1", "mpeg4", "aac", "mp3"}
WEBM = {"vp8", "vp9", "av1", "opus", "vorbis"}


def clean(source: Path, folder: Path) -> Path:
    """Copy the first picture and sound stream into a new file, packet by packet, and nothing else.

    Nothing is decoded, so quality, times and a turned picture stay as they are.

    Args:
        source: a file that ``core.media.video.probe`` accepts.
        folder: where the new file goes; it must exist.

    Returns:
        The new file, ``clip.mp4``, ``clip.webm`` or ``clip.mkv`` by what is inside.

    Raises:
        UserError: the file cannot be read or copied.
    """
    try:
        with video_open.opened(source) as clip:
            return _copy(clip, folder)
    except (av.FFmpegError, ValueError, OSError):
        raise UserError(
            Code.FILE_UNREADABLE,
            "This clip could not be read to its end.",
            "Save it once more as MP4 (H.264) with a video editor or your phone, and try again.",
        ) from None


def _copy(clip: InputContainer, folder: Path) -> Path:
    streams = [video_open.video_stream(clip), *clip.streams.audio[:1]]
    target = folder / f"clip.{_suffix({stream.codec.canonical_name for stream in streams})}"
    options = {"movflags": "faststart"} if target.suffix == ".mp4" else {}
    with av.open(str(target), "w", options=options) as written:
        copies: dict[int, Any] = {s.index: written.add_stream_from_template(s) for s in streams}
        for copy in copies.values():
            copy.metadata.clear()
        for packet in _timed(clip.demux(streams)):
            packet.stream = copies[packet.stream.index]
            written.mux(packet)
    return target


def _timed(packets: Iterable[Any]) -> Iterator[Any]:
    """The packets that hold something, each with a decoding time.

    Matroska does not tell that of the first ones of a stream with reordered pictures: they are held until
    one tells it, and lie before that one by their durations.
    """
    held: dict[int, list[Any]] = {}
    for packet in packets:
        if not packet.size:  # the empty one that ends a stream
            continue
        waiting = held.setdefault(packet.stream.index, [])
        if packet.dts is None:
            waiting.append(packet)
            continue
        time = packet.dts
        for early in reversed(waiting):
            time -= early.duration or 1
            early.dts = time
        yield from waiting
        waiting.clear()
        yield packet
    for waiting in held.values():  # a stream that never told it
        for packet in waiting:
            packet.dts = packet.pts
        yield from waiting


def _suffix(codecs: set[str]) -> str:
    if codecs <= MP4:
        return "mp4"
    return "webm" if codecs <= WEBM else "mkv"
