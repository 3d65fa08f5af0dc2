"""Opening a clip safely, and judging its header: nothing is decoded here but what finding streams needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Never, TypeVar

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from core.errors import Code, UserError
from core.settings import Settings, settings

S = TypeVar("S", VideoStream, AudioStream)
BROKEN_READS = 100  # after so many failed reads in a row the rest of the file is given up

# Playlists, concatenations, image sequences and network formats are not among them: such a file may name
# other files or addresses of the server, which must never be opened on a stranger's word.
FORMATS = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "mpeg", "mpegts", "flv", "asf", "ogg")
CODECS = {
    "h264",
    "hevc",
    "mpeg1video",
    "mpeg2video",
    "mpeg4",
    "msmpeg4v2",
    "msmpeg4v3",
    "h263",
    "flv",
    "wmv1",
    "wmv2",
    "wmv3",
    "vc1",
    "vp8",
    "libvpx",
    "vp9",
    "libvpx-vp9",
    "av1",
    "libdav1d",
    "theora",
    "mjpeg",
    "prores",
    "dvvideo",
    "rawvideo",
    "ffv1",
}
_FORMATS = frozenset(name for group in FORMATS for name in group.split(","))
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_MARKS = (b"RIFF", b"\x1a\x45\xdf\xa3", b"\x00\x00\x01\xba", b"FLV", b"OggS", b"\x30\x26\xb2\x75")
_PROBE_PIXELS = 40  # times the limit: the header must be readable before its size can be refused
_RETRY = "Try another clip, for instance an MP4 file."


@contextmanager
def opened(path: str | Path) -> Iterator[InputContainer]:
    """An open container of an allowed kind; it is closed at the end.

    The decoder library is given a Python file, never a path or an address, and may open nothing else.

    Raises:
        UserError: no regular file, too many bytes, not a video of an allowed kind, or a broken header.
    """
    limits = settings()
    source = _regular(path, limits)
    pixels = str(_PROBE_PIXELS * limits.max_video_pixels)
    with source.open("rb") as file:
        try:
            container = av.open(
                file,
                mode="r",
                options={"format_whitelist": ",".join(sorted(_FORMATS)), "max_pixels": pixels},
                metadata_errors="replace",
                io_open=_refuse,
            )
        except av.ArgumentError:
            raise not_a_video() from None
        except (av.FFmpegError, ValueError, PermissionError):
            raise _unreadable(source) from None
        with container:
            if container.format.name not in FORMATS:
                raise not_a_video()
            yield container


def video_stream(container: InputContainer) -> VideoStream:
    """The main video stream; a cover picture of a song is none.

    Raises:
        UserError: there is none, or it is in a coding that is not accepted.
    """
    streams = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
    if not streams:
        sound = " but only sound" if container.streams.audio else ""
        raise UserError(Code.NO_VIDEO, f"The file has no video{sound}.", "Upload a clip with pictures.")
    best = container.streams.best("video")
    stream = best if isinstance(best, VideoStream) and best in streams else streams[0]
    if stream.codec_context is None or stream.codec_context.name not in CODECS:
        raise UserError(
            Code.FILE_TYPE, "The video is in a coding that cannot be read.", "Save it as MP4 with H.264."
        )
    return stream


def check_header(container: InputContainer, stream: VideoStream) -> None:
    """Refuse what the header already says is beyond the limits of :mod:`core.settings`.

    Raises:
        UserError: too many pixels, too long, too many frames, or too many of them a second.
    """
    limits = settings()
    check_size(stream.width, stream.height)
    seconds = header_seconds(container, stream)
    if seconds > limits.max_video_seconds:
        raise too_long(seconds)
    rate = header_rate(stream)
    if rate > limits.max_fps:
        raise too_fast(rate)
    if stream.frames > limits.max_video_frames:
        raise too_many_frames()


def check_size(width: int, height: int) -> None:
    """Refuse frames of more than ``max_video_pixels``, or of none.

    Raises:
        UserError: the frame has no size or is too large.
    """
    limit = settings().max_video_pixels
    if width <= 0 or height <= 0:
        raise UserError(Code.FILE_UNREADABLE, "The video tells no picture size.", _RETRY)
    if width * height > limit:
        raise UserError(
            Code.VIDEO_TOO_LARGE,
            f"The video's pictures of {width} x {height} pixels are too large.",
            f"Save it with at most {limit / 1e6:.1f} million pixels a picture, for instance 1920 x 1080.",
        )


def header_seconds(container: InputContainer, stream: VideoStream) -> float:
    """Length in seconds by the header, 0 when it does not tell."""
    if stream.duration and stream.time_base:
        return max(float(stream.duration * stream.time_base), 0.0)
    return max(float(Fraction(container.duration or 0, av.time_base)), 0.0)


def header_rate(stream: VideoStream) -> float:
    """Mean frame rate by the header, frames a second; 0 when it does not tell.

    Where frames are not counted, rates beyond the limit are taken for what they mostly are, the ticks of the
    file's clock (browsers' own recordings say 1000); the reader counts for itself.
    """
    if stream.frames > 1 and stream.duration and stream.time_base:
        return float(stream.frames / (stream.duration * stream.time_base))
    rate = float(stream.average_rate or 0)
    return rate if rate <= settings().max_fps else 0.0


def packets(container: InputContainer, stream: S) -> Iterator["Packet[S] | None"]:
    """Packets of the stream, the flushing one last; None for each read that failed."""
    failures = 0
    while failures < BROKEN_READS:
        try:
            for packet in container.demux(stream):
                failures = 0
                yield packet
            return
        except av.FFmpegError:
            failures += 1
            yield None


def too_long(seconds: float) -> UserError:
    """The error for a clip of ``seconds``."""
    limit = settings().max_video_seconds
    return UserError(
        Code.VIDEO_TOO_LONG,
        f"The video is {seconds:.0f} seconds long.",
        f"Cut it to at most {limit:.0f} seconds.",
    )


def too_fast(rate: float) -> UserError:
    """The error for ``rate`` frames a second."""
    return UserError(
        Code.VIDEO_TOO_LARGE,
        f"The video has {rate:.0f} pictures a second.",
        f"Save it with at most {settings().max_fps:.0f} pictures a second.",
    )


def too_many_frames() -> UserError:
    """The error for a clip of more frames than are decoded."""
    limit = settings().max_video_frames
    return UserError(
        Code.VIDEO_TOO_LONG,
        f"The video has more than {limit} pictures.",
        "Cut it shorter, or save it with fewer pictures a second.",
    )


def not_a_video() -> UserError:
    """The error for a file of another kind."""
    return UserError(
        Code.FILE_TYPE, "The file is not a video of a known kind.", "Upload MP4, MOV, WebM, MKV, AVI or MPEG."
    )


def nothing_decoded() -> UserError:
    """The error for a clip of which not one frame can be decoded."""
    return UserError(Code.FILE_UNREADABLE, "Not one picture of the video can be read.", _RETRY)


def _regular(path: str | Path, limits: Settings) -> Path:
    source = Path(path)
    try:
        # Devices and pipes could block or never end.
        size = source.stat().st_size if source.is_file() else None
    except (OSError, ValueError):
        size = None
    if size is None:
        raise UserError(Code.FILE_UNREADABLE, "The file is gone or cannot be opened.", "Upload it once more.")
    if size == 0:
        raise UserError(Code.FILE_UNREADABLE, "The file is empty.", "Upload it once more.")
    if size > limits.max_video_bytes:
        raise UserError(
            Code.FILE_TOO_LARGE,
            f"The video is larger than {limits.max_video_bytes / 1e6:.0f} MB.",
            "Cut it shorter or save it smaller, and upload that.",
        )
    return source


def _unreadable(source: Path) -> UserError:
    """A damaged video when the first bytes look like one, another kind of file otherwise."""
    with source.open("rb") as file:
        head = file.read(12)
    known = head[4:8] in _BOXES or head.startswith(_MARKS)
    if known:
        return UserError(Code.FILE_UNREADABLE, "The video is cut off or damaged at its beginning.", _RETRY)
    return not_a_video()


def _refuse(url: str, flags: int, options: dict[str, str]) -> Never:
    del url, flags, options
    raise PermissionError("a clip may not open further files")
