"""How well a detector tells attacked pictures from clean ones, and what purifying costs the clean."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.metrics import intervals, verification
from core.metrics.intervals import Interval
from core.metrics.verification import OperatingPoint, Roc
from core.types import FloatArray

FPR = 0.05
RESAMPLES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """Attacked pictures against clean ones.

    Attributes:
        curve: receiver operating characteristic; its ``tar`` is the share of attacked pictures caught, its
            ``far`` the share of clean ones suspected.
        auc: area under it.
        tpr: share of attacked pictures caught where at most ``point.target`` of the clean are suspected.
        point: that point, with its threshold, its true FPR and whether there are clean pictures enough.
        people: how many identities were resampled.
    """

    curve: Roc
    auc: Interval
    tpr: Interval
    point: OperatingPoint
    people: int


def detection(
    clean: FloatArray,
    attacked: FloatArray,
    clean_people: NDArray[Any],
    attacked_people: NDArray[Any],
    *,
    fpr: float = FPR,
    resamples: int = RESAMPLES,
) -> Detection:
    """Judge a detector's scores; intervals resample people, with all their pictures of both kinds.

    The threshold belongs to the clean pictures of every resample, so the interval of the TPR holds its
    uncertainty too.

    Args:
        clean: N scores of clean pictures, higher is more suspicious.
        attacked: M scores of attacked ones.
        clean_people: N identities.
        attacked_people: M identities, the same people.
        fpr: largest share of clean pictures that may be suspected, 0..1.
        resamples: of the intervals.

    Raises:
        ValueError: lengths differ, or somebody has pictures of one kind only.
    """
    clean, attacked = np.asarray(clean, np.float64), np.asarray(attacked, np.float64)
    if len(clean) != len(clean_people) or len(attacked) != len(attacked_people):
        raise ValueError("every score has its person")
    if set(np.unique(clean_people)) != set(np.unique(attacked_people)):
        raise ValueError("everybody has clean and attacked pictures")
    scores = np.concatenate([clean, attacked])
    people = np.concatenate([clean_people, attacked_people])
    caught = np.arange(len(scores)) >= len(clean)

    def auc(drawn: NDArray[np.int64]) -> float:
        return verification.roc(scores[drawn][caught[drawn]], scores[drawn][~caught[drawn]]).auc

    def tpr(drawn: NDArray[np.int64]) -> float:
        return verification.at_far(scores[drawn][caught[drawn]], scores[drawn][~caught[drawn]], fpr).tar

    return Detection(
        curve=verification.roc(attacked, clean),
        auc=intervals.bootstrap(auc, people, resamples=resamples),
        tpr=intervals.bootstrap(tpr, people, resamples=resamples),
        point=verification.at_far(attacked, clean, fpr),
        people=len(np.unique(people)),
    )
