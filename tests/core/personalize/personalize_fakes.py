"""Small made worlds of embeddings, and a small model that makes some."""

import numpy as np
import torch

from core.expression.crop import Framing
from core.personalize.types import Prototypes
from core.personalize.vectors import unit
from core.vision_language import Card, ImageText

DIM, CLASSES, SCALE = 16, 3, 4.0


def texts(classes=CLASSES, dim=DIM, seed=0):
    return unit(np.random.default_rng(seed).normal(size=(classes, dim)))


def stream(count=120, seed=1, noise=0.9, classes=CLASSES, dim=DIM):
    """Frames around the texts, some sure and some not."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(rng.integers(classes, size=count // 6 + 1), 6)[:count]
    spread = rng.uniform(0.1, noise, size=(count, 1))
    return unit(texts(classes, dim)[labels] + spread * rng.normal(size=(count, dim)) / np.sqrt(dim) * 3)


def lent(per_class=4, seed=2, classes=CLASSES, dim=DIM, owner="ann"):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), per_class)
    vectors = unit(texts(classes, dim)[labels] + 0.3 * rng.normal(size=(len(labels), dim)))
    return Prototypes(vectors, labels, (owner,) * len(labels))


class Quarters(ImageText):
    """A model that sees the mean colours of the quarters of a crop, and counts the letters of a sentence."""

    def __init__(self, size=16):
        super().__init__(Card("quarters", "Quarters", (), size, 12, Framing(), "made up"), SCALE)
        self.cuts = 0

    def cut(self, pixels, boxes):
        self.cuts += len(boxes)
        return super().cut(pixels, boxes)

    def _images(self, crops):
        return torch.nn.functional.adaptive_avg_pool2d(crops, 2).flatten(1) - 0.4

    def _texts(self, sentences):
        rows = torch.zeros(len(sentences), 12)
        for row, sentence in enumerate(sentences):
            for letter in sentence:
                rows[row, ord(letter) % 12] += 1
        return rows
