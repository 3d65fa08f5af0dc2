"""The door for clips: ``probe`` judges a file, ``Reader`` and ``frames`` stream it, ``write`` draws on it."""

from core.media.video_encode import encode
from core.media.video_read import Reader, frames, probe
from core.media.video_write import Written, write

__all__ = ["Reader", "Written", "encode", "frames", "probe", "write"]
