"""Small made worlds of embeddings."""

import numpy as np

from core.personalize.types import Prototypes
from core.personalize.vectors import unit

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
