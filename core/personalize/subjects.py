"""Source subjects: their prototypes and statistics, and who among them is most like a person."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.personalize.options import Options
from core.personalize.types import Prototypes
from core.personalize.vectors import unit
from core.types import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """A diagonal Gaussian over a person's embeddings.

    Attributes:
        mean: D.
        variance: D population variances, as measured: shrinkage comes with the comparison.
        frames: how many embeddings it rests on; 0 where that is not known.
    """

    mean: FloatArray
    variance: FloatArray
    frames: int = 0


def statistics(embeddings: FloatArray) -> Statistics:
    """Of N×D embeddings, made unit vectors first.

    Over all frames without labels, as in the code of June 2026. That of March took a person's frames of a
    known class (neutral), which asks for labels of the person; pass those frames alone to do so.

    Raises:
        ValueError: no frame.
    """
    if not len(embeddings):
        raise ValueError("statistics need at least one frame")
    rows = unit(embeddings).astype(np.float64)
    return Statistics(rows.mean(axis=0), rows.var(axis=0), len(rows))


def frechet(a: Statistics, b: Statistics, shrinkage: float = 0.05) -> float:
    """Squared Frechet distance of two diagonal Gaussians.

    |m1 - m2|^2 + sum(v1 + v2 - 2 sqrt(v1 v2)) with v <- (1 - shrinkage) v + shrinkage. Unit vectors of 512
    numbers have variances near 1/512: at the published shrinkage 0.05 all become about 0.05 and the means
    decide.
    """
    first, second = ((1 - shrinkage) * one.variance + shrinkage for one in (a, b))
    apart = ((a.mean - b.mean) ** 2).sum()
    return float(apart + ((np.sqrt(first) - np.sqrt(second)) ** 2).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """The source cache: everything kept of the labelled subjects.

    Attributes:
        prototypes: of all subjects.
        statistics: by subject.
        classes: names, in the order of the labels.
        model: name of the model whose embeddings these are.
    """

    prototypes: Prototypes
    statistics: dict[str, Statistics]
    classes: tuple[str, ...]
    model: str

    @property
    def dim(self) -> int:
        """D."""
        return int(self.prototypes.vectors.shape[1])

    def nearest(self, person: Statistics, count: int, shrinkage: float = 0.05) -> tuple[str, ...]:
        """Names of the subjects with the smallest distance, nearest first; equals by name.

        Args:
            person: statistics of the target's frames.
            count: m; fewer are given where there are fewer.
            shrinkage: see :func:`frechet`.

        Raises:
            ValueError: embeddings of another length.
        """
        if len(person.mean) != self.dim:
            raise ValueError("person and sources are embeddings of one model")
        ranked = sorted((frechet(person, other, shrinkage), name) for name, other in self.statistics.items())
        return tuple(name for _, name in ranked[:count])

    def borrow(
        self, person: Statistics, options: Options, ranked: Sequence[str] | None = None
    ) -> tuple[tuple[str, ...], Prototypes]:
        """What a person is lent, and by whom.

        Args:
            person: statistics of the target's frames.
            options: how many subjects, whether for each class, the cap and the shrinkage.
            ranked: names of all subjects, those to ask first in front; None: the nearest first.

        Returns:
            Names of those who lend, in the order of asking, and their prototypes.
        """
        count, cap = options.nearest_sources, options.prototype_cap
        if ranked is None:
            ranked = self.nearest(person, len(self.statistics), options.shrinkage)
        if options.borrowing == "subject":
            return tuple(ranked[:count]), self.lend(ranked[:count], cap, person.mean)
        place = {name: number for number, name in enumerate(ranked)}
        owners = np.array([place[owner] for owner in self.prototypes.owners])
        rows: list[int] = []
        for label in range(len(self.classes)):
            ours = np.flatnonzero(self.prototypes.labels == label)
            asked = np.unique(owners[ours])[:count]
            rows += ours[np.isin(owners[ours], asked)].tolist()
        lent = tuple(ranked[number] for number in np.unique(owners[rows]))
        return lent, self._some(rows, cap, person.mean)

    def lend(self, names: Sequence[str], cap: int = 0, near: FloatArray | None = None) -> Prototypes:
        """Prototypes of some subjects, in the order of their names.

        Args:
            names: of the subjects.
            cap: most a class; 0 keeps all.
            near: D, the person's mean, by whose cosine the cap chooses.

        Raises:
            ValueError: a cap without ``near``.
        """
        if cap and near is None:
            raise ValueError("a cap chooses by the person's mean")
        chosen = set(names)
        rows = [row for row, owner in enumerate(self.prototypes.owners) if owner in chosen]
        return self._some(rows, cap, near)

    def _some(self, rows: list[int], cap: int, near: FloatArray | None) -> Prototypes:
        """These prototypes in the order of their owners' names, at most ``cap`` a class."""
        rows = sorted(rows, key=lambda row: (self.prototypes.owners[row], row))
        if cap and near is not None:
            cosines = self.prototypes.vectors @ unit(near)
            kept: list[int] = []
            for label in range(len(self.classes)):
                ours = [row for row in rows if self.prototypes.labels[row] == label]
                kept += sorted(ours, key=lambda row: -float(cosines[row]))[:cap]
            rows = [row for row in rows if row in set(kept)]
        owners = tuple(self.prototypes.owners[row] for row in rows)
        return Prototypes(self.prototypes.vectors[rows], self.prototypes.labels[rows], owners)
