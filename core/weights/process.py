"""Run a downloading program out of sight and watch how much of its file has arrived."""

import fnmatch
import os
import signal
import subprocess
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.2
LOG_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended.

    Attributes:
        status: exit status, 0 for success.
        log: the end of what it printed.
        received: the largest file, in bytes, that it was seen to hold while it ran.
    """

    status: int
    log: str
    received: int


def run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], pattern: str = "*"
) -> Generator[int, None, Outcome]:
    """Run ``command`` in ``folder``; several times a second yield the size of the largest file below it.

    Package managers offer no progress that can be relied on across their versions, but all of them let
    one large file grow in a folder of our choice. Closing the generator ends the program.
    """
    received = 0
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while True:
                try:
                    status = process.wait(POLL_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    received = max(received, largest(folder, pattern))
                    yield received
        finally:
            _end(process)
        log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_BYTES))
        return Outcome(status, log.read().decode(errors="replace"), received)


def largest(folder: Path, pattern: str = "*") -> int:
    """Size in bytes of the largest file below ``folder`` whose name fits ``pattern``, 0 without one."""
    sizes = [0]
    for parent, _, names in os.walk(folder):
        for name in fnmatch.filter(names, pattern):
            with suppress(FileNotFoundError):  # renamed between the listing and the question
                sizes.append(Path(parent, name).stat().st_size)
    return max(sizes)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the program and the programs that it started."""
    if process.poll() is not None:
        return
    if os.name == "posix":
        os.killpg(process.pid, signal.SIGTERM)
    else:
        process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
