"""Do recognisers agree on who is who among the example faces?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import torch

from core.faces import find_batch
from core.faces.align import align_batch
from core.media import images
from core.recognition import embed, thresholds
from core.training.example_index import FOLDER, Index

FAR = 1e-3


@dataclass(frozen=True, slots=True)
class Agreement:
    """What one recogniser says about all pairs of example pictures.

    Attributes:
        recognizer: its name.
        threshold: cosine at a false acceptance rate of 1e-3 on real pairs.
        genuine: number of pairs of one person.
        accepted: how many of them reach the threshold.
        lowest: the smallest genuine cosine.
        worst: the two files it belongs to.
        impostor: number of pairs of two people.
        false_accepted: how many of them reach the threshold.
        highest: the largest impostor cosine.
        closest: the two files it belongs to.
    """

    recognizer: str
    threshold: float
    genuine: int
    accepted: int
    lowest: float
    worst: tuple[str, str]
    impostor: int
    false_accepted: int
    highest: float
    closest: tuple[str, str]

    @property
    def agrees(self) -> bool:
        """Every pair is judged rightly."""
        return self.accepted == self.genuine and self.false_accepted == 0


def check(recognizers: Sequence[str], folder: Path = FOLDER) -> tuple[Agreement, ...]:
    """Compare every two example pictures.

    Args:
        recognizers: names; their weights are fetched when they are not here.
        folder: where the examples lie.

    Raises:
        UserError: a picture has no face or cannot be read, or weights cannot be had.
    """
    entries = tuple(Index.load(folder).pictures())
    pictures = [images.load(folder / file).pixels for _, _, file in entries]
    pairs = [(pixels, faces[0]) for pixels, faces in zip(pictures, find_batch(pictures), strict=True)]
    embeddings = embed(recognizers, align_batch(pairs))
    people = [name for name, _, _ in entries]
    files = [file for _, _, file in entries]
    limits: Mapping[str, float] = {name: known.far[FAR] for name, known in thresholds.load().items()}
    return tuple(agreement(name, limits[name], embeddings[name], people, files) for name in recognizers)


def agreement(
    name: str, threshold: float, embeddings: torch.Tensor, people: Sequence[str], files: Sequence[str]
) -> Agreement:
    """Judge all pairs by one recogniser.

    Args:
        name: the recogniser.
        threshold: cosine from which a pair counts as one person.
        embeddings: N×dim unit vectors.
        people: who each of the N is.
        files: what each of the N is called.
    """
    cosines = (embeddings @ embeddings.T).tolist()
    scored = [(cosines[i][j], i, j) for i, j in combinations(range(len(people)), 2)]
    genuine = [pair for pair in scored if people[pair[1]] == people[pair[2]]]
    impostor = [pair for pair in scored if people[pair[1]] != people[pair[2]]]
    lowest, highest = min(genuine), max(impostor)
    return Agreement(
        name,
        threshold,
        len(genuine),
        sum(score >= threshold for score, _, _ in genuine),
        lowest[0],
        (files[lowest[1]], files[lowest[2]]),
        len(impostor),
        sum(score >= threshold for score, _, _ in impostor),
        highest[0],
        (files[highest[1]], files[highest[2]]),
    )
