"""What prototypes and caches answer to a frame: scores, vectors and votes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.personalize.caches import Cache
from core.personalize.options import Options
from core.personalize.types import Prototypes
from core.personalize.vectors import Vectors, length, softmax
from core.types import FloatArray, Mask


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """An answer.

    Attributes:
        vector: D unit vector; zero where the predicted class has no prototype and only votes count.
        votes: K numbers for the fusion at logit level: class scores of prototypes, or shares of the labels
            of entries, which sum to 1.
    """

    vector: Vectors
    votes: FloatArray


class Shelf:
    """Prototypes laid out by class in one padded block, so that one product answers a frame.

    Attributes:
        vectors: K×R×D float32, zero where a class has fewer than R prototypes.
        present: K×R, where a prototype is.
    """

    def __init__(self, prototypes: Prototypes, classes: int, neighbours: int) -> None:
        counts = np.bincount(prototypes.labels, minlength=classes)
        if len(counts) > classes:
            raise ValueError("a prototype has a class that is not declared")
        most, dim = int(counts.max(initial=0)), prototypes.vectors.shape[1]
        self.vectors: Vectors = np.zeros((classes, most, dim), np.float32)
        self.present: Mask = np.arange(most) < counts[:, None]
        for label in range(classes):
            self.vectors[label, : counts[label]] = prototypes.vectors[prototypes.labels == label]
        means = self.vectors.sum(axis=1)
        lengths = np.sqrt((means * means).sum(axis=1, keepdims=True))
        self.centroids: Vectors = np.divide(means, lengths, out=np.zeros_like(means), where=lengths > 0)
        self._used = np.minimum(counts, neighbours)
        self._reach = min(neighbours, most)
        self._empty = ~self.present
        self._flat = self.vectors.reshape(-1, dim)
        self._none: FloatArray = np.full(classes, -np.inf)
        self._nowhere: Vectors = np.zeros(dim, np.float32)

    def __len__(self) -> int:
        return int(self._used.sum())

    @property
    def memory(self) -> int:
        """Bytes."""
        return self.vectors.nbytes + self.centroids.nbytes + self.present.nbytes

    def cosines(self, vector: Vectors) -> FloatArray:
        """K×R cosines, -inf where there is no prototype."""
        found: FloatArray = (self._flat @ vector).reshape(self.present.shape)
        found[self._empty] = -np.inf
        return found

    def scores(self, cosines: FloatArray) -> FloatArray:
        """K means of the largest cosines, as many as there are neighbours; -inf for an empty class."""
        return _means(cosines, self._used, self._reach) if self._reach else self._none

    def answer(self, cosines: FloatArray, scores: FloatArray, label: int, options: Options) -> Found | None:
        """z_src and the scores as votes; None where there is nothing to answer with.

        As a vector there is nothing for a predicted class without prototypes; as votes there is.
        """
        known = np.isfinite(scores)
        if not known.any():
            return None
        votes = _levelled(scores)
        if options.source_vector == "mixture":
            shares = softmax(options.source_sharpness * scores)
            return _found(shares.astype(np.float32) @ self.centroids, votes)
        if not known[label]:
            return Found(self._nowhere, votes) if options.level == "logit" else None
        near = _largest(cosines[label], int(self._used[label]))
        return _found(self.vectors[label][near].mean(axis=0), votes)


def entries(cache: Cache, vector: Vectors, label: int, options: Options) -> Found | None:
    """Softmax-weighted nearest entries of a cache and what they vote for; None where it has none.

    Votes are the shares of the entries' classes, or each class's mean of its largest cosines, as options say.

    Args:
        cache: positive or negative.
        vector: D unit vector of the frame.
        label: its predicted class, whose bucket is read where the options reach for the class alone.
        options: reach, neighbours, sharpness and kind of votes.
    """
    classes = len(cache.sizes)
    if options.reach == "class":
        size = cache.sizes[label]
        if not size:
            return None
        rows = cache.vectors[label, :size]
        cosines = rows @ vector
        best = _largest(cosines, options.neighbours)
        votes: FloatArray = np.zeros(classes)
        votes[label] = 1.0
        return _found(_weights(cosines[best], options) @ rows[best], votes)
    if not len(cache):
        return None
    flat = cache.vectors.reshape(-1, cache.vectors.shape[2])
    cosines = flat @ vector
    cosines[~cache.taken.reshape(-1)] = -np.inf
    nearest = _largest(cosines, min(options.neighbours, len(cache)))
    weights = _weights(cosines[nearest], options)
    if options.entry_votes == "scores":
        votes = _levelled(_means(cosines.reshape(cache.taken.shape), cache.sizes, options.neighbours))
    else:
        votes = np.asarray(np.bincount(nearest // cache.capacity, weights, classes), np.float64)
    return _found(weights @ flat[nearest], votes)


def _means(cosines: FloatArray, sizes: NDArray[np.int64] | list[int], most: int) -> FloatArray:
    """K means of the largest cosines of each class, at most so many; -inf for a class without any.

    Args:
        cosines: K×R, -inf where there is nothing.
        sizes: K, how many cosines each class has.
        most: how many are averaged.
    """
    best = cosines
    if most < cosines.shape[1]:
        best = np.partition(cosines, -most, axis=1)[:, -most:]
    totals = np.where(np.isfinite(best), best, 0).sum(axis=1, dtype=np.float64)
    used = np.minimum(sizes, most)
    return np.where(used > 0, totals / np.maximum(used, 1), -np.inf)


def _levelled(scores: FloatArray) -> FloatArray:
    """Scores with the mean of the known ones where nothing is known: neither for nor against."""
    known = np.isfinite(scores)
    return np.where(known, scores, scores[known].mean())


def _weights(cosines: FloatArray, options: Options) -> Vectors:
    return softmax(options.sharpness * cosines).astype(np.float32)


def _largest(values: FloatArray, count: int) -> NDArray[np.int64]:
    """Places of the largest values, in no order."""
    if count >= len(values):
        return np.arange(len(values), dtype=np.int64)
    order: NDArray[np.int64] = np.argpartition(values, len(values) - count)
    return order[len(values) - count :]


def _found(vector: Vectors, votes: FloatArray) -> Found | None:
    size = length(vector)
    return Found(vector / np.float32(size), votes) if size > 0 else None
