"""The door for clips: ``probe`` judges a file, ``Reader`` and ``frames`` stream it, ``write`` draws on it."""

from core.media.video_read import Reader, frames, probe

__all__ = ["Reader", "frames", "probe"]
