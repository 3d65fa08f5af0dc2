"""What is attacked: encoders of faces and of people behind one interface."""

from typing import Protocol

from torch import Tensor


class Victim(Protocol):
    """An encoder whose embeddings are compared by cosine; differentiable in its input, frozen itself.

    Attributes:
        name: in its registry.
        height, width: of the pictures that it takes, in pixels.
    """

    name: str
    height: int
    width: int

    def embed(self, pixels: Tensor) -> Tensor:
        """N×3×height×width RGB in 0..1 -> N×D unit vectors."""
        ...

    def maps(self, pixels: Tensor) -> Tensor:
        """The last feature map, N×C×h×w, differentiable."""
        ...
