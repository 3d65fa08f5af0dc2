"""What a tab may use of the house: its settings, its visitors' sessions, the way in for photos and clips."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import gradio as gr

from core.errors import Code, UserError
from core.settings import Settings
from core.types import Clip, Image
from demos.sessions import Session, Sessions, discard

# Shared limits of events, to be given to every event with ``**``: one heavy job at a time for the whole app;
# what answers within about a second beside it, so that one visitor's search freezes nobody; cameras, which
# hold their place for as long as they run; downloads, which wait for the network and lock each file by
# themselves.
HEAVY: Mapping[str, Any] = MappingProxyType({"concurrency_id": "heavy", "concurrency_limit": 1})
LIGHT: Mapping[str, Any] = MappingProxyType({"concurrency_id": "light", "concurrency_limit": 2})
LIVE: Mapping[str, Any] = MappingProxyType({"concurrency_id": "live", "concurrency_limit": 2})
FETCH: Mapping[str, Any] = MappingProxyType({"concurrency_id": "fetch", "concurrency_limit": 4})


@dataclass(frozen=True, slots=True)
class Services:
    """Handed to every tab's ``build``."""

    settings: Settings
    sessions: Sessions

    def session(self, request: gr.Request) -> Session:
        """The visitor's session."""
        return self.sessions.open(_key(request))

    def photo(self, session: Session, upload: str | None) -> Image:
        """Load an upload and put a clean copy in its place; a file that is no picture is deleted.

        Raises:
            UserError: as ``core.media.images.load``, or when the file is no longer there.
        """
        from core.media import images

        path = _file(upload, "photo")
        try:
            image = images.load(path)
        except UserError:
            discard(path)
            raise
        if not path.is_relative_to(session.folder):
            session.retire(path, images.save(image.pixels), self.sessions.now())
        return image

    def clip(self, session: Session, upload: str | None) -> tuple[Path, Clip]:
        """Look at an uploaded clip and put a clean copy in its place; a file that is no clip is deleted.

        Returns:
            The copy in the session's own folder, without metadata, and what its header says.

        Raises:
            UserError: as ``core.media.video.probe``, or when the file is no longer there.
        """
        from core.media import video, video_clean

        path = _file(upload, "clip")
        try:
            notices = video.probe(path).notices
            clean = video_clean.clean(path, session.place())
            clip = replace(video.probe(clean), notices=notices)  # a recording's own header tells no length
        except UserError:
            discard(path)
            raise
        session.stand_in(path, clean)
        return clean, clip

    def forget(self, request: gr.Request) -> str:
        """Delete all of this visitor's images and results; the answer says what was deleted."""
        return self.sessions.forget(_key(request)).sentence()

    def left(self, request: gr.Request) -> None:
        """The visitor closed the page: forget sooner."""
        self.sessions.leave(_key(request))


def _file(upload: str | None, kind: str) -> Path:
    if upload is None:
        raise UserError(Code.FILE_UNREADABLE, f"There is no {kind} yet.", "Choose an example or upload.")
    path = Path(upload)
    if not path.is_file():
        raise UserError(
            Code.FILE_UNREADABLE, "The uploaded file is no longer here.", "Please upload it once more."
        )
    return path


def _key(request: gr.Request) -> str:
    key = request.session_hash
    if not key:
        raise UserError(
            Code.SESSION_GONE, "This request belongs to no session.", "Use the page or gradio's client."
        )
    return str(key)
