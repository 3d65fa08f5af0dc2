"""One frame of a clip by its time, without reading the clip from its beginning."""

from pathlib import Path

import av

from core.errors import Code, UserError
from core.media import video_open
from core.media.upright import Uprighter
from core.types import Pixels


def still(source: Path, time: float) -> Pixels:
    """The frame that is shown at a time: decoding starts at the last key frame before it.

    Args:
        source: a file that ``core.media.video.probe`` accepts.
        time: seconds from the first frame; beyond the end the last frame.

    Returns:
        H×W×3 uint8 RGB, upright, as ``core.media.video.Reader`` gives it.

    Raises:
        UserError: FILE_UNREADABLE when no frame can be had there.
    """
    try:
        with video_open.opened(source) as clip:
            stream = video_open.video_stream(clip)
            base = float(stream.time_base or 0)
            begin = (stream.start_time or 0) * base
            if time > 0 and base:
                clip.seek(int((time + begin) / base), stream=stream)
            found: av.VideoFrame | None = None
            for frame in clip.decode(stream):
                if found is not None and frame.time is not None and frame.time - begin > time + 1e-3:
                    break
                found = frame
            pixels = Uprighter(stream.sample_aspect_ratio)(found) if found is not None else None
    except (av.FFmpegError, OSError, ValueError):
        pixels = None
    if pixels is None:
        raise UserError(
            Code.FILE_UNREADABLE, "This moment of the clip could not be read.", "Move to another frame."
        )
    return pixels
