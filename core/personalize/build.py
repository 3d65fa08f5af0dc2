"""The source cache from labelled people: each subject's prototypes of each class, and statistics."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.personalize import prototypes
from core.personalize.subjects import Sources, Statistics, statistics
from core.personalize.types import Prototypes
from core.personalize.vectors import unit
from core.types import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """One source subject's frames.

    Attributes:
        name: identifies the subject.
        embeddings: N×D.
        labels: N class numbers; -1 for a frame without one, which enters the statistics alone.
    """

    name: str
    embeddings: FloatArray
    labels: NDArray[np.int64]


def build(people: Iterable[Labelled], classes: tuple[str, ...], model: str, seed: int = 0) -> Sources:
    """Make the source cache.

    Args:
        people: the subjects; a class that a subject does not show gives no prototype of theirs.
        classes: names in the order of the labels.
        model: name of the model that made the embeddings, checked when the cache is read.
        seed: of the clustering.

    Raises:
        ValueError: nobody, the same name twice, or a label outside the classes.
    """
    vectors: list[FloatArray] = []
    labels: list[int] = []
    owners: list[str] = []
    measured: dict[str, Statistics] = {}
    for person in people:
        if person.name in measured:
            raise ValueError("a subject is given twice")
        if not len(person.labels) == len(person.embeddings) or person.labels.max() >= len(classes):
            raise ValueError("each frame has one label among the classes")
        rows = unit(person.embeddings)
        measured[person.name] = statistics(rows)
        for label in range(len(classes)):
            ours = rows[person.labels == label]
            if len(ours):
                places = prototypes.cluster(ours, seed).places
                vectors.extend(ours[places])
                labels += [label] * len(places)
                owners += [person.name] * len(places)
    if not labels:
        raise ValueError("a source cache needs at least one labelled frame")
    kept = Prototypes(np.array(vectors, np.float32), np.array(labels, np.int64), tuple(owners))
    return Sources(kept, measured, classes, model)
