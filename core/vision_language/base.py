"""What an image-text model is, and the registry of them."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core import weights
from core.expression.crop import Framing, cut
from core.registry import Registry
from core.types import FloatArray, Pixels


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a model before it is loaded.

    Attributes:
        name: in the registry.
        title: for people, with the training data.
        weights: the entries of the weights manifest that it is made of.
        size: side of the crops in pixels.
        dim: length of its vectors.
        framing: which square around a detected face it looks at.
        source: paper or project.
        batch: most crops that go through the network at once.
    """

    name: str
    title: str
    weights: tuple[str, ...]
    size: int
    dim: int
    framing: Framing
    source: str
    batch: int = 32

    @property
    def identity(self) -> str:
        """Tells apart embeddings of different weights: the name and a short digest of all parts."""
        known = hashlib.sha256("".join(weights.entry(part).digest for part in self.weights).encode())
        return f"{self.name} {known.hexdigest()[:12]}"


class ImageText(nn.Module, ABC):
    """Images and texts as unit vectors of one space.

    Attributes:
        card: what is known of it.
        scale: the logit scale; probabilities are the softmax of ``scale`` times cosines.
    """

    def __init__(self, card: Card, scale: float) -> None:
        super().__init__()
        self.card = card
        self.scale = scale

    def cut(self, pixels: Pixels, boxes: FloatArray) -> Tensor:
        """Crops of the faces of one picture.

        Args:
            pixels: H×W×3 uint8 RGB.
            boxes: N×4 boxes as YuNet gives them; parts outside the picture are black.

        Returns:
            N×3×size×size uint8 RGB.
        """
        return cut(pixels, boxes, self.card.framing, self.card.size)

    @torch.inference_mode()
    def images(self, crops: Tensor) -> Tensor:
        """N×3×size×size crops, uint8 or float in 0..1, RGB -> N×dim unit vectors."""
        if not len(crops):
            return torch.zeros(0, self.card.dim)
        values = crops.float() / 255 if crops.dtype == torch.uint8 else crops
        found = [self._images(part) for part in torch.split(values, self.card.batch)]
        return nn.functional.normalize(torch.cat(found), dim=1)

    @torch.inference_mode()
    def texts(self, sentences: Sequence[str]) -> Tensor:
        """K sentences -> K×dim unit vectors."""
        if not sentences:
            return torch.zeros(0, self.card.dim)
        return nn.functional.normalize(self._texts(list(sentences)), dim=1)

    def classes(self, prompts: Sequence[Sequence[str]]) -> Tensor:
        """K×dim unit vectors of classes, each the normalised mean of its sentences' vectors."""
        means = [self.texts(sentences).mean(0) for sentences in prompts]
        return nn.functional.normalize(torch.stack(means), dim=1)

    @abstractmethod
    def _images(self, crops: Tensor) -> Tensor:
        """N×3×size×size in 0..1 -> N×dim."""

    @abstractmethod
    def _texts(self, sentences: list[str]) -> Tensor:
        """K sentences -> K×dim."""


models: Registry[ImageText] = Registry("image-text model")
cards: dict[str, Card] = {}


def load(name: str) -> ImageText:
    """The model called ``name``, built at the first call and shared by the whole process.

    Raises:
        UserError: an unknown name, or weights that cannot be had.
    """
    return models.shared(name)
