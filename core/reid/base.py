"""What a person encoder is, and the registry of them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from core.registry import Registry


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of an encoder before it is loaded.

    Attributes:
        name: in the registry, and where it is of one file its entry in the weights manifest.
        title: for people, with the training data.
        weights: entries of the manifest that it is made of.
        height, width: of the pictures that it takes, in pixels.
        dim: length of the embedding.
        source: paper or project.
    """

    name: str
    title: str
    weights: tuple[str, ...]
    height: int
    width: int
    dim: int
    source: str


class PersonEncoder(nn.Module, ABC):
    """Pictures of whole people to unit embeddings, differentiable; preprocessing is made inside.

    Attributes:
        card: what is known of it.
    """

    def __init__(self, card: Card) -> None:
        super().__init__()
        self.card = card

    def forward(self, pixels: Tensor) -> Tensor:
        """N×3×height×width RGB in 0..1 -> N×dim unit vectors."""
        return nn.functional.normalize(self.features(pixels), dim=1)

    @abstractmethod
    def features(self, pixels: Tensor) -> Tensor:
        """N×3×height×width RGB in 0..1 -> N×dim, of any length."""

    @abstractmethod
    def maps(self, pixels: Tensor) -> Tensor:
        """The last feature map before pooling, N×C×h×w."""


E = TypeVar("E", bound=PersonEncoder)


def restored(net: E, state: Mapping[str, Tensor]) -> E:
    """An encoder of ours with exported weights, in single precision and evaluation mode.

    Raises:
        ValueError: other names than the encoder has; only the count of a batch norm's batches may be missing.
    """
    missing, extra = net.load_state_dict({name: value.float() for name, value in state.items()}, strict=False)
    if extra or any(not name.endswith("num_batches_tracked") for name in missing):
        raise ValueError(f"these are not the weights of {net.card.name}")
    return net.eval().requires_grad_(False).to(memory_format=torch.channels_last)


encoders: Registry[PersonEncoder] = Registry("person encoder")
cards: dict[str, Card] = {}


def load(name: str) -> PersonEncoder:
    """The encoder called ``name``, built at the first call and shared by the whole process.

    Raises:
        UserError: an unknown name, or weights that cannot be had.
    """
    return encoders.shared(name)
