"""What a pattern does through the whole pipeline: paint the photo, find the face again, align, compare.

Recognition and detection are reported apart: a pattern that merely hides the face from the detector is
a different result. Where the detector finds no face on a painted photo, the clean photo's alignment
stands in for the recognition figures, and the result counts how often that happened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core import faces as finder
from core.camouflage.pattern import Pattern
from core.camouflage.project import Surface, paint_surface
from core.faces.align import align_batch
from core.types import Face, Pixels

BATCH = 16
OVERLAP = 0.3  # intersection over union from which a found face counts as the known one


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """A photo and the face in it that is meant.

    Attributes:
        person: who it is; photos of one person share it.
        pixels: H×W×3 uint8 RGB.
        face: measured with landmarks.
    """

    person: str
    pixels: Pixels
    face: Face


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """Photos as the recognisers get them.

    Attributes:
        aligned: N×3×224×224 in 0..1.
        detected: N, the detector found the face again.
    """

    aligned: Tensor
    detected: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Genuine:
    """Cosines between probes and the same person's clean gallery photos.

    Attributes:
        scores: for each recogniser P, one for each pair.
        probe: P, index of the probe's photo.
        person: P, who it is; intervals are resampled by this.
    """

    scores: Mapping[str, NDArray[np.float64]]
    probe: NDArray[np.int64]
    person: NDArray[np.str_]

    def mean(self, model: str) -> float:
        """Mean cosine of a recogniser."""
        return float(self.scores[model].mean())

    def tar(self, model: str, threshold: float) -> float:
        """Share of genuine pairs that are accepted (cosine at least the threshold)."""
        return float((self.scores[model] >= threshold).mean())


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One pattern on all portraits.

    Attributes:
        genuine: scores after painting.
        detected: share of the painted photos on which the face was found again.
        area: mean share of the valid region covered.
    """

    genuine: Genuine
    detected: float
    area: float


def look(photos: Sequence[Pixels], known: Sequence[Face]) -> Sight:
    """Find and align faces again, as a system that gets only these photos would.

    Args:
        photos: N photos.
        known: where each one's face is when it is clean, in the same pixels.

    Returns:
        Alignment by the newly found five points, or by the known ones where the face is not found.
    """
    found = [_same(seen, face) for seen, face in zip(finder.find_batch(photos), known, strict=True)]
    faces = [face if again is None else again for face, again in zip(known, found, strict=True)]
    aligned = align_batch(list(zip(photos, faces, strict=True)))
    return Sight(aligned, np.array([again is not None for again in found]))


def embed(models: Mapping[str, nn.Module], aligned: Tensor) -> dict[str, Tensor]:
    """Unit embeddings N×dim by every recogniser, in batches, without gradients."""
    with torch.inference_mode():
        found = {
            name: torch.cat([model(part) for part in torch.split(aligned, BATCH)])
            for name, model in models.items()
        }
    return {name: rows.clone() for name, rows in found.items()}  # usable where gradients are taken


class Evaluator:
    """Judges patterns on fixed portraits; the clean photos are looked at and embedded once.

    Attributes:
        portraits: the photos.
        models: the recognisers.
        clean: N×dim clean embeddings by recogniser; ``known`` ones are taken as they are.
        clean_detected: share of the clean photos on which the detector finds the face.
        self_compared: people with a single photo, whose painted photo is compared with that very
            photo's clean version. Such figures are kinder to the recogniser than any real gallery.
    """

    def __init__(
        self,
        portraits: Sequence[Portrait],
        models: Mapping[str, nn.Module],
        known: Mapping[str, Tensor] | None = None,
    ) -> None:
        self.portraits = tuple(portraits)
        self.models = dict(models)
        sight = look([p.pixels for p in self.portraits], [p.face for p in self.portraits])
        known = known or {}
        fresh = embed({n: model for n, model in self.models.items() if n not in known}, sight.aligned)
        self.clean = {name: fresh[name] if name in fresh else known[name] for name in self.models}
        self.clean_detected = float(sight.detected.mean())
        self._surfaces: list[Surface] = []
        self._people = np.array([portrait.person for portrait in self.portraits])
        names, counts = np.unique(self._people, return_counts=True)
        self.self_compared = tuple(str(name) for name in names[counts == 1])

    @property
    def surfaces(self) -> Sequence[Surface]:
        """The portraits' paintable skin, measured when it is first asked for."""
        if not self._surfaces:
            self._surfaces = [Surface.photo(one.pixels, one.face) for one in self.portraits]
        return self._surfaces

    def unpainted(self) -> Genuine:
        """Scores of the clean photos against each other."""
        return self.genuine(self.clean)

    def painted(self, pattern: Pattern) -> Outcome:
        """Paint every photo, find the face again, and compare with the clean gallery."""
        results = [paint_surface(surface, pattern) for surface in self.surfaces]
        sight = look([one.pixels for one in results], [portrait.face for portrait in self.portraits])
        return Outcome(
            genuine=self.genuine(embed(self.models, sight.aligned)),
            detected=float(sight.detected.mean()),
            area=float(np.mean([one.area for one in results])),
        )

    def genuine(self, probes: Mapping[str, Tensor], chosen: Sequence[int] | None = None) -> Genuine:
        """Compare probes with the clean photos of the same person, their own excepted.

        Args:
            probes: unit embeddings by recogniser, one row for each chosen portrait.
            chosen: which portraits the probes show, by default all.
        """
        indices = list(range(len(self.portraits)) if chosen is None else chosen)
        pairs = [(row, index, other) for row, index in enumerate(indices) for other in self._gallery(index)]
        rows, first, second = (np.array(side, np.int64) for side in zip(*pairs, strict=True))
        scores = {
            name: (vectors[rows] * self.clean[name][second]).sum(1).double().numpy()
            for name, vectors in probes.items()
        }
        return Genuine(scores, first, self._people[first])

    def _gallery(self, index: int) -> list[int]:
        same = np.flatnonzero(self._people == self._people[index])
        return [int(other) for other in same if other != index or len(same) == 1]

    def subset(self, people: Sequence[str], genuine: Genuine) -> Genuine:
        """The pairs of some of the people."""
        kept = np.isin(genuine.person, list(people))
        scores = {name: values[kept] for name, values in genuine.scores.items()}
        return replace(genuine, scores=scores, probe=genuine.probe[kept], person=genuine.person[kept])


def _same(faces: Sequence[Face], known: Face) -> Face | None:
    best = max(faces, key=lambda face: _overlap(face, known), default=None)
    return best if best is not None and _overlap(best, known) >= OVERLAP else None


def _overlap(one: Face, other: Face) -> float:
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = one.box, other.box
    inner = max(0.0, min(ax1, bx1) - max(ax0, bx0)) * max(0.0, min(ay1, by1) - max(ay0, by0))
    union = (ax1 - ax0) * (ay1 - ay0) + (bx1 - bx0) * (by1 - by0) - inner
    return inner / union if union > 0 else 0.0
