"""What the person encoder is trained on: visits of drawn people and of people of MOT17, and a check."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.datasets.sightings import Sighting
from core.reid import pedestrians
from core.reid.pedestrians import HEIGHT, WIDTH
from core.reid.protocol import as_input
from core.types import Pixels

TOWN: Final = 0
"""Seed of ``core.reid.pedestrians`` for the people and cameras that are trained on."""
CHECK_TOWN: Final = 1
"""Those the epoch is chosen on."""
TEST_TOWN: Final = 2
"""Those that figures are reported on."""
CAMERAS: Final = 48


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures, and what is known of each."""

    inputs: Tensor
    labels: tuple[Tensor, ...]


class Visits:
    """Visits of drawn people, then of people of MOT17.

    Args:
        drawn: how many drawn people, each visited once.
        visits: how often each identity of ``crops`` is visited.
        shots: pictures of a visit.
        crops: photographs.
        kept: pictures that are drawn of a drawn person once and for all; 0 draws them anew for every visit.
        halved: pictures of half the size.
    """

    def __init__(
        self,
        drawn: int,
        visits: int,
        shots: int,
        crops: Sequence[Sighting],
        kept: int = 0,
        halved: bool = False,
    ) -> None:
        self.drawn, self.visits, self.shots, self.kept = drawn, visits, shots, kept
        self.halved = halved
        self._album: dict[int, Pixels] = {}
        names = sorted({seen.identity for seen in crops})
        self.crops = [[seen.photo.pixels() for seen in crops if seen.identity == name] for name in names]
        self.classes = drawn + len(names)

    def __len__(self) -> int:
        return self.drawn + self.visits * len(self.crops)

    def rows(self, numbers: NDArray[np.int64]) -> Batch:
        """N×shots×3×256×128 (or 128×64), and N×shots classes."""
        chance = np.random.default_rng(int(torch.randint(1 << 60, ())))
        drawn, shots = self.drawn, self.shots
        known = np.where(numbers < drawn, numbers, drawn + (numbers - drawn) % max(len(self.crops), 1))
        pixels = np.concatenate([self._visit(int(number), chance) for number in known])
        pictures = augmented(as_input(pixels), chance)
        labels = torch.from_numpy(known).unsqueeze(1).expand(-1, shots)
        return Batch(pictures.view(len(numbers), shots, *pictures.shape[1:]), (labels,))

    def _visit(self, number: int, chance: np.random.Generator) -> Pixels:
        shots, drawn = self.shots, self.drawn
        if self.kept and number < drawn:
            return self._kept(number)[chance.permutation(self.kept)[:shots]]
        cameras = chance.permutation(CAMERAS)[:shots]
        if number < drawn:
            times = chance.integers(1 << 30, size=shots)
            rows = np.stack([np.full(shots, number), cameras, times], 1)
            return self._sized(pedestrians.batch(TOWN, rows))
        crops = self.crops[number - drawn]
        return self._sized(
            np.stack([refilmed(crops[chance.integers(len(crops))], int(one), chance) for one in cameras])
        )

    def _sized(self, pixels: Pixels) -> Pixels:
        if not self.halved:
            return pixels
        size = (WIDTH // 2, HEIGHT // 2)
        return np.stack([cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in pixels])

    def _kept(self, number: int) -> Pixels:
        """A drawn person's own pictures, each by another camera; the same in every process."""
        if number not in self._album:
            cameras = np.random.default_rng([TOWN, number]).permutation(CAMERAS)[: self.kept]
            rows = np.stack([np.full(self.kept, number), cameras, np.zeros(self.kept, np.int64)], 1)
            self._album[number] = self._sized(pedestrians.batch(TOWN, rows))
        return self._album[number]


class Check:
    """Drawn people of another town, each seen once by four cameras."""

    def __init__(self, people: int, cameras: int = 4) -> None:
        grid = np.indices((people, cameras, 1)).reshape(3, -1).T
        self.pixels = pedestrians.batch(CHECK_TOWN, grid).reshape(people, cameras, HEIGHT, WIDTH, 3)

    def __len__(self) -> int:
        return len(self.pixels)

    def rows(self, numbers: NDArray[np.int64]) -> Batch:
        """N×cameras×3×256×128; N×cameras identities and cameras."""
        people, cameras = len(numbers), self.pixels.shape[1]
        pictures = as_input(self.pixels[numbers].reshape(-1, HEIGHT, WIDTH, 3))
        who = torch.from_numpy(numbers).unsqueeze(1).expand(-1, cameras)
        places = torch.arange(cameras).expand(people, -1)
        return Batch(pictures.reshape(people, cameras, 3, HEIGHT, WIDTH), (who, places))


def augmented(pictures: Tensor, chance: np.random.Generator) -> Tensor:
    """Flip half of N×3×H×W pictures, erase a box of half of them with one colour each."""
    flip = torch.from_numpy(chance.random(len(pictures)) < 0.5)
    pictures = torch.where(flip[:, None, None, None], pictures.flip(3), pictures)
    high, wide = pictures.shape[2:]
    for picture in pictures:
        if chance.random() < 0.5:
            rows, columns = (np.sqrt(chance.uniform(0.02, 0.25)) * np.array([high, wide])).astype(int)
            y, x = chance.integers(high - rows), chance.integers(wide - columns)
            colour = torch.from_numpy(chance.random(3, np.float32))
            picture[:, y : y + rows, x : x + columns] = colour[:, None, None]
    return pictures


def refilmed(crop: Pixels, camera: int, chance: np.random.Generator, town: int = TOWN) -> Pixels:
    """A photograph moved a little and seen by a camera of a town, 256×128×3."""
    high, wide = crop.shape[:2]
    left, right = (chance.uniform(0, 0.1, 2) * wide).astype(int)
    top, bottom = (chance.uniform(0, 0.1, 2) * high).astype(int)
    part = crop[top : high - bottom, left : wide - right]
    eye = pedestrians.camera(town, camera)
    scale = float(np.clip(eye.lines * chance.uniform(0.75, 1.25) / HEIGHT, 0.25, 1))
    size = (round(WIDTH * scale), round(HEIGHT * scale))
    scene = cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    return pedestrians.developed(scene, eye, chance)
