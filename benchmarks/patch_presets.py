"""How long a person waits in the tab of patches, from the press of a button to figures for the screen.

python -m benchmarks.patch_presets --write

Every button is pressed in a process of its own, as the tab does it with its default settings: for the first
example, when all weights have yet to be read, and then for the next one. Nothing is fetched.
"""

import argparse
import multiprocessing
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Final

from benchmarks.results import table, write_section
from core.types import Progress
from demos.patches import intake, making, natural, people, readers, words
from demos.patches.bench import STEPS, Bench, Probe

TITLE: Final = "Patches: how long a person waits"
COMMAND: Final = "python -m benchmarks.patch_presets --write"
FREE, DIFFUSION = 20.0, 60.0  # seconds that the issue allows
STRENGTH: Final = 0.5  # of the slider, as the tab has it at first
FACES: Final = ("person-a", "person-b", "person-c")
EYES: Final = "synthetic-eyes"


@dataclass(frozen=True)
class Press:
    """A button of the tab and the choices before it.

    Attributes:
        title: for the table.
        way: the name of the way that makes the patch.
        kind: "faces" or "persons".
        prior: of a natural way.
        aims: at the next example, instead of hiding.
    """

    title: str
    way: str
    kind: str = "faces"
    prior: str = ""
    aims: bool = False

    @property
    def limit(self) -> float:
        """Seconds."""
        return DIFFUSION if self.prior else FREE


PRESSES: Final = (
    Press("one pass", "generator"),
    Press("one pass, passing for another", "generator", aims=True),
    Press("search", "pgd"),
    Press("flower, offset in the latent", "latent offset", prior=natural.FLOWERS),
    Press("flower, guided denoising", "guided sample", prior=natural.FLOWERS),
    Press("flower, offset by one pass", natural.ONE_PASS, prior=natural.FLOWERS),
    Press("face generator, around the eyes", "latent offset", prior=EYES),
    Press("one pass", "generator", kind="persons"),
    Press("search", "pgd", kind="persons"),
)


def bench_for(press: Press, number: int) -> Bench:
    """What somebody has chosen who is about to press."""
    bench = Bench()
    bench.start(example(press.kind, number))
    if press.aims:
        bench.mode, bench.aim = "impersonation", intake.aim_at(FACES[number + 1])
    return bench


def example(kind: str, number: int) -> Probe:
    """One of those who come with the app."""
    return intake.example(FACES[number]) if kind == "faces" else intake.walker(number)


def job(press: Press, bench: Bench) -> Iterator[Progress]:
    """What the button does: baselines and one pass first, whatever is asked for."""
    if press.way == "pgd":
        yield from making.search(bench)
        return
    yield from making.first(bench)
    if press.prior:
        label = next(iter(natural.labels(press.prior)), "")
        yield from natural.paint(bench, press.prior, label, press.way, STRENGTH, 0)


def waited(press: Press) -> tuple[float, float, float]:
    """Press twice in this process.

    Returns:
        Seconds of the first press, of the second for another example, and of making the second one's patch.
    """
    spent = []
    for number in (0, 1):
        bench = bench_for(press, number)
        started = time.perf_counter()
        for _ in job(press, bench):
            pass
        spent.append(time.perf_counter() - started)
    return spent[0], spent[1], bench.tried[press.way].made.seconds


def row(press: Press, first: float, second: float, patch: float) -> list[str]:
    """Of the table."""
    kept = "met" if max(first, second) <= press.limit else "missed"
    who = "a face" if press.kind == "faces" else "a drawn person"
    told = (f"{seconds:.1f}" for seconds in (first, second, patch))
    return [who, press.title, *told, f"{press.limit:.0f} ({kept})"]


def main() -> None:
    """Measure and, with ``--write``, renew the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    chosen = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(chosen.threads)  # read by torch in the processes to come
    rows = []
    for press in PRESSES:
        fresh = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=fresh) as alone:
            rows.append(row(press, *alone.submit(waited, press).result()))
        print(rows[-1], flush=True)
    judging = {
        kind: f"{len(readers.attacked(kind, 'evasion'))} attacked and "
        f"{len(readers.judges(kind, 'evasion'))} never-seen encoders"
        for kind in readers.KINDS
    }
    head = ["who", "button", "first press, s", "next example, s", "of it making the patch, s", "allowed, s"]
    text = (
        f"Wall time on two cores with {chosen.threads} threads, every button in a process of its own. First "
        "press: the page is there, the example is chosen (its face found), no weights of this tab are read; "
        "all are on the disk. Next example: another person in the same process. Every press embeds the "
        "gallery and the clean picture where that was not done, makes and judges the baselines "
        f"({words.CHANCE.lower()}, face paint, a crop of a photograph) and the patch of one pass, and then, "
        f"for the other buttons, their own patch: {STEPS} steps of search, or the prior's plain picture, the "
        f"patch at the slider's {STRENGTH} and how natural all look. Faces are judged by {judging['faces']} "
        f"({len(people.album())} people in the gallery), drawn people by {judging['persons']} "
        f"({len(people.street())}). Weights are fetched before, which is not counted.\n\n{table(head, rows)}"
    )
    print(text)
    if chosen.write:
        write_section(TITLE, COMMAND, text)


if __name__ == "__main__":
    main()
