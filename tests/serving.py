"""The app in a process of its own on a free port."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.settings import ROOT

START_SECONDS = 90  # generous: a test server may share its cores


@dataclass(frozen=True, slots=True)
class Server:
    """A running app."""

    url: str
    uploads: Path
    log: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Start an app with changed environment variables; all are stopped at the end."""
    running: list[subprocess.Popen[bytes]] = []

    def start(**changes: str) -> Server:
        folder = tmp_path_factory.mktemp("app")
        port = free_port()
        environment = {k: v for k, v in os.environ.items() if k != "FACET_OFFLINE"}
        environment |= {"GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(folder / "uploads")}
        environment |= changes
        log = folder / "log.txt"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT
            )
        running.append(process)
        server = Server(f"http://127.0.0.1:{port}", folder / "uploads", log)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(OSError), urllib.request.urlopen(server.url, timeout=5):
                return server
            time.sleep(0.2)
        pytest.fail(f"the app did not start: {log.read_text()[-2000:]}")

    yield start
    for process in running:
        process.terminate()
    for process in running:
        process.wait(20)


@pytest.fixture(scope="session")
def server(serve: Callable[..., Server]) -> Server:
    """The app that most tests share."""
    return serve()
