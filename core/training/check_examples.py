"""Do recognisers agree on who is who among the example faces?"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import torch

from core import faces, recognition
from core.errors import Code, UserError
from core.faces.align import align_batch
from core.media import images
from core.recognition import thresholds
from core.training.example_index import FOLDER, Index

FAR = 1e-3


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """Two pictures compared.

    Attributes:
        cosine: how alike a recogniser finds them.
        files: the two.
    """

    cosine: float
    files: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Agreement:
    """What one recogniser says about all pairs of example pictures.

    Attributes:
        recognizer: its name.
        threshold: cosine at a false acceptance rate of 1e-3 on real pairs.
        genuine: pairs of one person, the least alike first.
        impostor: pairs of two people, the most alike first.
    """

    recognizer: str
    threshold: float
    genuine: tuple[Pair, ...]
    impostor: tuple[Pair, ...]

    @property
    def rejected(self) -> tuple[Pair, ...]:
        """Pairs of one person below the threshold."""
        return tuple(pair for pair in self.genuine if pair.cosine < self.threshold)

    @property
    def confused(self) -> tuple[Pair, ...]:
        """Pairs of two people that reach the threshold."""
        return tuple(pair for pair in self.impostor if pair.cosine >= self.threshold)

    @property
    def agrees(self) -> bool:
        """Every pair is judged rightly."""
        return not self.rejected and not self.confused

    @property
    def text(self) -> str:
        """One line of figures, then a line for every pair that is judged wrongly."""
        accepted = len(self.genuine) - len(self.rejected)
        lines = [
            f"{self.recognizer}: threshold {self.threshold:.3f}; of one person {accepted} of "
            f"{len(self.genuine)} pairs accepted, the lowest at {self.genuine[0].cosine:.3f}; of two people "
            f"{len(self.confused)} of {len(self.impostor)} accepted, the highest at "
            f"{self.impostor[0].cosine:.3f}"
        ]
        lines += [f"  rejected at {one.cosine:.3f}: {' and '.join(one.files)}" for one in self.rejected]
        lines += [f"  confused at {one.cosine:.3f}: {' and '.join(one.files)}" for one in self.confused]
        return "\n".join(lines)


def check(recognizers: Sequence[str], folder: Path = FOLDER) -> tuple[Agreement, ...]:
    """Compare every two example pictures.

    Args:
        recognizers: names; their weights are fetched when they are not here.
        folder: where the examples lie.

    Raises:
        UserError: a picture has no face or cannot be read, weights cannot be had, or a recogniser's
            threshold was never measured.
    """
    known = thresholds.load()
    if strange := [name for name in recognizers if name not in known]:
        raise UserError(
            Code.OPTION_RANGE,
            f"No threshold was measured for {strange[0]}.",
            f"There are: {', '.join(known)}.",
        )
    entries = tuple(Index.load(folder).pictures())
    pictures = [images.load(folder / file).pixels for _, _, file in entries]
    found = zip(pictures, faces.find_batch(pictures), strict=True)
    aligned = align_batch([(pixels, faces.require(seen, pixels)[0]) for pixels, seen in found])
    people, files = [name for name, _, _ in entries], [file for _, _, file in entries]
    embeddings = recognition.embed(recognizers, aligned)
    return tuple(
        agreement(name, known[name].far[FAR], embeddings[name], people, files) for name in recognizers
    )


def agreement(
    name: str, threshold: float, embeddings: torch.Tensor, people: Sequence[str], files: Sequence[str]
) -> Agreement:
    """Judge all pairs by one recogniser.

    Args:
        name: the recogniser.
        threshold: cosine from which a pair counts as one person.
        embeddings: N×dim unit vectors, N at least three, of at least two people.
        people: who each of the N is.
        files: what each of the N is called.
    """
    cosines = (embeddings @ embeddings.T).tolist()
    genuine: list[Pair] = []
    impostor: list[Pair] = []
    for i, j in combinations(range(len(people)), 2):
        pairs = genuine if people[i] == people[j] else impostor
        pairs.append(Pair(cosines[i][j], (files[i], files[j])))
    return Agreement(name, threshold, tuple(sorted(genuine)), tuple(sorted(impostor, reverse=True)))
