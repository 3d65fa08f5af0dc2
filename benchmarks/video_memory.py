"""Peak memory of streaming a three-minute 720p clip, in a process of its own.

python -m benchmarks.video_memory --write
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.results import table, write_section
from core.media import audio, video
from core.types import Audio, Frame

TITLE = "Memory of a clip"
COMMAND = "python -m benchmarks.video_memory --write"
SECONDS, FPS, WIDTH, HEIGHT = 180, 30, 1280, 720
AIM_MB = 1500


def scenes() -> Iterator[Frame]:
    """A moving square over a drifting gradient with some noise."""
    random = np.random.default_rng(0)
    noise = random.integers(0, 24, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    slope = np.linspace(0, 180, WIDTH, dtype=np.uint8)[None, :, None]
    for index in range(SECONDS * FPS):
        pixels = np.roll(noise, index, axis=0) + np.roll(slope, 3 * index, axis=1)
        left = 5 * index % (WIDTH - 200)
        pixels[200:400, left : left + 200] = 230
        yield Frame(index, index / FPS, pixels)


def make(path: Path) -> None:
    """The clip with a tone."""
    clock = np.arange(SECONDS * 48000) / 48000
    tone = (0.2 * np.sin(2 * np.pi * 440 * clock)).astype(np.float32)
    video.encode(scenes(), path, fps=FPS, audio=Audio(tone, 48000, 0.0), options={"preset": "ultrafast"})


def stream(path: Path) -> None:
    """In the child: read all frames and the sound, and tell the peak of the whole process."""
    count = sum(len(batch) for batch in video.frames(path))
    sound = audio.load(path)
    seconds = len(sound.samples) / sound.rate if sound else 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(json.dumps({"frames": count, "sound": seconds, "peak": peak}))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stream", type=Path, help="in the child: the clip to be read")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    arguments = parser.parse_args()
    if arguments.stream:
        stream(arguments.stream)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        make(path)
        size = path.stat().st_size / 1e6
        child = [sys.executable, "-m", "benchmarks.video_memory", "--stream", str(path)]
        found = json.loads(subprocess.run(child, check=True, capture_output=True, text=True).stdout)
    head = ["clip", "file, MB", "frames read", "sound read, s", "peak of the process, MB", "aim, MB"]
    row = [f"{WIDTH} x {HEIGHT}, {SECONDS} s at {FPS} a second", f"{size:.1f}", f"{found['frames']}"]
    row += [f"{found['sound']:.1f}", f"{found['peak']:.0f}", f"below {AIM_MB}"]
    text = (
        "One run on a made clip (H.264, AAC): all frames at full size in batches of 16, then the whole "
        "sound at 16 kHz; the largest resident memory of the reading process, Python and libraries "
        "included. Without "
        f"detector or encoder.\n\n{table(head, [row])}"
    )
    print(text)
    if arguments.write:
        write_section(TITLE, COMMAND, text)


if __name__ == "__main__":
    main()
