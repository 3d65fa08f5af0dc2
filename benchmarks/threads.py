"""What waiting costs: a recogniser alone on the machine, and two processes with it at once.

python -m benchmarks.threads --write

Each process has as many threads as the machine has cores. Run it with nothing else at work.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence

import numpy as np

from benchmarks.results import table, write_section
from core.settings import ROOT

TITLE = "Threads that wait"
COMMAND = "python -m benchmarks.threads --write"
NAME, BATCH, TIMES, RUNS = "mobilefacenet-w600k", 4, 30, 3
WAYS = {"libgomp's own choice": {}, "as Facet starts it": {"GOMP_SPINCOUNT": "1000"}}


def work() -> None:
    """The passes of one process; prints the seconds that they took."""
    import torch

    from core import recognition

    torch.set_num_threads(os.cpu_count() or 1)
    model, pictures = recognition.load(NAME), torch.rand(BATCH, 3, 224, 224)
    with torch.inference_mode():
        model(pictures)
        print("ready", flush=True)
        sys.stdin.readline()  # so that several begin together
        begun = time.perf_counter()
        for _ in range(TIMES):
            model(pictures)
    print(time.perf_counter() - begun)


def seconds(processes: int, changes: dict[str, str]) -> list[float]:
    """Of each process, all of them at once."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.threads", "--work"],
            cwd=ROOT,
            env=plain | changes,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    for one in running:
        assert one.stdout is not None and one.stdout.readline() == "ready\n"
    for one in running:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    return [float(one.communicate()[0]) for one in running]


def spread(values: Sequence[float]) -> str:
    """Least, median and most."""
    return f"{np.min(values):.2f} / {np.median(values):.2f} / {np.max(values):.2f}"


def main() -> None:
    """Measure, print, and write where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="into RESULTS.md")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.work:
        work()
        return
    found: dict[tuple[str, int], list[float]] = {(way, count): [] for way in WAYS for count in (1, 2)}
    for _ in range(RUNS):  # in turn, so that a slow minute hurts all alike
        for way, count in found:
            found[way, count] += seconds(count, WAYS[way])
    rows = [[way, *(spread(found[way, count]) for count in (1, 2))] for way in WAYS]
    text = (
        f"{table(['threads wait', 'one process, s', 'two at once, s'], rows)}\n\n"
        f"{TIMES} times {BATCH} faces through {NAME}, {os.cpu_count()} cores, as many threads a process; "
        f"least, median and most of {RUNS} runs. Two at once have twice the work to do. libgomp lets a "
        "thread that waits spin for milliseconds, all the while on the core that the other process's last "
        "thread needs; `core.settings.share_processors` lets it sleep after a thousand rounds."
    )
    print(text)
    if chosen.write:
        write_section(TITLE, COMMAND, text)


if __name__ == "__main__":
    main()
