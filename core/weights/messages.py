"""What people read while weights are fetched, and when they cannot be."""

from collections.abc import Sequence

from core.errors import Code, UserError
from core.types import Progress
from core.weights.carriers import SourceError
from core.weights.manifest import Entry


def megabytes(size: int) -> str:
    """A size for people: ``"38 MB"``, ``"0.2 MB"``."""
    return f"{size / 1e6:.1f} MB" if size < 1e6 else f"{size / 1e6:.0f} MB"


def fetching(entry: Entry, received: int, total: int) -> Progress:
    """What is fetched, how large it is and how much of it is here, in bytes."""
    size = megabytes(total)
    message = f"Fetching {entry.title} ({entry.role}, {size}, only once): {megabytes(received)} so far."
    return Progress(received / total, message, {"bytes": float(received), "total": float(total)})


def waiting(entry: Entry) -> Progress:
    """Another process or thread is fetching the same."""
    return Progress(0.0, f"Waiting for {entry.title}, which is already being fetched.")


def ready(entry: Entry) -> Progress:
    """The end of a fetch."""
    return Progress(1.0, f"{entry.title} is ready.")


def switched_off(entry: Entry, *, damaged: bool) -> UserError:
    """Weights that are needed, but must not be fetched."""
    state = "here is damaged" if damaged else "is not here yet"
    return UserError(
        Code.WEIGHTS_CORRUPT if damaged else Code.WEIGHTS_MISSING,
        f"{entry.title} {state}, and fetching is switched off (FACET_OFFLINE).",
        f"With a connection and without FACET_OFFLINE run: {command(entry)}",
    )


def lost(entry: Entry, *, damaged: bool) -> UserError:
    """A file of the repository that is not as it was released."""
    return UserError(
        Code.WEIGHTS_CORRUPT if damaged else Code.WEIGHTS_MISSING,
        f"{entry.title} comes with Facet, but its file is {'damaged' if damaged else 'missing'} here.",
        "Restore the weights folder of this copy, for instance with: git checkout -- weights",
    )


def not_those(entry: Entry) -> UserError:
    """Files brought by hand that are not an entry's."""
    names = ", ".join(f"{file.path} (SHA-256 {file.sha256[:12]}…)" for file in entry.files)
    return UserError(
        Code.WEIGHTS_CORRUPT,
        f"What was brought is not {entry.title}: its SHA-256 is another, or a file is missing.",
        f"Expected: {names}. Nothing was installed.",
    )


def no_room(entry: Entry) -> UserError:
    """The cache cannot take the files."""
    return UserError(
        Code.WEIGHTS_MISSING,
        f"{entry.title} could not be stored: the disk is full or the cache cannot be written.",
        f"Free space or point FACET_CACHE at another folder, then run: {command(entry)}",
    )


def changed(entry: Entry) -> UserError:
    """Files that were replaced right after they had been verified."""
    return UserError(
        Code.WEIGHTS_CORRUPT,
        f"{entry.title} changed while it was being installed.",
        f"Run: {command(entry)}",
    )


def failed(entry: Entry, failures: Sequence[SourceError]) -> UserError:
    """Every source's reason in one sentence, under the gravest code."""
    codes = {failure.code for failure in failures}
    hints = {
        Code.WEIGHTS_CORRUPT: f"Nothing was installed. Try again later with: {command(entry)}",
        Code.WEIGHTS_OFFLINE: f"Check the connection, then run: {command(entry)}",
        Code.WEIGHTS_MISSING: f"Once that is mended, run: {command(entry)}",
    }
    code = next(code for code in hints if code in codes)
    reasons = "; ".join(dict.fromkeys(failure.reason for failure in failures))
    return UserError(code, f"{entry.title} could not be fetched: {reasons}.", hints[code])


def command(entry: Entry) -> str:
    """The command that fetches an entry."""
    return f"python -m core weights fetch {entry.name}"
