"""The defence switch: what each detector says of a picture, and the picture without what is suspected."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from core.errors import Code, UserError
from core.patches import thresholds
from core.patches.base import Victim
from core.patches.countermeasures import Detector, Purifier, detectors
from core.patches.countermeasures.concentration import Concentration
from core.patches.countermeasures.disagreement import Disagreement
from core.patches.countermeasures.occlusion import Occlusion, Recovery, contrast
from core.patches.thresholds import Group

__all__ = [
    "ORDER", "REPAIRS", "Finding", "Memory", "Repair", "able", "fitted", "inspect", "provenance", "repaired",
]  # fmt: skip

# Recovery comes after occlusion, which looks through the same covered pictures; that makes it free.
ORDER: Final = ("occlusion", "recovery", "disagreement", "concentration", "blur", "jpeg")
REPAIRS: Final = ("recovery", "occlusion", "concentration", "blur", "jpeg")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one detector says of a picture.

    Attributes:
        detector: its name in the registry.
        title: for people.
        encoders: through whose eyes it looked.
        score: higher is more suspicious; its unit is the detector's own.
        threshold: bundled, from which score on it suspects; None where these encoders have none.
        alarm: whether it suspects; None without a threshold.
        false_alarms: share of clean validation pictures that the threshold lets be suspected, 0..1.
        people: validation people behind the threshold; 0 without one.
        seconds: of wall time, together with what it could take from a detector before it.
    """

    detector: str
    title: str
    encoders: tuple[str, ...]
    score: float
    threshold: float | None
    alarm: bool | None
    false_alarms: float
    people: int
    seconds: float


def inspect(
    victims: Sequence[Victim],
    picture: Tensor,
    references: Mapping[str, Tensor] | None = None,
    *,
    names: Sequence[str] | None = None,
) -> list[Finding]:
    """Ask the detectors about one picture.

    All look through one encoder, the first that has bundled thresholds (else the first), but for the
    disagreement, which needs all.

    Args:
        victims: the defender's encoders, one or more.
        picture: 3×H×W RGB in 0..1.
        references: by encoder G×D or D unit vectors of clean pictures of whom the picture is said to show;
            without them detectors that need a claim are left out.
        names: of detectors; all that can run here without them.

    Returns:
        One a detector, in the order in which they ran.

    Raises:
        UserError: ``OPTION_RANGE``: no encoder, a detector that there is not, or one that cannot run here.
    """
    if not victims:
        raise UserError(Code.OPTION_RANGE, "No encoder is chosen.", "Choose at least one.")
    bundled, everyone = thresholds.load(), tuple(victim.name for victim in victims)
    group = bundled.group_of(everyone)
    remembering = [Memory(victim) for victim in victims]
    watching = next((one for one in remembering if group and one.name in group.scores), remembering[0])
    means = None if references is None else {name: mean(vectors) for name, vectors in references.items()}
    found = []
    for name in names or able(len(victims), references is not None):
        detector = fitted(name, group)
        used = remembering if name == Disagreement.name else [watching]
        began = time.perf_counter()
        score = float(detector.score(picture[None], used, means)[0])
        seconds = time.perf_counter() - began
        encoders = tuple(one.name for one in used)
        limit = _threshold(name, encoders, group, bundled.fpr)
        found.append(
            Finding(
                name,
                detector.title,
                encoders,
                score,
                limit,
                None if limit is None else score >= limit,
                bundled.fpr,
                0 if limit is None or group is None else group.people,
                seconds,
            )
        )
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Repair:
    """A picture to embed in place of a suspected one.

    Attributes:
        picture: 3×H×W RGB in 0..1.
        mask: H×W of 0 and 1, what was covered or filled; all 0 for those who change everything a little.
        how: one of :data:`REPAIRS`.
        title: for people.
    """

    picture: Tensor
    mask: Tensor
    how: str
    title: str


