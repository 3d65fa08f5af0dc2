"""People whom nobody filmed, for the tab of TTA-CaP: made embeddings, and a model that reads sentences."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from core.personalize.types import Watched
from core.personalize.vectors import unit
from core.types import Clip, Notice, Progress
from demos.personalize.desk import Desk, Piece

DIM, SCALE = 32, 12.0
CLIP = Clip(320, 240, 8.0, 25.0, 200, 0, False)


def text(sentence: str) -> np.ndarray:
    """A sentence's vector, by its letters."""
    rng = np.random.default_rng(sum(ord(letter) * (n + 1) for n, letter in enumerate(sentence)))
    return unit(rng.normal(size=DIM))


class Model:
    """Reads sentences, and counts how many."""

    scale = SCALE

    def __init__(self) -> None:
        self.asked: list[str] = []

    def texts(self, sentences: Any) -> torch.Tensor:
        self.asked += list(sentences)
        return torch.from_numpy(np.array([text(one) for one in sentences]).reshape(-1, DIM))


def watched(labels: list[int], prompts: tuple[str, ...], seed: int = 0, noise: float = 1.1) -> Watched:
    """Frames around the texts of their labels, some sure and some not."""
    rng = np.random.default_rng(seed)
    spread = rng.uniform(0.2, noise, size=(len(labels), 1))
    rows = np.array([text(prompts[label]) for label in labels])
    rows = unit(rows + spread * rng.normal(size=rows.shape) / np.sqrt(DIM) * 2)
    faces = rng.integers(256, size=(len(labels), 48, 48, 3), dtype=np.uint8)
    note = (Notice("short", "A second was skipped."),)
    times = np.arange(len(labels)) / 5
    return Watched("clip", CLIP, times, rows, faces, 1, 0, note, {"encode": 0.03 * len(labels)})


def piece(desk: Desk, labels: list[int], name: str = "clip", seed: int = 0) -> Piece:
    made = Piece(name, Path("no-such-clip.mp4"), CLIP)
    made.seen[desk.model] = watched(labels, desk.task.prompts, seed)
    return made


def desk(clips: int = 2) -> Desk:
    """A person with a few clips that were read, and nothing taken from them yet."""
    made = Desk()
    for number in range(clips):
        labels = [3] * 12 + [6] * 8 + [number] * 12
        made.person.pieces.append(piece(made, labels, f"clip {number + 1}", number))
    return made


def job(piece: Piece, model: str, cancelled: Any = lambda: False) -> Any:
    """What ``demos.personalize.reading.job`` does, without networks."""
    yield Progress(0.5, "Frame 5")
    yield watched([3] * 10 + [6] * 5, Desk().task.prompts, seed=len(piece.name))


def parts() -> Any:
    """Stand-ins of the components: any attribute is its own name, and lists are lists."""

    class Names(SimpleNamespace):
        def __getattr__(self, name: str) -> str:
            return name

    return Names(
        inputs=Names(),
        asked=Names(truths=[f"truth {n}" for n in range(8)]),
        results=Names(at_cursor=["moment", "lamps", "fusion", "counters", "caches"]),
    )
