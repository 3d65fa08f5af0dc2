"""What a detector of patches is, and the registry of them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional

from core.errors import Code, UserError
from core.patches.base import Victim
from core.registry import Registry

#: By victim N×D (or 1×D) unit vectors of clean pictures of those whom the pictures are said to show.
References = Mapping[str, Tensor]
BATCH = 16  # pictures that go through a victim together


class Detector(ABC):
    """Says how suspicious pictures are. Immutable: :meth:`fit` gives a new one.

    Attributes:
        name: in the registry.
        title: for people.
        source: paper, or "our choice".
        needs_references: scores only pictures that are said to show somebody.
    """

    name: str
    title: str
    source: str
    needs_references = False

    def fit(self, pictures: Tensor, victims: Sequence[Victim], references: References | None = None) -> Self:
        """The same detector, told by clean pictures what is usual; most need no telling.

        Args:
            pictures: N×3×H×W RGB in 0..1, clean, not of the people who will be judged.
            victims: as for :meth:`score`.
            references: as for :meth:`score`.
        """
        return self

    def score(
        self, pictures: Tensor, victims: Sequence[Victim], references: References | None = None
    ) -> Tensor:
        """Suspicion.

        Args:
            pictures: N×3×H×W RGB in 0..1.
            victims: the defender's encoders, one or more, of that picture size.
            references: who the pictures are said to show, needed by some.

        Returns:
            N numbers without gradients, higher is more suspicious; only their order has a meaning.

        Raises:
            UserError: ``OPTION_RANGE``: no victim, or references are needed and missing.
        """
        if not victims:
            raise _refused("No encoder is chosen.", "Choose at least one.")
        if self.needs_references and references is None:
            raise _refused(f"{self.title} needs to know whom a picture is said to show.", "Give a reference.")
        with torch.no_grad():
            return self._score(pictures, victims, references)

    @abstractmethod
    def _score(self, pictures: Tensor, victims: Sequence[Victim], references: References | None) -> Tensor:
        """As :meth:`score`, checked and without gradients."""


class Purifier(Detector):
    """A detector that can also take out what it suspects."""

    @abstractmethod
    def clean(self, pictures: Tensor, victims: Sequence[Victim]) -> Tensor:
        """Pictures to embed in place of the given ones.

        Args:
            pictures: N×3×H×W RGB in 0..1.
            victims: as for :meth:`score`.

        Returns:
            N×3×H×W in 0..1, without gradients.
        """


def embed(victim: Victim, pictures: Tensor) -> Tensor:
    """In batches, with gradients where they are wanted."""
    return torch.cat([victim.embed(part) for part in torch.split(pictures, BATCH)])


def cosines(victim: Victim, pictures: Tensor, references: References) -> Tensor:
    """N cosines of pictures with their references."""
    return functional.cosine_similarity(embed(victim, pictures), references[victim.name])


def _refused(message: str, hint: str) -> UserError:
    return UserError(Code.OPTION_RANGE, message, hint)


detectors: Registry[Detector] = Registry("countermeasure")
