"""Peak memory of a three-minute 720p clip: of reading it, and of all that the video tab does with it.

python -m benchmarks.video_memory --write
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.results import table, write_section
from core.media import audio, video
from core.types import Audio, Frame

TITLE = "Memory of a clip"
COMMAND = "python -m benchmarks.video_memory --write"
SECONDS, FPS, WIDTH, HEIGHT, FACE = 180, 30, 1280, 720, 600
EXAMPLES = Path(__file__).parents[1] / "demos" / "abaw" / "examples"
AIM_MB = 1500


def scenes() -> Iterator[Frame]:
    """Two drawn people, each enlarged to half of the picture, over drifting noise; played to and fro."""
    random = np.random.default_rng(0)
    noise = random.integers(0, 24, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    faces = [
        [cv2.resize(frame.pixels, (FACE, FACE)) for batch in video.frames(path) for frame in batch]
        for path in (EXAMPLES / "smile.mp4", EXAMPLES / "turn.mp4")
    ]
    for index in range(SECONDS * FPS):
        pixels = np.roll(noise, index, axis=0)
        for side, clip in enumerate(faces):
            at = index % (2 * len(clip) - 2)
            left = side * WIDTH // 2 + (WIDTH // 2 - FACE) // 2
            pixels[60 : 60 + FACE, left : left + FACE] = clip[min(at, 2 * len(clip) - 2 - at)]
        yield Frame(index, index / FPS, pixels)


def make(path: Path) -> None:
    """The clip with a tone."""
    clock = np.arange(SECONDS * 48000) / 48000
    tone = (0.2 * np.sin(2 * np.pi * 440 * clock)).astype(np.float32)
    video.encode(scenes(), path, fps=FPS, audio=Audio(tone, 48000, 0.0), options={"preset": "ultrafast"})


def read(path: Path) -> dict[str, float]:
    """Read all frames and the sound."""
    count = sum(len(batch) for batch in video.frames(path))
    sound = audio.load(path)
    return {"frames": count, "sound": len(sound.samples) / sound.rate if sound else 0.0}


def whole(path: Path) -> dict[str, float]:
    """What the app does with an uploaded clip: clean it, analyse it, decide, write tables and the overlay."""
    import app
    from core.abaw.analyse import Analysis
    from core.settings import settings
    from demos.abaw import analysing, exports
    from demos.abaw.desk import Desk
    from demos.services import Services
    from demos.sessions import Sessions

    with tempfile.TemporaryDirectory() as folder:
        services = Services(settings(), Sessions(Path(folder), 60))
        page, session, desk = app.build(services), services.sessions.loose(), Desk()
        upload = shutil.copy(path, session.place() / "upload.mp4")
        desk.start(*services.clip(session, str(upload)), "clip")
        *_, found = analysing.job(desk.source())
        assert isinstance(found, Analysis) and page is not None
        desk.found(found)
        exports.files(session, desk)
        *_, film = exports.film(session, desk)
        drawn = video.probe(Path(str(film)))
    return {"frames": found.frames, "people": len(found.tracks), "overlay": drawn.duration or 0.0}


WAYS: dict[str, Callable[[Path], dict[str, float]]] = {"read": read, "whole": whole}


def child(way: str, path: Path) -> None:
    """In a process of its own: go one way, and tell the peak of the process."""
    found = WAYS[way](path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(json.dumps({**found, "peak": peak}))


def measured(way: str, path: Path) -> dict[str, float]:
    """Start a child."""
    child = [sys.executable, "-m", "benchmarks.video_memory", "--way", way, "--clip", str(path)]
    out = subprocess.run(child, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(out.splitlines()[-1])
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--way", choices=WAYS, help="in the child: what is done")
    parser.add_argument("--clip", type=Path, help="in the child: with which clip")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    arguments = parser.parse_args()
    if arguments.way:
        child(arguments.way, arguments.clip)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        make(path)
        size = path.stat().st_size / 1e6
        reading, doing = (measured(way, path) for way in WAYS)
    head = ["what is done", "frames", "peak of the process, MB", "aim, MB"]
    told = (
        f"reading alone: all frames, then {reading['sound']:.0f} s of sound",
        "all that the app does: page, cleaning, detector, tracker, recogniser, encoder, heads and landmarks "
        f"of {doing['people']} people, tables, overlay video of {doing['overlay']:.0f} s with sound",
    )
    rows = [
        [said, f"{found['frames']}", f"{found['peak']:.0f}", f"below {AIM_MB}"]
        for said, found in zip(told, (reading, doing), strict=True)
    ]
    text = (
        f"One run of each on a made clip of {WIDTH} x {HEIGHT}, {SECONDS} s at {FPS} a second "
        f"({size:.0f} MB, H.264, AAC) with two drawn faces. The largest resident memory of the process, "
        f"Python and libraries included.\n\n{table(head, rows)}"
    )
    print(text)
    if arguments.write:
        write_section(TITLE, COMMAND, text)


if __name__ == "__main__":
    main()
