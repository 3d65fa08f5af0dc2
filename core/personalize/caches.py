"""A person's own cache: for each class the few frames of lowest entropy, in buffers of fixed size."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.personalize.vectors import Vectors
from core.types import FloatArray, Mask


@dataclass(frozen=True, slots=True)
class Placed:
    """What happened to a frame that was offered.

    Attributes:
        entered: False where the bucket was full of entropies at most as large.
        evicted: number of the frame that left for it, or None.
        place: of the entry in its bucket, -1 where it did not enter.
    """

    entered: bool
    evicted: int | None
    place: int


class Cache:
    """K buckets of at most L unit vectors, those of lowest entropy; an earlier frame stays among equals.

    Attributes:
        vectors: K×L×D float32.
        entropies: K×L, inf where a place is free.
        frames: K×L numbers of frames, -1 where a place is free.
        sizes: K, how many places of each bucket are taken; these are the first ones.
    """

    def __init__(self, classes: int, capacity: int, dim: int) -> None:
        self.vectors: Vectors = np.zeros((classes, capacity, dim), np.float32)
        self.entropies: FloatArray = np.full((classes, capacity), np.inf)
        self.frames: NDArray[np.int64] = np.full((classes, capacity), -1, np.int64)
        self.sizes = [0] * classes

    def __len__(self) -> int:
        return sum(self.sizes)

    @property
    def capacity(self) -> int:
        """L, places a class."""
        return int(self.vectors.shape[1])

    @property
    def taken(self) -> Mask:
        """K×L, where an entry is."""
        return self.frames >= 0

    @property
    def memory(self) -> int:
        """Bytes of the buffers, which do not grow."""
        return self.vectors.nbytes + self.entropies.nbytes + self.frames.nbytes

    def add(self, vector: Vectors, label: int, entropy: float, frame: int) -> Placed:
        """Offer a frame to a bucket.

        Args:
            vector: D unit vector; copied.
            label: class of the bucket.
            entropy: of its prediction.
            frame: its number, not negative.
        """
        size = self.sizes[label]
        if size < self.capacity:
            place, evicted = size, None
            self.sizes[label] = size + 1
        else:
            if not size:
                return Placed(False, None, -1)
            row = self.entropies[label]
            place = int(row.argmax())
            if entropy >= row[place]:
                return Placed(False, None, -1)
            evicted = int(self.frames[label, place])
        self.vectors[label, place] = vector
        self.entropies[label, place] = entropy
        self.frames[label, place] = frame
        return Placed(True, evicted, place)

    def clear(self) -> None:
        """Forget every entry; nothing of it stays in memory."""
        self.vectors.fill(0)
        self.entropies.fill(np.inf)
        self.frames.fill(-1)
        self.sizes = [0] * len(self.sizes)

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies of the buffers, by name."""
        return {
            "vectors": self.vectors.copy(),
            "entropies": self.entropies.copy(),
            "frames": self.frames.copy(),
        }

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Take buffers of :meth:`state`; entries of another capacity are offered one by one."""
        self.clear()
        taken = state["frames"] >= 0
        for label, place in zip(*np.nonzero(taken), strict=True):
            self.add(
                state["vectors"][label, place],
                int(label),
                float(state["entropies"][label, place]),
                int(state["frames"][label, place]),
            )
