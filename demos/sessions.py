"""What one visitor brought and got: kept apart from everyone else's, forgotten on request and by time.

Pictures live in memory; only what the browser must fetch is written, under a folder whose name is a secret
of its session (gradio serves any file below its upload folder to whoever knows the address).
"""

import secrets
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from core.errors import Code, UserError

FOLDER_PREFIX = "facet-session-"
RETIRED_SECONDS = 60.0  # a replaced upload stays this long, for a second visitor who sent the same bytes
KEPT_IN_SLOT = 3  # a browser may still be drawing the last preview while the next one is written
REMEMBERED_GONE = 1000  # how many forgotten sessions still get "your images were deleted" as their answer


class Room(Protocol):
    """What a tab keeps for one session: an object that can say how many pictures it holds."""

    def images(self) -> int:
        """Number of the visitor's pictures and results held in memory."""
        ...


R = TypeVar("R", bound=Room)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was deleted.

    Attributes:
        images: pictures dropped from memory (uploads and results).
        files: files removed from the server's disk.
    """

    images: int
    files: int

    def __add__(self, other: "Forgotten") -> "Forgotten":
        return Forgotten(self.images + other.images, self.files + other.files)

    def sentence(self) -> str:
        """The answer for the screen."""
        if not self.images and not self.files:
            return "There was nothing of yours to forget."
        images = f"{self.images} image{'' if self.images == 1 else 's'}"
        files = f"{self.files} file{'' if self.files == 1 else 's'}"
        return f"Forgotten: {images} in memory and {files} on the server's disk were deleted."


@dataclass(frozen=True, slots=True)
class _Retired:
    """A clean file that this session put in the place of an upload; another one may have come there since."""

    path: Path
    since: float
    mark: tuple[int, int]

    def discard(self) -> int:
        return discard(self.path) if _mark(self.path) == self.mark else 0


@dataclass(slots=True, eq=False)
class Session:
    """One visitor's things.

    Attributes:
        folder: where files for this visitor's browser are written; its name is secret.
        touched: when the visitor last did something, by the store's clock.
        lock: held while a handler changes a room.
    """

    folder: Path
    touched: float
    lock: threading.RLock = field(default_factory=threading.RLock)
    _rooms: dict[str, Room] = field(default_factory=dict)
    _retired: list["_Retired"] = field(default_factory=list)
    _slots: dict[str, list[Path]] = field(default_factory=dict)
    _closed: bool = False

    def room(self, slug: str, build: Callable[[], R]) -> R:
        """The tab's own object in this session, built on first use."""
        with self.lock:
            self._check_open()
            return self._rooms.setdefault(slug, build())  # type: ignore[return-value]  # one type a slug

    def write(self, name: str, content: bytes, slot: str = "") -> str:
        """Write a file that this visitor's browser may fetch; returns its path.

        Args:
            name: what the file is called when it is downloaded.
            content: its bytes, as they are served.
            slot: files of one slot follow each other; all but the last few are deleted.

        Raises:
            UserError: SESSION_GONE when the session was forgotten while a job was still running.
        """
        with self.lock:
            path = self.place() / Path(name).name
            path.write_bytes(content)
            if slot:
                kept = self._slots.setdefault(slot, [])
                kept.append(path)
                while len(kept) > KEPT_IN_SLOT:
                    discard(kept.pop(0))
        return str(path)

    def place(self) -> Path:
        """A new folder for files that are too large to be handed over as bytes.

        Raises:
            UserError: SESSION_GONE when the session was forgotten while a job was still running.
        """
        with self.lock:
            self._check_open()
            place = self.folder / secrets.token_hex(4)
            place.mkdir(parents=True, mode=0o700)
            return place

    def stand_in(self, upload: Path, clean: Path) -> None:
        """Put a clean file of this session in the place of a raw upload, until the session ends.

        The browser that sent a clip goes on playing it from there.
        """
        self._put(upload, float("inf"), lambda part: part.hardlink_to(clean))

    def retire(self, upload: Path, clean: bytes, now: float) -> None:
        """Put a clean copy in the place of a raw upload and delete that a little later.

        gradio stores uploads under the hash of their content, so two visitors may share one file; the
        second one then still finds the picture, without the first one's metadata. What a visitor has sent
        anew since is left alone: its own handler replaces it.
        """
        self._put(upload, now, lambda part: part.write_bytes(clean))

    def _put(self, upload: Path, since: float, make: Callable[[Path], object]) -> None:
        """Make a file beside an upload and put it in its place, in one step for whoever reads there."""
        with self.lock:
            self._check_open()
            upload.parent.mkdir(exist_ok=True)  # another visitor's file of the same bytes may just have gone
            part = upload.with_name(f".{secrets.token_hex(8)}")
            make(part)
            mark = _mark(part)
            part.replace(upload)
            self._retired.append(_Retired(upload, since, mark))

    def sweep(self, now: float) -> int:
        """Delete replaced uploads whose time has come; returns how many files went."""
        with self.lock:
            due = [one for one in self._retired if now - one.since >= RETIRED_SECONDS]
            self._retired = [one for one in self._retired if one not in due]
        return sum(one.discard() for one in due)

    def close(self) -> Forgotten:
        """Drop everything; later writes of a job that still runs are refused."""
        with self.lock:
            images = 0 if self._closed else sum(room.images() for room in self._rooms.values())
            files = sum(one.discard() for one in self._retired)
            files += sum(1 for path in self.folder.rglob("*") if path.is_file())
            shutil.rmtree(self.folder, ignore_errors=True)
            self._rooms.clear()
            self._retired.clear()
            self._slots.clear()
            self._closed = True
        return Forgotten(images, files)

    def _check_open(self) -> None:
        if self._closed:
            raise UserError(
                Code.SESSION_GONE,
                "Your images were forgotten while this was running.",
                "Choose a photo again to start anew.",
            )


