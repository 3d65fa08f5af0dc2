"""The attacker who knows the defence: every detector's score in a form whose gradient can be followed.

A defence that was only tried on attacks made without it is not tried at all (arXiv 1802.00420). The terms are
added to the attack's loss; to lower them is to look harmless.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch

import torch
from torch import Tensor

from core.patches.base import Victim
from core.patches.countermeasures.base import Detector, References
from core.patches.countermeasures.concentration import Concentration
from core.patches.countermeasures.disagreement import Disagreement
from core.patches.countermeasures.occlusion import Occlusion, Recovery, contrast
from core.patches.countermeasures.squeezing import Squeezer

# Of the soft maxima: high enough to follow the highest alone where it stands out, for logarithms of shares
# and for differences of cosines, which are some ten times smaller.
SHARPNESS_SHARES, SHARPNESS_COSINES = 20.0, 100.0


@singledispatch
def surrogate(
    detector: Detector, pictures: Tensor, victims: Sequence[Victim], references: References | None = None
) -> Tensor:
    """A differentiable stand-in for ``detector.score``.

    Args:
        detector: fitted, if the attacker is to know that too.
        pictures: N×3×H×W RGB in 0..1, with gradients.
        victims: the defender's encoders, as far as the attacker knows them.
        references: who the pictures are said to show.

    Returns:
        N numbers; those that are lowered lower the score.

    Raises:
        NotImplementedError: there is none for this detector.
    """
    raise NotImplementedError(f"{detector.name} has no differentiable surrogate")


@surrogate.register
def _(
    detector: Squeezer, pictures: Tensor, victims: Sequence[Victim], references: References | None = None
) -> Tensor:
    """Squeezed in truth, and the gradient straight through what has none (BPDA, arXiv 1802.00420, 4.1.1)."""
    squeezed = detector.squeeze(pictures)
    if pictures.requires_grad and not squeezed.requires_grad:
        squeezed = pictures + (squeezed - pictures).detach()
    return detector.change(squeezed, pictures, victims)


@surrogate.register
def _(
    detector: Concentration, pictures: Tensor, victims: Sequence[Victim], references: References | None = None
) -> Tensor:
    """Soft maximum over the windows, so that the next ones are lowered too."""
    return _soft_maximum(detector.excess(pictures, victims), SHARPNESS_SHARES)


@surrogate.register
def _(
    detector: Occlusion, pictures: Tensor, victims: Sequence[Victim], references: References | None = None
) -> Tensor:
    """Soft maximum over the positions; as many forward passes as there are, all with gradients."""
    return _soft_maximum(contrast(detector.changes(pictures, victims)), SHARPNESS_COSINES)


@surrogate.register
def _(
    detector: Recovery, pictures: Tensor, victims: Sequence[Victim], references: References | None = None
) -> Tensor:
    """Soft maximum over the positions, as costly as :class:`Occlusion`.

    Raises:
        ValueError: no references.
    """
    if references is None:
        raise ValueError("a recovery is measured towards references")
    return _soft_maximum(detector.gains(pictures, victims, references), SHARPNESS_COSINES)


@surrogate.register
def _(
    detector: Disagreement, pictures: Tensor, victims: Sequence[Victim], references: References | None = None
) -> Tensor:
    """Standard deviation of the opinions: every encoder is drawn to their mean, not the two extremes alone.

    Raises:
        NotImplementedError: the detector was not fitted, and ranks have no gradient.
    """
    if references is None or any(victim.name not in detector.usual for victim in victims):
        raise NotImplementedError("the ranks of a detector that was not fitted have no gradient")
    return detector.opinions(pictures, victims, references).std(0)


@dataclass(frozen=True)
class Knowing:
    """What an attacker pays for being suspected, to be added to an attack's loss.

    Attributes:
        detectors: by weight, those that the attacker knows of.
        victims: the defender's encoders.
        references: by victim, of the pictures given, for detectors that need them.
    """

    detectors: Sequence[tuple[float, Detector]]
    victims: Sequence[Victim]
    references: Mapping[str, Tensor] | None = None

    def __call__(self, pictures: Tensor) -> Tensor:
        """Weighted sum of the mean surrogates, one number, differentiable.

        Args:
            pictures: N×3×H×W RGB in 0..1, as the defender would see them.
        """
        terms = [
            weight * surrogate(detector, pictures, self.victims, self.references).mean()
            for weight, detector in self.detectors
        ]
        return torch.stack(terms).sum() if terms else pictures.new_zeros(())


def _soft_maximum(values: Tensor, sharpness: float) -> Tensor:
    """N×rows×columns -> N, at least the maximum and at most log(rows·columns) / sharpness above it."""
    return (sharpness * values.flatten(1)).logsumexp(1) / sharpness
