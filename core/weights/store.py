"""Find, fetch and verify weights: one cache for all processes, one fetch at a time for each entry."""

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from filelock import FileLock, Timeout

from core.errors import Code, UserError
from core.types import Progress
from core.weights import messages
from core.weights.carriers import SourceError, carry, obstacle
from core.weights.manifest import Bundled, Entry, File, Hub

WAIT_SECONDS = 0.5
KEPT = ("archive.whl", "hub")


class Health(StrEnum):
    """What a full check found."""

    GOOD = "good"
    ABSENT = "absent"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Status:
    """Whether weights are here.

    Attributes:
        present: True when the files are here with the expected sizes.
        reason: half a sentence for the screen.
        bytes_to_fetch: what has to be carried before they can be used, 0 when present.
        fetchable: False when absent and fetching is switched off or impossible.
    """

    present: bool
    reason: str
    bytes_to_fetch: int
    fetchable: bool = True


@dataclass(frozen=True, slots=True)
class Store:
    """The weights of one installation.

    Attributes:
        entries: the manifest.
        bundled: the repository's ``weights/``.
        cache: where fetched files are kept; shared by all processes of a user.
        offline: never fetch anything.
    """

    entries: Mapping[str, Entry]
    bundled: Path
    cache: Path
    offline: bool = False

    def entry(self, name: str) -> Entry:
        """The entry called ``name``; an unknown one is a UserError that lists the known."""
        if name not in self.entries:
            raise UserError(
                Code.OPTION_RANGE,
                f"There are no weights called {name!r}.",
                f"Choose one of: {', '.join(self.entries)}.",
            )
        return self.entries[name]

    def status(self, name: str) -> Status:
        """Look at sizes only: no hashing, no network."""
        entry = self.entry(name)
        for place in self._places(entry):
            if all(_size(place / file.path) == file.bytes for file in entry.files):
                return Status(True, "comes with Facet" if place != self.home(name) else "ready", 0)
        size = entry.carried
        if not entry.remote:
            return Status(False, "its file is missing from this copy of Facet", 0, fetchable=False)
        if self.offline:
            return Status(False, "not here yet, and fetching is switched off", size, fetchable=False)
        obstacles = [obstacle(source) for source in entry.remote]
        if all(obstacles):
            return Status(False, f"not here yet, and {obstacles[0]}", size, fetchable=False)
        return Status(False, f"not here yet: {messages.megabytes(size)} to fetch once", size)

    def resolve(self, name: str, progress: Callable[[Progress], None] | None = None) -> Path:
        """The verified file of a one-file entry, or the folder that holds a larger entry's files.

        Fetches what is absent. ``progress`` is called in the calling thread.

        Raises:
            UserError: WEIGHTS_OFFLINE, WEIGHTS_CORRUPT or WEIGHTS_MISSING, with the command that gets it.
        """
        entry = self.entry(name)
        place = self._ready(entry)
        if place is None:
            for event in self.fetch(name):
                if progress is not None:
                    progress(event)
            place = self._ready(entry)
        if place is None:
            raise messages.changed(entry)
        return place / entry.files[0].path if len(entry.files) == 1 else place

    def fetch(self, name: str) -> Iterator[Progress]:
        """Make an entry ready; a generator that may be closed at any time.

        Yields:
            Progress with ``data["bytes"]`` received and ``data["total"]`` to be carried.

        Raises:
            UserError: as :meth:`resolve`.
        """
        entry = self.entry(name)
        if self._ready(entry) is None:
            damaged = self.verify(name) is Health.DAMAGED
            if not entry.remote:
                raise messages.lost(entry, damaged=damaged)
            if self.offline:
                raise messages.switched_off(entry, damaged=damaged)
            try:
                yield from self._fetch_alone(entry)
            except OSError as problem:
                raise messages.no_room(entry) from problem
        yield messages.ready(entry)

    def add(self, name: str, brought: Sequence[Path]) -> Path:
        """Install an entry from files that somebody brought; each is known by its SHA-256, not by its name.

        Returns:
            As :meth:`resolve`.

        Raises:
            UserError: WEIGHTS_CORRUPT when a file of the entry is not among them; nothing is installed.
        """
        entry = self.entry(name)
        found = {_hash(path): path for path in brought if path.is_file()}
        if any(file.sha256 not in found for file in entry.files):
            raise messages.not_those(entry)
        incoming = self.cache / "weights" / "incoming" / entry.name
        incoming.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.cache / "weights" / f"{entry.name}.lock"):
            (incoming / "ready").mkdir(parents=True, exist_ok=True)
            for file in entry.files:
                shutil.copyfile(found[file.sha256], incoming / "ready" / file.path)
            self._install(entry, incoming)
            shutil.rmtree(incoming, ignore_errors=True)
        return self.resolve(name)

    def verify(self, name: str) -> Health:
        """Hash every file again, whatever was recorded; a damaged fetched copy is fetched anew later."""
        entry = self.entry(name)
        found = [
            place for place in self._places(entry) if any((place / f.path).exists() for f in entry.files)
        ]
        if not found:
            return Health.ABSENT
        if all(
            _size(found[0] / f.path) == f.bytes and _hash(found[0] / f.path) == f.sha256 for f in entry.files
        ):
            return Health.GOOD
        self._stamp_path(name).unlink(missing_ok=True)
        return Health.DAMAGED

    def home(self, name: str) -> Path:
        """Where an entry's fetched files live; another version of the files has another home."""
        return self.cache / "weights" / name / self.entries[name].digest

    def _places(self, entry: Entry) -> Iterator[Path]:
        """Folders in which the files may lie, in the order of the sources."""
        for source in entry.sources:
            if isinstance(source, Bundled):
                yield (self.bundled / source.members[0]).parent
                break
        yield self.home(entry.name)

    def _ready(self, entry: Entry) -> Path | None:
        """A folder whose files are known to be good: by the stamp, else by hashing them."""
        home = self.home(entry.name)
        for place in self._places(entry):
            if place == home and self._stamped(entry):
                return place
            if all(_good(place / file.path, file) for file in entry.files):
                if place == home:
                    with suppress(OSError):  # a read-only cache: hashed once in each process
                        self._stamp(entry)
                return place
        return None

    def _stamp_path(self, name: str) -> Path:
        return self.home(name) / "verified.json"

    def _stamped(self, entry: Entry) -> bool:
        """Whether size and time of every file are those recorded when its hash was last right."""
        try:
            recorded = json.loads(self._stamp_path(entry.name).read_text())
            return bool(recorded == self._times(entry))
        except (OSError, ValueError):
            return False

    def _stamp(self, entry: Entry) -> None:
        path = self._stamp_path(entry.name)
        temporary = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        temporary.write_text(json.dumps(self._times(entry)))
        temporary.replace(path)

    def _times(self, entry: Entry) -> dict[str, list[int]]:
        stats = {file.path: (self.home(entry.name) / file.path).stat() for file in entry.files}
        return {name: [stat.st_size, stat.st_mtime_ns] for name, stat in stats.items()}

    def _fetch_alone(self, entry: Entry) -> Iterator[Progress]:
        """Fetch under the entry's lock; whoever waited finds the files of the one who came first."""
        folder = self.cache / "weights"
        folder.mkdir(parents=True, exist_ok=True)
        # Not thread-local: a generator may be continued and closed by different threads.
        lock = FileLock(folder / f"{entry.name}.lock", thread_local=False)
        while True:
            try:
                lock.acquire(timeout=WAIT_SECONDS)
                break
            except Timeout:
                yield messages.waiting(entry)
        try:
            if self._ready(entry) is None:
                yield from self._fetch_locked(entry)
        finally:
            lock.release()

    def _fetch_locked(self, entry: Entry) -> Iterator[Progress]:
        incoming = self.cache / "weights" / "incoming" / entry.name
        incoming.mkdir(parents=True, exist_ok=True)
        failures: list[SourceError] = []
        for source in entry.remote:
            _clean(incoming)
            total = entry.bytes if isinstance(source, Hub) else source.bytes
            try:
                yield messages.fetching(entry, 0, total)
                for received in carry(source, entry.files, incoming):
                    yield messages.fetching(entry, min(received, total), total)
            except SourceError as failure:
                failures.append(failure)
                continue
            self._install(entry, incoming)
            shutil.rmtree(incoming, ignore_errors=True)
            return
        raise messages.failed(entry, failures)

    def _install(self, entry: Entry, incoming: Path) -> None:
        home = self.home(entry.name)
        home.mkdir(parents=True, exist_ok=True)
        for file in entry.files:
            (incoming / "ready" / file.path).replace(home / file.path)
        self._stamp(entry)


def _good(path: Path, file: File) -> bool:
    try:
        stat = path.stat()
    except OSError:
        return False
    return stat.st_size == file.bytes and _hash_once(path, stat.st_size, stat.st_mtime_ns) == file.sha256


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@lru_cache(maxsize=256)
def _hash_once(path: Path, size: int, time_ns: int) -> str:
    """The hash of a file that has not changed since it was last asked for in this process."""
    return _hash(path)


def _clean(incoming: Path) -> None:
    """Remove what an attempt that was ended left behind, but for what can be continued."""
    for item in incoming.iterdir():
        if item.name not in KEPT:
            shutil.rmtree(item, ignore_errors=True)