class Sessions:
    """All visitors of this process, by gradio's session hash.

    Args:
        root: gradio's upload folder; sessions' folders are made below it.
        minutes: a session is deleted after so many minutes without an action.
        clock: seconds, monotonic; replaced in tests.
    """

    def __init__(self, root: Path, minutes: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.root = root
        self.minutes = minutes
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._gone: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    def now(self) -> float:
        """Seconds by this store's clock."""
        return self._clock()

    def open(self, key: str) -> Session:
        """The session of one browser tab (or API client), made on first use and marked as alive."""
        with self._lock:
            self._gone.pop(key, None)
            session = self._sessions.get(key)
            if session is None:
                session = self._sessions[key] = self._new()
            session.touched = self._clock()
            return session

    def loose(self) -> Session:
        """A session of one API or MCP call: nobody returns to it, so only time deletes its files.

        MCP tools of all callers share one gradio session, so nothing of a call may be kept under its hash.
        """
        with self._lock:
            session = self._sessions[secrets.token_hex(16)] = self._new()
            return session

    def was_deleted(self, key: str) -> bool:
        """Whether this visitor's things were deleted by time."""
        return key in self._gone

    def leave(self, key: str, minutes: float = 5.0) -> None:
        """The browser tab was closed: forget sooner, unless the visitor comes back."""
        with self._lock:
            session = self._sessions.get(key)
            if session is not None:
                session.touched = min(session.touched, self._clock() - (self.minutes - minutes) * 60)

    def forget(self, key: str) -> Forgotten:
        """Delete all that belongs to one visitor, at once."""
        with self._lock:
            session = self._sessions.pop(key, None)
        return session.close() if session else Forgotten(0, 0)

    def sweep(self) -> Forgotten:
        """Delete what has not been touched for too long; called every now and then."""
        now = self._clock()
        with self._lock:
            old = [k for k, session in self._sessions.items() if now - session.touched > self.minutes * 60]
            expired = [self._sessions.pop(key) for key in old]
            alive = list(self._sessions.values())
            self._gone.update(dict.fromkeys(old))
            while len(self._gone) > REMEMBERED_GONE:
                self._gone.popitem(last=False)
        total = Forgotten(0, sum(session.sweep(now) for session in alive) + self._clear_strays())
        for session in expired:
            total += session.close()
        return total

    def close(self) -> Forgotten:
        """Delete everything, when the server stops."""
        with self._lock:
            sessions = list(self._sessions.values())
            self._sessions.clear()
        return sum((session.close() for session in sessions), Forgotten(0, 0))

    def keep_swept(self, every_seconds: float = 30.0) -> Callable[[], Any]:
        """Sweep from a background thread; the returned function stops it."""
        stop = threading.Event()

        def loop() -> None:
            while not stop.wait(every_seconds):
                self.sweep()

        threading.Thread(target=loop, name="facet-sessions", daemon=True).start()
        return stop.set

    def clear_leftovers(self) -> int:
        """Delete what an earlier run left because it was not shut down properly; returns how many files."""
        return self._clear_strays(FOLDER_PREFIX)

    def _clear_strays(self, also: str = "\0") -> int:
        """Delete old files of no session: uploads that never reached a handler, gradio's own temporaries."""
        old = time.time() - self.minutes * 60
        found = [path for path in self.root.rglob("*") if path.is_file()]
        strays = [p for p in found if FOLDER_PREFIX not in str(p) or also in str(p)]
        return sum(discard(path) for path in strays if _modified(path) < old)

    def _new(self) -> Session:
        folder = self.root / f"{FOLDER_PREFIX}{secrets.token_urlsafe(24)}"
        return Session(folder=folder, touched=self._clock())


def _mark(path: Path) -> tuple[int, int]:
    """What tells a file from a later one at the same place; zeros where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_ino, found.st_mtime_ns


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def discard(path: Path) -> int:
    """Delete a file, and its folder when that is then empty; 1 when the file was there, else 0."""
    try:
        path.unlink()
    except FileNotFoundError:
        return 0
    with suppress(OSError):  # not empty, or someone else's upload just arrived there
        path.parent.rmdir()
    return 1
