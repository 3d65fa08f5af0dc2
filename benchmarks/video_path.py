"""Frames per second of the whole path, beside the documented way of EmotiEffLib.

python -m benchmarks.video_path --write

Both ways read the same clips with the same decoder, find faces with the same YuNet and use the same encoder:
the documented way searches the whole of each frame and calls the encoder once a frame on the largest face;
ours follows faces (``core.faces.track``), with a recogniser that checks who they are, and calls the encoder
on batches of crops.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from benchmarks.camouflage_universal import DATA
from benchmarks.results import table, write_section
from core import expression, recognition
from core.expression.base import Encoder
from core.faces import detect
from core.faces._match import overlaps
from core.faces.track import Embed, Tracker, pick
from core.types import Frame

TITLE = "Video: the whole path, frames per second"
COMMAND = "python -m benchmarks.video_path --write"
CLIPS = (
    *("fex_smile.mov", "fex_disgust.mov", "mead_happy.mp4", "mead_surprised.mp4"),
    *("mead_M030_sad_3_001.mp4", "pyfeat_WolfgangLanger_Pexels.mp4", "grid_bbaf2n.mpg"),
)
RECOGNISER = "mobilefacenet-ms1m"
BATCH = 16
AIM = 1.5


@dataclass(slots=True)
class Run:
    """One way over one clip.

    Attributes:
        wall: seconds of each step by the clock.
        cpu: seconds of all threads of the process.
        frames: how many were decoded.
        boxes: frame -> box of the main face.
        classes: frame -> class decided.
    """

    wall: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    cpu: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    frames: int = 0
    boxes: dict[int, tuple[float, ...]] = field(default_factory=dict)
    classes: dict[int, int] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add the time of a block to a step."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall[name] += time.perf_counter() - wall
        self.cpu[name] += time.process_time() - cpu

    def share(self, name: str) -> float:
        """Share of a step in the wall time."""
        return self.wall[name] / sum(self.wall.values())


def batches(path: Path, run: Run, batch: int) -> Iterator[tuple[Frame, ...]]:
    """Batches of frames whose decoding is counted."""
    from core.media import video

    reader = video.frames(path, batch=batch)
    while True:
        with run.step("decode"):
            frames = next(reader, None)
        if frames is None:
            return
        run.frames += len(frames)
        yield frames


def documented(path: Path, encoder: Encoder) -> Run:
    """The detector on each whole frame, the encoder once a frame on its largest face."""
    run = Run()
    for frames in batches(path, run, BATCH):
        for frame in frames:
            with run.step("find"):
                faces = detect(frame.pixels, thorough=False)
            if not faces:
                continue
            with run.step("encode"):
                crop = encoder.cut(frame.pixels, np.array([faces[0].box]))
                run.classes[frame.index] = int(encoder(crop).scores.argmax())
            run.boxes[frame.index] = faces[0].box
    return run


def followed(path: Path, encoder: Encoder, embed: Embed) -> Run:
    """Followed faces, the encoder on batches of crops; the main person's answers are kept."""
    run, tracker = Run(), Tracker(embed=embed)
    crops: list[Tensor] = []
    owners: list[tuple[int, int]] = []
    answers: dict[tuple[int, int], int] = {}

    def encode(least: int) -> None:
        while len(crops) >= least:
            with run.step("encode"):
                decided = encoder(torch.cat(crops[:BATCH])).scores.argmax(1).tolist()
            answers.update(zip(owners[:BATCH], decided, strict=True))
            del crops[:BATCH], owners[:BATCH]

    for frames in batches(path, run, BATCH):
        with run.step("find"):
            places = tracker.update(frames)
        for frame, found in zip(frames, places, strict=True):
            with run.step("encode"):
                crops += [encoder.cut(frame.pixels, np.array([place.box])) for place in found]
            owners += [(place.number, frame.index) for place in found]
        encode(BATCH)
    with run.step("find"):
        tracks = tracker.finish()
    encode(1)
    main = pick(tracks)
    run.boxes = {int(at): tuple(box) for at, box in zip(main.frames, main.boxes, strict=True)}
    run.classes = {at: decided for (number, at), decided in answers.items() if number == main.number}
    return run


