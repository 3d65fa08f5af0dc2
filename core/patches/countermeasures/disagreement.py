"""Encoders that a patch was not made for disagree with those that it was made for.

The spread of several encoders' opinions is the sign of an attack; measure and normalisation are our choice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import Tensor

from core.errors import Code, UserError
from core.patches.base import Victim
from core.patches.countermeasures.base import Detector, References, cosines, detectors


@dataclass(frozen=True)
class Disagreement(Detector):
    """Spread of the victims' cosines with the claimed person, each in its own measure.

    Cosines of two encoders cannot be compared as they are. Fitted, each is counted in standard deviations
    from the mean of clean genuine cosines; otherwise it is replaced by its rank among the pictures given.

    Attributes:
        usual: by victim, mean and standard deviation of clean genuine cosines.
    """

    usual: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    name = "disagreement"
    title = "ensemble disagreement"
    source = "our choice"
    needs_references = True

    def fit(self, pictures: Tensor, victims: Sequence[Victim], references: References | None = None) -> Self:
        """Keep what clean genuine cosines are like; without references nothing is learnt."""
        if references is None:
            return self
        with torch.no_grad():
            found = {victim.name: cosines(victim, pictures, references) for victim in victims}
        usual = {name: (float(each.mean()), max(float(each.std()), 1e-6)) for name, each in found.items()}
        return replace(self, usual=usual)

    def opinions(self, pictures: Tensor, victims: Sequence[Victim], references: References) -> Tensor:
        """Comparable opinions, victims×N; differentiable where the detector was fitted.

        Raises:
            UserError: ``OPTION_RANGE``: one victim has nobody to disagree with.
        """
        if len(victims) < 2:
            raise UserError(
                Code.OPTION_RANGE, "One encoder has nobody to disagree with.", "Choose at least two."
            )
        each = [(victim.name, cosines(victim, pictures, references)) for victim in victims]
        if all(name in self.usual for name, _ in each):
            return torch.stack(
                [(cosine - self.usual[name][0]) / self.usual[name][1] for name, cosine in each]
            )
        return torch.stack([ranks(cosine) for _, cosine in each])

    def _score(self, pictures: Tensor, victims: Sequence[Victim], references: References | None) -> Tensor:
        assert references is not None  # checked by score
        opinions = self.opinions(pictures, victims, references)
        return opinions.amax(0) - opinions.amin(0)


def ranks(values: Tensor) -> Tensor:
    """N numbers -> N ranks in 0..1, equal ones sharing the mean of theirs; 0.5 for a single one."""
    if len(values) == 1:
        return torch.full_like(values, 0.5)
    below = (values[:, None] > values[None, :]).sum(1)
    equal = (values[:, None] == values[None, :]).sum(1) - 1
    return (below + equal / 2) / (len(values) - 1)


detectors.register(Disagreement.name)(Disagreement)
