"""Drawing on a clip: the decoder runs once more, each frame is drawn on, sound and timing are kept."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from av.audio.stream import AudioStream
from av.container import InputContainer

from core.media import audio, video_open
from core.media.video_encode import Encoder, Sound, aac, aac_rate
from core.media.video_read import Reader
from core.types import Frame, Notice, Pixels, Progress

SoundKept = Literal["none", "copied", "encoded"]

_COPIED = ("aac", "mp3", "mp3float")  # what browsers play inside MP4
_LEAD = 0.1  # seconds of sound before the first frame that a decoder may need to settle
_EVERY = 10  # frames between two events


@dataclass(frozen=True, slots=True)
class Written:
    """A finished clip.

    Attributes:
        path: the file.
        frames: how many pictures it has.
        seconds: length of its picture track.
        sound: ``copied`` as it was, ``encoded`` anew, or ``none``.
        notices: those of reading the source.
    """

    path: Path
    frames: int
    seconds: float
    sound: SoundKept
    notices: tuple[Notice, ...]


def write(
    source: str | Path,
    target: str | Path,
    draw: Callable[[Frame], Pixels],
    *,
    quality: int = 20,
    max_side: int | None = None,
) -> Iterator[Progress | Written]:
    """Draw on every frame of a clip and write the result, with its sound and its timing.

    Nothing else of the source gets into the result: no place, time, camera, title, chapters or subtitles.
    A generator that is closed before its end leaves no file.

    Args:
        source: a local file.
        target: where the result goes, an MP4 file.
        draw: from a frame (``index`` counts all frames of the source) to the picture to be written, H×W×3
            uint8 RGB, of one size for the whole clip.
        quality: constant rate factor, 0 (lossless) to 51; 20 is hard to tell from the source.
        max_side: the longer side is reduced to so many pixels before drawing.

    Yields:
        Progress, and last what was written.

    Raises:
        UserError: the source is refused, see :class:`core.media.video.Reader`.
        ValueError: ``draw`` gave pixels of another kind or size.
    """
    place = Path(target)
    count, kept = 0, "none"
    with ExitStack() as stack:
        reader = stack.enter_context(Reader(source, batch=1, max_side=max_side))
        length = reader.clip.duration
        encoder = stack.enter_context(Encoder(place, fps=reader.clip.fps or 25.0, quality=quality))
        kept = _attach_sound(encoder, source, reader, stack)
        for (frame,) in reader:
            encoder.add(draw(frame), frame.time)
            count += 1
            if count % _EVERY == 0:
                share = min(frame.time / length, 0.99) if length else 0.0
                yield Progress(share, f"Frame {count} is written.", {"frames": float(count)})
        encoder.finish(reader.end)
    yield Progress(1.0, "The video is written.", {"frames": float(count)})
    yield Written(place, count, reader.end, kept, reader.notices)


def _attach_sound(encoder: Encoder, source: str | Path, reader: Reader, stack: ExitStack) -> SoundKept:
    if not reader.clip.has_audio:
        return "none"
    container = stack.enter_context(video_open.opened(source))
    stream = audio.main_stream(container)
    if stream is None:
        return "none"
    if stream.codec_context.name in _COPIED:
        encoder.attach(_copies(encoder, container, stream, reader.origin))
        return "copied"
    rate = aac_rate(stream.rate)
    found = audio.decode(source, reader.origin, rate, None)
    if found is None:
        return "none"
    encoder.attach(aac(encoder, found[0], rate, found[1]))
    return "encoded"


def _copies(encoder: Encoder, container: InputContainer, stream: AudioStream, origin: float) -> Sound:
    out = encoder.container.add_stream_from_template(stream)
    out.metadata.clear()
    return _copied_packets(container, stream, out, origin)


def _copied_packets(container: InputContainer, stream: AudioStream, out: AudioStream, origin: float) -> Sound:
    base = stream.time_base
    if base is None:
        return
    shift, last = round(origin / base), None
    for packet in video_open.packets(container, stream):
        if packet is None or packet.size == 0 or packet.pts is None:
            continue
        packet.pts -= shift
        packet.dts = packet.pts  # sound is never reordered
        time = float(packet.pts * base)
        if time < -_LEAD or (last is not None and packet.pts <= last):
            continue
        last = packet.pts
        packet.stream = out
        yield time, packet