def best_of(repeats: int, way: Callable[[], Run]) -> Run:
    """The fastest of some runs."""
    return min((way() for _ in range(repeats)), key=lambda run: sum(run.wall.values()))


def row(name: str, old: Run, new: Run) -> list[str]:
    """One clip's cells."""
    both = sorted(old.classes.keys() & new.classes.keys())
    same = np.mean([old.classes[at] == new.classes[at] for at in both])
    boxes = [np.array([run.boxes[at] for at in both], float) for run in (old, new)]
    shared = overlaps(*boxes).diagonal()
    wall = [run.frames / sum(run.wall.values()) for run in (old, new)]
    cpu = [run.frames / sum(run.cpu.values()) for run in (old, new)]
    steps = ("decode", "find", "encode")
    costs = [" + ".join(f"{1e3 * run.cpu[step] / run.frames:.1f}" for step in steps) for run in (old, new)]
    return [
        f"{name} ({old.frames})",
        *(f"{value:.0f}" for value in (*wall, *cpu)),
        f"**{wall[1] / wall[0]:.2f}**, {cpu[1] / cpu[0]:.2f}",
        *costs,
        f"{old.share('encode'):.0%}, {new.share('encode'):.0%}",
        f"{same:.1%} of {len(both)}",
        f"{shared.mean():.3f} ({np.percentile(shared, 5):.3f})",
    ]


def merged(runs: Sequence[Run]) -> Run:
    """All clips as one."""
    whole = Run()
    for clip, run in enumerate(runs):
        whole.frames += run.frames
        for step in run.wall:
            whole.wall[step] += run.wall[step]
            whole.cpu[step] += run.cpu[step]
        whole.boxes |= {1_000_000 * clip + at: box for at, box in run.boxes.items()}
        whole.classes |= {1_000_000 * clip + at: one for at, one in run.classes.items()}
    return whole


def report(rows: list[list[str]], whole: tuple[Run, Run], arguments: argparse.Namespace) -> str:
    """The table with what it rests on."""
    old, new = (run.frames / sum(run.wall.values()) for run in whole)
    verdict = "is reached" if new / old >= AIM else "is missed"
    head = ["clip (frames)", "documented, fps", "ours, fps", "documented, frames a CPU second", "ours"]
    head += ["ratio by the clock, by CPU", "documented: decode + find + encode, CPU ms", "ours"]
    head += ["encoder's share, documented and ours", "same class", "IoU of boxes, mean (5th pct.)"]
    return (
        f"{arguments.threads} threads; {whole[0].frames} frames of {len(rows) - 1} clips, the faster of "
        f"{arguments.repeats} runs of each way; encoder {arguments.encoder}. Documented: YuNet at 512 px on "
        "each frame, one call of the encoder a frame on the largest face. Ours: the tracker with "
        f"{RECOGNISER} as its check of identity (counted under find), batches of {BATCH} crops. Reading in "
        "both is the app's own door for clips. The same class: frames on which both ways decide alike. "
        f"The aim of {AIM} times {verdict}: {new / old:.2f}.\n\n{table(head, rows)}"
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA.parent / "video")
    parser.add_argument("--encoder", default="facet-expression")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3, help="the fastest of so many runs counts")
    parser.add_argument("--clips", nargs="*", default=CLIPS)
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    encoder, embed = expression.load(arguments.encoder), recognition.embedder(RECOGNISER)
    first = arguments.data / arguments.clips[0]
    documented(first, encoder), followed(first, encoder, embed)  # models and caches are warm
    old, new, rows = [], [], []
    for name in arguments.clips:
        path = arguments.data / name
        old.append(best_of(arguments.repeats, lambda path=path: documented(path, encoder)))
        new.append(best_of(arguments.repeats, lambda path=path: followed(path, encoder, embed)))
        rows.append(row(name, old[-1], new[-1]))
        print(" | ".join(rows[-1]), flush=True)
    whole = merged(old), merged(new)
    rows.append(row("all", *whole))
    text = report(rows, whole, arguments)
    print(text)
    if arguments.write:
        write_section(TITLE, COMMAND, text)


if __name__ == "__main__":
    main()
