"""The geometric rule on stills, measured once a data set and part: it is slow and knows of no encoder.

What is kept is what the rule reads (blendshape coefficients and landmarks), so that the rule may change.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.abaw import geometry
from core.abaw.classes import ACTION_UNITS
from core.datasets.expressions import LabelledFaces
from core.faces import blendshapes
from core.faces.find import find_batch
from core.types import FloatArray, Progress

STILL_SIDE = 192  # px, to which stills are enlarged before their landmarks are measured
STILL_EDGE = 64  # px of repeated edge, without which the detector misses faces that fill the picture
BATCH = 16
POINTS = 478


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What the rule reads of N stills; rows without a face are nan.

    Attributes:
        blendshapes: N×52 float32 in 0..1.
        landmarks: N×478×2 float32, pixels of the enlarged stills.
    """

    blendshapes: FloatArray
    landmarks: FloatArray

    @property
    def readings(self) -> FloatArray:
        """N×12 raw readings, see :func:`core.abaw.geometry.raw`."""
        found = np.full((len(self.blendshapes), len(ACTION_UNITS)), np.nan)
        known = ~np.isnan(self.blendshapes).any(1)
        found[known] = geometry.raw(self.blendshapes[known], self.landmarks[known])
        return found


def measured(faces: LabelledFaces, file: Path) -> Iterator[Progress | Measured]:
    """Measure stills, or read what was measured of the same ones before.

    Args:
        faces: grey stills.
        file: ``.npz`` with ``blendshapes``, ``landmarks`` and, as ``digest``, the SHA-256 of the pixels;
            a file of other stills is replaced.

    Yields:
        Progress over these stills, then the result.
    """
    digest = hashlib.sha256(faces.pixels.tobytes()).hexdigest()
    if file.is_file():
        with np.load(file) as kept:
            if "digest" in kept and str(kept["digest"]) == digest:
                yield Measured(kept["blendshapes"], kept["landmarks"])
                return
    found = Measured(
        np.full((len(faces), len(blendshapes.NAMES)), np.nan, np.float32),
        np.full((len(faces), POINTS, 2), np.nan, np.float32),
    )
    for start in range(0, len(faces), BATCH):
        _measure(faces.pixels[start : start + BATCH], start, found)
        yield Progress(min(1.0, (start + BATCH) / len(faces)), f"Measuring {file.stem}")
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f"{file.stem}.part.npz")
    np.savez(temporary, blendshapes=found.blendshapes, landmarks=found.landmarks, digest=np.array(digest))
    temporary.replace(file)
    yield found


def _measure(stills: NDArray[np.uint8], start: int, found: Measured) -> None:
    pictures = find_batch([_framed(still) for still in stills])
    seen = [(start + row, group[0]) for row, group in enumerate(pictures) if group]
    if seen:
        rows = [row for row, _ in seen]
        found.blendshapes[rows] = blendshapes.measure([face for _, face in seen])
        found.landmarks[rows] = [face.landmarks for _, face in seen]


def _framed(still: NDArray[np.uint8]) -> NDArray[np.uint8]:
    large = cv2.resize(still, (STILL_SIDE, STILL_SIDE), interpolation=cv2.INTER_CUBIC)
    edged = cv2.copyMakeBorder(large, *(STILL_EDGE,) * 4, cv2.BORDER_REPLICATE)
    return np.repeat(np.asarray(edged, np.uint8)[:, :, None], 3, axis=2)