def repaired(
    victims: Sequence[Victim],
    picture: Tensor,
    references: Mapping[str, Tensor] | None = None,
    *,
    how: str | None = None,
) -> Repair:
    """Take out of a picture what looks like a patch; a clean picture loses something too.

    Args:
        victims: the defender's encoders, one or more.
        picture: 3×H×W RGB in 0..1.
        references: by encoder G×D or D unit vectors of whom the picture is said to show, for "recovery".
        how: one of :data:`REPAIRS`; "recovery" where there is a claim and "occlusion" where there is none
            without it.

    Raises:
        UserError: ``OPTION_RANGE``: no encoder, no such repair, or a recovery without a claim.
    """
    if not victims:
        raise UserError(Code.OPTION_RANGE, "No encoder is chosen.", "Choose at least one.")
    how = how or (Occlusion.name if references is None else Recovery.name)
    if how not in REPAIRS:
        raise UserError(
            Code.OPTION_RANGE, f"There is no repair called {how!r}.", f"Choose one of: {', '.join(REPAIRS)}."
        )
    group = thresholds.load().group_of(tuple(victim.name for victim in victims))
    detector = fitted(how, group)
    whole, used = picture.detach()[None], [Memory(victim) for victim in victims]
    mask = whole.new_zeros(1, 1, *whole.shape[2:])
    with torch.no_grad():
        if isinstance(detector, Recovery):
            if references is None:
                raise UserError(
                    Code.OPTION_RANGE,
                    f"{detector.title} needs to know whom a picture is said to show.",
                    "Give a reference.",
                )
            means = {name: mean(vectors) for name, vectors in references.items()}
            square = Occlusion(detector.side)
            mask = square.mask(whole, int(detector.gains(whole, used, means).argmax()))
            result = square.cover(whole, mask)
        elif isinstance(detector, Occlusion):
            mask = detector.mask(whole, int(contrast(detector.changes(whole, used)).argmax()))
            result = detector.cover(whole, mask)
        else:
            assert isinstance(detector, Purifier)
            if isinstance(detector, Concentration):
                mask = detector.masks(whole, used)
            result = detector.clean(whole, used)
    return Repair(result[0], mask[0, 0], how, detector.title)


def provenance() -> str:
    """On whom the bundled thresholds were set, in a sentence."""
    bundled = thresholds.load()
    who = "; ".join(f"{one.people} {one.source}" for one in bundled.groups.values())
    return f"Each threshold lets {bundled.fpr:.0%} of clean pictures be suspected, set on: {who}."


def fitted(name: str, group: Group | None) -> Detector:
    """A detector, told by the bundled figures what clean pictures are like.

    Raises:
        UserError: there is no such detector.
    """
    detector = detectors.create(name)
    if group is None:
        return detector
    if isinstance(detector, Disagreement):
        return replace(detector, usual=group.usual)
    if isinstance(detector, Concentration):
        return replace(detector, usual=group.density)
    return detector


class Memory:
    """A victim that does not embed the same picture twice while nobody asks for gradients.

    The squares of two detectors are the same ones, so that the second has nothing left to do.
    """

    def __init__(self, victim: Victim) -> None:
        self.victim = victim
        self.name, self.height, self.width = victim.name, victim.height, victim.width
        if hasattr(victim, "model"):
            self.model = victim.model  # what its maps show, see ``activation.frame``
        self._known: dict[bytes, Tensor] = {}

    def embed(self, pixels: Tensor) -> Tensor:
        """As the victim does."""
        if torch.is_grad_enabled() and pixels.requires_grad:
            return self.victim.embed(pixels)
        keys = [picture.contiguous().cpu().numpy().tobytes() for picture in pixels]
        keys = [hashlib.blake2b(key, digest_size=16).digest() for key in keys]
        missing = [row for row, key in enumerate(keys) if key not in self._known]
        if missing:
            for row, vector in zip(missing, self.victim.embed(pixels[missing]), strict=True):
                self._known[keys[row]] = vector
        return torch.stack([self._known[key] for key in keys])

    def maps(self, pixels: Tensor) -> Tensor:
        """As the victim does."""
        return self.victim.maps(pixels)


def mean(vectors: Tensor) -> Tensor:
    """G×D or D unit vectors -> 1×D, their direction."""
    return torch.nn.functional.normalize(vectors.reshape(-1, vectors.shape[-1]).mean(0, keepdim=True), dim=1)


def able(count: int, claimed: bool) -> list[str]:
    """Detectors that can run, in order.

    Args:
        count: encoders that look.
        claimed: it is known whom a picture is said to show.
    """
    return [
        name
        for name in ORDER
        if (claimed or not detectors.create(name).needs_references)
        and (count > 1 or name != Disagreement.name)
    ]


def _threshold(name: str, encoders: tuple[str, ...], group: Group | None, fpr: float) -> float | None:
    if group is None:
        return None
    if name == Disagreement.name:
        return group.disagreement(encoders, fpr)
    return group.scores.get(encoders[0], {}).get(name)
