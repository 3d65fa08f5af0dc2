"""Whole pictures for the violence head: it is seen in them and not in faces.

The published system (arXiv 2603.12693) looks through ConvNeXt-Tiny, which no package carries; ViT-S/14 of
DINOv2's architecture stands in for it. Pictures are resampled to 224 x 224 without cropping, for a fight may
be at the edge (our choice).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from core import weights
from core.abaw.features import FeatureStore
from core.abaw.trained import Trained
from core.types import FloatArray, Frame
from core.vision_language import vit

SIDE: Final = 224


@dataclass(frozen=True, slots=True, eq=False)
class Watching:
    """A trained violence head with the backbone on whose features it stands.

    Attributes:
        backbone: of whole pictures.
        head: trained by ``train abaw violence``.
    """

    backbone: nn.Module
    head: Trained

    def scores(self, rows: Sequence[Tensor]) -> FloatArray:
        """F numbers in 0..1 from the features of a clip's frames, batch by batch."""
        return self.head.violence(torch.cat(list(rows))).numpy().astype(np.float64)


@torch.inference_mode()
def features(frames: Sequence[Frame], backbone: nn.Module) -> Tensor:
    """N×768 in half precision of the whole pictures of N frames."""
    small = [cv2.resize(frame.pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for frame in frames]
    crops = torch.from_numpy(np.stack(small)).permute(0, 3, 1, 2).float() / 255
    found: Tensor = backbone(vit.normalised(crops))
    return found.half()


def store(folder: Path) -> FeatureStore:
    """The store of whole pictures' features."""
    return FeatureStore(folder, vit.NAME, weights.entry(vit.NAME).digest)
