"""The face parser: what each pixel of a canonical crop shows, as one of CelebAMask-HQ's 19 classes.

BiSeNet V2 (Yu et al., arXiv:2004.02147) trained on CelebAMask-HQ (Lee et al., arXiv:1907.11922) by the
authors of its TensorFlow version. Its pictures were portraits of 448 px, which frame a face about as the
canonical crop does; asked at 224 px it loses brows and eyes. Two things to know of its classes: it was
trained on mirrored pictures whose left and right labels were not exchanged, so its sides mean nothing, and
the data set counts beards and stubble as skin.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from core import weights
from core.faces._bisenet import BiSeNetV2, enlarged
from core.faces._bisenet_tfjs import load_network
from core.faces.align import CANONICAL_SIZE
from core.types import Mask, Pixels

NAME = "face-parser"
CLASSES = (
    *("background", "skin", "left brow", "right brow", "left eye", "right eye", "glasses"),
    *("left ear", "right ear", "earring", "nose", "mouth", "upper lip", "lower lip"),
    *("neck", "necklace", "clothes", "hair", "hat"),
)
BARE = ("skin", "nose")
SIZE = 448  # pixels a side that the network was trained at
BATCH = 4  # crops at once, 60 MB of scores
_lock = Lock()


class FaceParser(nn.Module):
    """Scores and labels of canonical crops.

    Args:
        network: pictures in -1..1 to scores at an eighth of their resolution.
    """

    def __init__(self, network: BiSeNetV2) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: Tensor) -> Tensor:
        """Score every class at every pixel.

        Args:
            crops: N×3×224×224 RGB in 0..1, the canonical frame.

        Returns:
            N×19×224×224 in the order of :data:`CLASSES`, not normalised; differentiable.

        Raises:
            ValueError: another shape.
        """
        if crops.ndim != 4 or crops.shape[1:] != (3, CANONICAL_SIZE, CANONICAL_SIZE):
            raise ValueError(f"crops are N×3×{CANONICAL_SIZE}×{CANONICAL_SIZE}, not {tuple(crops.shape)}")
        pictures = F.interpolate(crops * 2 - 1, (SIZE, SIZE), mode="bilinear", align_corners=False)
        return F.avg_pool2d(enlarged(self.network(pictures), 8), SIZE // CANONICAL_SIZE)

    def labels(self, crops: Sequence[Pixels]) -> NDArray[np.uint8]:
        """What each pixel shows.

        Args:
            crops: N canonical crops, 224×224×3 uint8 RGB.

        Returns:
            N×224×224 uint8, indices of :data:`CLASSES`.
        """
        found = [np.empty((0, CANONICAL_SIZE, CANONICAL_SIZE), np.uint8)]
        with torch.inference_mode():
            for start in range(0, len(crops), BATCH):
                batch = torch.from_numpy(np.stack(crops[start : start + BATCH]))
                scores = self(batch.permute(0, 3, 1, 2).float() / 255)
                found.append(scores.argmax(1).byte().numpy())
        return np.concatenate(found)

    def skin(self, crop: Pixels) -> Mask:
        """Where one canonical crop shows skin or nose, shaved or not: 224×224 bool."""
        return shows(self.labels([crop])[0], *BARE)


def shows(labels: NDArray[np.uint8], *classes: str) -> Mask:
    """Where labels are one of some :data:`CLASSES`, in the labels' shape; others are a ValueError."""
    return np.asarray(np.isin(labels, [CLASSES.index(name) for name in classes]))


def load() -> FaceParser:
    """The parser of this process, built on first use (20 MB to fetch when absent).

    Raises:
        UserError: the weights are missing, damaged or cannot be fetched.
    """
    with _lock:
        return _build(weights.resolve(NAME))


def present() -> FaceParser | None:
    """The parser when its weights are on this machine and undamaged, else None; never fetches."""
    if not weights.status(NAME).present:
        return None
    if not _build.cache_info().currsize and weights.verify(NAME) is not weights.Health.GOOD:
        return None
    return load()


@lru_cache(maxsize=1)
def _build(folder: Path) -> FaceParser:
    return FaceParser(load_network(folder)).eval().requires_grad_(False)
