"""What attacked probes look like to encoders, against a clean gallery: retrieval and turned decisions.

Retrieval follows the Market-1501 protocol where cameras are given (``core.metrics.identification``). Success
rates (ASR) are of pairs that the clean system decided rightly, at thresholds read off clean impostors
(``core.metrics.attack``). Intervals resample people, never pictures or pairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.metrics import attack, intervals, verification
from core.metrics.identification import Identification, identify
from core.metrics.intervals import Interval
from core.types import FloatArray

FARS = (0.01, 0.001)
ENSEMBLE = "ensemble"


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Pictures with their people.

    Attributes:
        pictures: N×3×H×W RGB in 0..1.
        identities: N.
        cameras: N, or None where the data set knows none.
    """

    pictures: Tensor
    identities: NDArray[np.str_]
    cameras: NDArray[np.str_] | None = None

    def __len__(self) -> int:
        return len(self.pictures)

    def take(self, rows: NDArray[np.int64] | Sequence[int]) -> "Labelled":
        """Some of them, in the order of their numbers."""
        chosen = np.asarray(rows, np.int64)
        cameras = None if self.cameras is None else self.cameras[chosen]
        return Labelled(self.pictures[torch.from_numpy(chosen)], self.identities[chosen], cameras)

    def beside(self, more: "Labelled") -> "Labelled":
        """These and, after them, more of the same size; without cameras where either knows none."""
        cameras = None
        if self.cameras is not None and more.cameras is not None:
            cameras = np.concatenate([self.cameras, more.cameras])
        return Labelled(
            torch.cat([self.pictures, more.pictures]),
            np.concatenate([self.identities, more.identities]),
            cameras,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Success:
    """How often decisions are turned.

    Attributes:
        far: asked for when the threshold was read off the clean impostors, 0..1.
        threshold: that cosine.
        supported: whether there were impostors enough for that FAR.
        rate: ASR with its interval by person; None where fewer than two people have an eligible pair.
        eligible: pairs that the clean system decided rightly.
        successes: those of them that the patch turned.
    """

    far: float
    threshold: float
    supported: bool
    rate: Interval | None
    eligible: int
    successes: int


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What one encoder says of attacked probes.

    Attributes:
        victim: its name, or "ensemble" for the mean of the attacked encoders' cosines.
        white_box: its gradients were used.
        clean: retrieval with the clean probes.
        attacked: retrieval with the attacked ones; both over the same valid probes.
        mean_average_precision: of the attacked probes, with its interval by person.
        genuine: mean cosine of the attacked probes to the same person's gallery.
        success: at each FAR, evasion without targets, impersonation with them.
    """

    victim: str
    white_box: bool
    clean: Identification
    attacked: Identification
    mean_average_precision: Interval
    genuine: float
    success: tuple[Success, ...]


def judge(
    similarity: Mapping[str, tuple[FloatArray, FloatArray]],
    probes: Labelled,
    gallery: Labelled,
    targets: NDArray[np.str_] | None = None,
    white_box: Sequence[str] = (),
    fars: Sequence[float] = FARS,
) -> tuple[Verdict, ...]:
    """Compare clean and attacked scores.

    Args:
        similarity: by encoder P×G cosines of the clean probes and of the attacked ones.
        probes: P pictures.
        gallery: G clean pictures, none of them a probe.
        targets: P identities in the gallery as whom the probes are to be accepted, or None for evasion.
        white_box: whose gradients were used.
        fars: false accept rates.
    """
    return tuple(
        _verdict(name, name in white_box or name == ENSEMBLE, *scores, probes, gallery, targets, fars)
        for name, scores in similarity.items()
    )


def _verdict(
    name: str,
    white_box: bool,
    clean: FloatArray,
    attacked: FloatArray,
    probes: Labelled,
    gallery: Labelled,
    targets: NDArray[np.str_] | None,
    fars: Sequence[float],
) -> Verdict:
    people = probes.identities, gallery.identities, probes.cameras, gallery.cameras
    before, after = identify(clean, *people), identify(attacked, *people)
    same = probes.identities[:, None] == gallery.identities[None, :]
    counted = np.ones_like(same)
    if probes.cameras is not None and gallery.cameras is not None:
        counted = ~(same & (probes.cameras[:, None] == gallery.cameras[None, :]))
    genuine, impostor = clean[same & counted], clean[~same]
    pairs = same & counted if targets is None else targets[:, None] == gallery.identities[None, :]
    decide = attack.evasion if targets is None else attack.impersonation
    owners = np.broadcast_to(probes.identities[:, None], pairs.shape)[pairs]
    success = []
    for far in fars:
        point = verification.at_far(genuine, impostor, far)
        turned = decide(clean[pairs], attacked[pairs], point.threshold)
        success.append(
            Success(far, point.threshold, point.supported, _rate(turned, owners), turned.eligible_pairs,
                    turned.successes)
        )  # fmt: skip
    return Verdict(
        name,
        white_box,
        before,
        after,
        intervals.mean(after.average_precision, probes.identities[after.valid]),
        float(attacked[same & counted].mean()),
        tuple(success),
    )


def _rate(turned: attack.AttackSuccess, owners: NDArray[np.str_]) -> Interval | None:
    """ASR with an interval by person."""
    if len(set(owners[turned.eligible])) < 2:
        return None
    return intervals.mean(turned.success.astype(float), owners, weights=turned.eligible.astype(float))
