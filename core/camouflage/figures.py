"""Figures of one recogniser before and after painting, and next to the random control."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.camouflage.evaluate import Genuine

Role = Literal["optimised", "unseen"]


@dataclass(frozen=True, slots=True)
class Band:
    """Random patterns of equal area on one recogniser.

    Attributes:
        low: 5th percentile of the patterns' mean cosines; what an optimised pattern must beat.
        median: their median.
        high: 95th percentile.
        accepted: share of comparisons accepted, mean over the patterns.
        accepted_low: 5th percentile of that share.
        patterns: how many.
    """

    low: float
    median: float
    high: float
    accepted: float
    accepted_low: float
    patterns: int


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """One recogniser's figures.

    Attributes:
        name: of the recogniser.
        title: for people.
        role: whether the pattern was optimised on it.
        far: the false accept rate of the threshold.
        threshold: accepted from this cosine on.
        clean: mean cosine between clean photos of the person.
        painted: mean cosine between painted and clean photos.
        clean_accepted: share of the clean comparisons that are accepted.
        painted_accepted: the same after painting.
        comparisons: how many comparisons the means are over.
        band: random patterns of equal area, None where they were not tried.
    """

    name: str
    title: str
    role: Role
    far: float
    threshold: float
    clean: float
    painted: float
    clean_accepted: float
    painted_accepted: float
    comparisons: int
    band: Band | None = None

    @property
    def beats_random(self) -> bool:
        """The painted similarity lies below the 5th percentile of the random patterns'."""
        return self.band is not None and self.painted < self.band.low


def band(outcomes: Sequence[Genuine], model: str, threshold: float) -> Band:
    """The control's figures for one recogniser from the scores of several random patterns."""
    means = np.array([one.mean(model) for one in outcomes])
    shares = np.array([one.tar(model, threshold) for one in outcomes])
    low, median, high = np.percentile(means, (5, 50, 95))
    return Band(
        float(low),
        float(median),
        float(high),
        float(shares.mean()),
        float(np.percentile(shares, 5)),
        len(means),
    )


def figures(
    clean: Genuine,
    painted: Genuine,
    thresholds: Mapping[str, float],
    titles: Mapping[str, str],
    optimised: Sequence[str],
    far: float,
    randoms: Sequence[Genuine] = (),
) -> tuple[ModelFigures, ...]:
    """Figures of every recogniser that both score sets hold, the optimised ones first."""
    names = sorted(painted.scores, key=lambda name: name not in optimised)
    return tuple(
        ModelFigures(
            name=name,
            title=titles.get(name, name),
            role="optimised" if name in optimised else "unseen",
            far=far,
            threshold=thresholds[name],
            clean=clean.mean(name),
            painted=painted.mean(name),
            clean_accepted=clean.tar(name, thresholds[name]),
            painted_accepted=painted.tar(name, thresholds[name]),
            comparisons=len(painted.probe),
            band=band(randoms, name, thresholds[name]) if randoms else None,
        )
        for name in names
    )
