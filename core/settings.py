"""Limits and paths, read once from the environment (variables begin with FACET_)."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import platformdirs

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits and places of this installation.

    Attributes:
        weights_dir: the repository's ``weights/`` with the manifest and the bundled files.
        cache_dir: where fetched weights are kept (FACET_CACHE).
        offline: never fetch anything (FACET_OFFLINE=1).
        max_upload_bytes: largest accepted upload (FACET_MAX_UPLOAD_BYTES).
        max_pixels: largest accepted width x height, by the file's header (FACET_MAX_PIXELS).
        max_side: longer side, in pixels, to which accepted photos are reduced (FACET_MAX_SIDE).
        session_minutes: a session's images are deleted after so many idle minutes (FACET_SESSION_MINUTES).
        queue_size: how many heavy requests may wait (FACET_QUEUE_SIZE).
        threads: torch's intra-op threads, 0 for torch's own choice (FACET_THREADS).
        max_video_bytes: largest accepted clip (FACET_MAX_VIDEO_BYTES).
        max_video_seconds: longest accepted clip (FACET_MAX_VIDEO_SECONDS).
        max_video_pixels: largest accepted width x height of a clip (FACET_MAX_VIDEO_PIXELS).
        max_fps: highest accepted frame rate, frames a second (FACET_MAX_FPS).
        max_video_frames: how many frames of one clip are decoded at most (FACET_MAX_VIDEO_FRAMES).
        abaw_heads: a folder of heads trained with ``train abaw``, used in place of the bundled stand-ins
            (FACET_ABAW_HEADS); None for none.
    """

    weights_dir: Path
    cache_dir: Path
    offline: bool
    max_upload_bytes: int
    max_pixels: int
    max_side: int
    session_minutes: float
    queue_size: int
    threads: int
    max_video_bytes: int
    max_video_seconds: float
    max_video_pixels: int
    max_fps: float
    max_video_frames: int
    abaw_heads: Path | None = None

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the environment; a value that is no number is a ValueError naming its variable."""
        return cls(
            weights_dir=ROOT / "weights",
            cache_dir=Path(os.environ.get("FACET_CACHE") or platformdirs.user_cache_dir("facet")),
            offline=os.environ.get("FACET_OFFLINE", "") not in ("", "0"),
            max_upload_bytes=int(_number("FACET_MAX_UPLOAD_BYTES", 30e6)),
            max_pixels=int(_number("FACET_MAX_PIXELS", 50e6)),
            max_side=int(_number("FACET_MAX_SIDE", 2048)),
            session_minutes=_number("FACET_SESSION_MINUTES", 30),
            queue_size=int(_number("FACET_QUEUE_SIZE", 24)),
            threads=int(_number("FACET_THREADS", 0)),
            max_video_bytes=int(_number("FACET_MAX_VIDEO_BYTES", 200e6)),
            max_video_seconds=_number("FACET_MAX_VIDEO_SECONDS", 180),
            max_video_pixels=int(_number("FACET_MAX_VIDEO_PIXELS", 1920 * 1080 * 1.1)),
            max_fps=_number("FACET_MAX_FPS", 120),
            max_video_frames=int(_number("FACET_MAX_VIDEO_FRAMES", 10_800)),
            abaw_heads=Path(heads) if (heads := os.environ.get("FACET_ABAW_HEADS")) else None,
        )


def _number(name: str, default: float) -> float:
    text = os.environ.get(name)
    if not text:
        return default
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} must be a number, not {text!r}") from None


def share_processors() -> None:
    """Let torch's threads that wait for each other give up their core soon; call it before torch is imported.

    They spin for milliseconds otherwise, all that they do where another process has the core that the last
    of them needs (measured in ``benchmarks.threads``). The variable is libgomp's, which torch's wheels bring.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process; tests may clear the cache after changing the environment."""
    return Settings.from_environment()
