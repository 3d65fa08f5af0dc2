"""The example clips that ship with the video tab: people who do not exist, whose expression changes.

    python -m core clips

A frame is a step of a latent along the directions of ``core.training.face_directions``, between the example
people's own views; only whole poses are drawn and shown for as long as they last, so that a clip stays small.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from core.faces import generate
from core.media import images
from core.settings import ROOT
from core.training.example_index import FOLDER as FACES
from core.training.example_index import Index
from core.training.face_directions import Directions
from core.training.make_examples import picture
from core.types import Pixels, Progress

FOLDER = ROOT / "demos" / "abaw" / "examples"
FPS, SIDE = 25, 320
EASE = 12  # frames from one pose to the next
QUALITY = "24"  # of x264, lower is better
BEAM = 2.2  # how far the smile goes; 1 is the example view's, a small one


@dataclass(frozen=True, slots=True)
class Part:
    """One person's part in a clip.

    Attributes:
        person: a name of the example people.
        poses: (view, share of its move, frames that it lasts) in order; the first frame is at rest.
    """

    person: str
    poses: tuple[tuple[str, float, int], ...]


REST = ("frontal", 0.0, 30)
CLIPS: Mapping[str, tuple[Part, ...]] = {
    "smile": (Part("person-b", (REST, ("smile", BEAM, 45), REST, ("smile", 1.0, 25), REST)),),
    "turn": (Part("person-g", (REST, ("smile", BEAM, 30), REST, ("left", 1.0, 15), REST)),),
    "two-people": (
        Part("person-e", (REST, ("smile", BEAM, 40), ("frontal", 0.0, 60))),
        Part("person-g", (("frontal", 0.0, 60), ("smile", BEAM, 40), REST)),
    ),
}


def make(folder: Path = FOLDER) -> Iterator[Progress]:
    """Draw every clip and its poster into the folder, replacing what is there (minutes of one core).

    Yields:
        One event a clip.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for done, (name, parts) in enumerate(CLIPS.items(), 1):
        people = [frames(part) for part in parts]
        rows = [np.concatenate(row, axis=1) for row in zip(*people, strict=True)]
        encode(rows, folder / f"{name}.mp4")
        smiling = rows[REST[2] + EASE + 5]
        (folder / f"{name}.jpg").write_bytes(images.save(smiling, "jpeg", 82))
        yield Progress(done / len(CLIPS), f"{name}, {len(rows)} frames")


def frames(part: Part) -> list[Pixels]:
    """All frames of one person's part, SIDE×SIDE×3."""
    import cv2

    index, generator = Index.load(FACES), generate.load()
    directions = Directions.load(FACES / "directions.safetensors")
    views = index.people[part.person].views
    seed, rest = index.people[part.person].seed, views["frontal"].moves
    drawn: dict[tuple[tuple[str, float], ...], Pixels] = {}

    def draw(moves: Mapping[str, float]) -> Pixels:
        key = tuple(sorted((name, round(value, 3)) for name, value in moves.items()))
        if key not in drawn:
            large = picture(generator, directions, seed, dict(key), index.truncation, index.size)
            drawn[key] = np.asarray(cv2.resize(large, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
        return drawn[key]

    poses = [(blend(rest, views[view].moves, share), length) for view, share, length in part.poses]
    found = [draw(poses[0][0])] * poses[0][1]
    for (before, _), (after, length) in itertools.pairwise(poses):
        found += [draw(blend(before, after, step)) for step in eased()]
        found += [draw(after)] * length
    return found


def eased() -> list[float]:
    """Shares of the way from one pose to the next, slow at both ends; the way back is the same."""
    return [float(0.5 - 0.5 * np.cos(np.pi * n / EASE)) for n in range(1, EASE)]


def blend(before: Mapping[str, float], after: Mapping[str, float], share: float) -> dict[str, float]:
    """Moves that lie ``share`` of the way from ``before`` to ``after``; beyond 1 they go further."""
    names = set(before) | set(after)
    return {n: before.get(n, 0.0) + share * (after.get(n, 0.0) - before.get(n, 0.0)) for n in names}


def encode(frames: Sequence[Pixels], path: Path) -> None:
    """Write an MP4 that browsers play (H.264, yuv420p, the index in front) without metadata."""
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(FPS))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": QUALITY, "preset": "veryslow"}
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels))))
        container.mux(stream.encode())
