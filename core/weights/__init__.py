"""Weights by name: what they are, whether they are here, and a verified path to them.

    entry("yunet").weights_licence
    status("lightcnn29v4").reason
    path = resolve("lightcnn29v4", progress=show)

The manifest is ``weights/manifest.toml``; fetched files live in ``settings().cache_dir``.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from core.errors import UserError
from core.settings import settings
from core.types import Progress
from core.weights.manifest import Entry, File, load
from core.weights.messages import megabytes
from core.weights.store import Health, Status, Store

__all__ = [
    "Entry",
    "File",
    "Health",
    "Status",
    "Store",
    "entries",
    "entry",
    "fetch",
    "installed",
    "megabytes",
    "resolve",
    "status",
    "verify",
]


def installed() -> Store:
    """The store of this installation, as the settings describe it."""
    here = settings()
    manifest = load(here.weights_dir / "manifest.toml")
    return Store(manifest, here.weights_dir, here.cache_dir, here.offline)


def entry(name: str) -> Entry:
    """What the manifest says about ``name``; an unknown name is a UserError that lists the known."""
    return installed().entry(name)


def entries(role: str | None = None) -> tuple[Entry, ...]:
    """All entries in the manifest's order, or those of one role."""
    return tuple(e for e in installed().entries.values() if role is None or e.role == role)


def status(name: str) -> Status:
    """Whether the files are here, without hashing and without the network; see :class:`Status`."""
    return installed().status(name)


def resolve(name: str, progress: Callable[[Progress], None] | None = None) -> Path:
    """A verified path, fetched first if need be; see :meth:`Store.resolve`."""
    return installed().resolve(name, progress)


def verify(name: str) -> Health:
    """Hash the files again; see :meth:`Store.verify`."""
    return installed().verify(name)


def fetch(names: Sequence[str] | None = None) -> Iterator[Progress]:
    """Make several entries ready, one after the other.

    Args:
        names: which, None for all that are not optional.

    Yields:
        Progress over all of them together; ``data["bytes"]`` of ``data["total"]`` for the current one.

    Raises:
        UserError: after everything else was tried, the first entry's problem (all problems are told).
    """
    here = installed()
    chosen = [here.entry(name) for name in names] if names else [e for e in entries() if not e.optional]
    sizes = [here.status(e.name).bytes_to_fetch for e in chosen]
    total, before = max(1, sum(sizes)), 0
    problems: list[UserError] = []
    for each, size in zip(chosen, sizes, strict=True):
        try:
            for event in here.fetch(each.name):
                yield Progress((before + event.done * size) / total, event.message, event.data)
        except UserError as problem:
            problems.append(problem)
        before += size
    if problems:
        raise UserError(problems[0].code, " ".join(p.message for p in problems), problems[0].hint)
