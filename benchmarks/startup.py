"""From ``python app.py`` to a page that a browser has been given: seconds, and what got loaded on the way.

python -m benchmarks.startup --write
"""

import argparse
import os
import platform
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from benchmarks.results import table, write_section

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "python -m benchmarks.startup --write"
PATIENCE = 90.0


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_once() -> tuple[float, float]:
    """Start the app in a process of its own, ask for its page until it answers, and stop it.

    Returns:
        Seconds until the page was there, and the process's resident memory then, in MB.
    """
    port = free_port()
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1"}
    environment["FACET_OFFLINE"] = "1"  # a start must need nothing from outside
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    try:
        while time.perf_counter() - started < PATIENCE:
            if process.poll() is not None:
                raise SystemExit(f"the app ended with code {process.returncode}")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                    if b"gradio" in answer.read():
                        seconds = time.perf_counter() - started
                        return seconds, psutil.Process(process.pid).memory_info().rss / 1e6
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
        raise SystemExit(f"no page within {PATIENCE:.0f} s")
    finally:
        process.terminate()
        process.wait(20)


def torch_is_loaded() -> bool:
    """Whether building the page imports torch, in a fresh process."""
    code = (
        "import sys, app; from core.settings import settings; from demos.services import Services; "
        "from demos.sessions import Sessions; from pathlib import Path; import tempfile; "
        "app.build(Services(settings(), Sessions(Path(tempfile.mkdtemp()), 30))); "
        "print('torch' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return answer.stdout.strip().splitlines()[-1] == "True"


def main() -> None:
    """Measure and, with --write, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="keep the figures in RESULTS.md")
    chosen = parser.parse_args()
    start_once()  # fills the file cache, as on a machine that has started it before
    runs = [start_once() for _ in range(chosen.runs)]
    seconds, memory = [run[0] for run in runs], [run[1] for run in runs]
    rows = [
        [
            "start to page, s",
            f"{min(seconds):.1f}",
            f"{statistics.median(seconds):.1f}",
            f"{max(seconds):.1f}",
        ],
        ["memory then, MB", f"{min(memory):.0f}", f"{statistics.median(memory):.0f}", f"{max(memory):.0f}"],
    ]
    text = table(["", "least", "median", "most"], rows)
    loaded = "is imported" if torch_is_loaded() else "is not imported"
    text += (
        f"\n\n{chosen.runs} starts after one warm-up, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, network use switched off. torch {loaded} and no model is "
        "loaded until a tab needs one. The aim is a page within 12 s."
    )
    print(text)
    if chosen.write:
        write_section("Start-up", COMMAND, text)


if __name__ == "__main__":
    main()
