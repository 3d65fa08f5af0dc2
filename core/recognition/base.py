"""What a recogniser is, and the registry of them.

Every member takes the same canonical batch (``core.faces.align``) and makes its own native crop and
preprocessing inside, so that a gradient reaches the canonical pixels through all of it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from core.faces.align import CANONICAL_SIZE
from core.recognition.crop import Box, Crop
from core.registry import Registry


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a recogniser before it is loaded.

    Attributes:
        name: its entry in the weights manifest.
        title: for people, with the training data.
        size: side of the native crop in pixels.
        dim: length of the embedding.
        box: what the native crop shows of the canonical frame.
        mean: subtracted from each channel (0..1 scale), in the order of ``channels``.
        scale: what the difference is multiplied by.
        channels: order in which the network wants the colours.
        source: paper and, where published, its arXiv number.
        part: most images that go through the network at once; a longer batch is taken in equal parts.
            Larger layers than some ten megabytes leave the cache and are new memory to the process at
            every call, which costs more than the layers do.
        layer: the module of the network whose output stands for where it looks (``core.patches``), the whole
            map and no branch of it; chosen by how well it shows a patch, see ``benchmarks/RESULTS.md``. Empty
            for the last convolution.
    """

    name: str
    title: str
    size: int
    dim: int
    box: Box
    mean: tuple[float, float, float]
    scale: float
    channels: Literal["rgb", "bgr"]
    source: str
    part: int = 12
    layer: str = ""


class Recognizer(nn.Module):
    """A face recogniser: aligned batch in, unit embeddings out, differentiable.

    Attributes:
        card: name, title, native size and preprocessing.
        net: the network, native normalised crops -> N×dim (any length).
        differentiable: a gradient reaches the input; False would mark a black-box member.
    """

    mean: Tensor
    differentiable = True

    def __init__(self, card: Card, net: nn.Module) -> None:
        super().__init__()
        self.card = card
        self.crop = Crop(card.box, card.size)
        self.net = net
        self.register_buffer("mean", torch.tensor(card.mean).view(1, 3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1):
                # changes nothing, but torch takes its slower convolution for fewer than 16 images in a
                # single thread, unless the kernel is dilated
                layer.dilation = (2, 2)

    @property
    def name(self) -> str:
        """Name in the manifest and the registry."""
        return self.card.name

    @property
    def title(self) -> str:
        """Name for people."""
        return self.card.title

    @property
    def size(self) -> int:
        """Side of the native crop in pixels."""
        return self.card.size

    @property
    def dim(self) -> int:
        """Length of the embedding."""
        return self.card.dim

    @property
    def box(self) -> tuple[float, float, float, float]:
        """``(x0, y0, x1, y1)`` in the canonical frame that the native crop shows."""
        return self.card.box.corners

    def features(self, crops: Tensor) -> Tensor:
        """The network's own output for native crops.

        Args:
            crops: N×3×size×size RGB in 0..1.

        Returns:
            N×dim, not normalised.
        """
        ordered = crops.flip(1) if self.card.channels == "bgr" else crops
        normalised = (ordered - self.mean) * self.card.scale
        result: Tensor = self.net(normalised.contiguous(memory_format=torch.channels_last))
        return result

    def forward(self, aligned: Tensor) -> Tensor:
        """Embed faces.

        Args:
            aligned: N×3×224×224 RGB in 0..1, the canonical frame.

        Returns:
            N×dim of unit length.

        Raises:
            ValueError: another shape.
        """
        if aligned.ndim != 4 or aligned.shape[1:] != (3, CANONICAL_SIZE, CANONICAL_SIZE):
            raise ValueError(
                f"aligned faces are N×3×{CANONICAL_SIZE}×{CANONICAL_SIZE}, not {tuple(aligned.shape)}"
            )
        parts = aligned.chunk(max(math.ceil(len(aligned) / self.card.part), 1))
        features = [self.features(self.crop(part)) for part in parts]
        return nn.functional.normalize(torch.cat(features), dim=1)


recognizers: Registry[Recognizer] = Registry("recogniser")
cards: dict[str, Card] = {}


def member(card: Card) -> Callable[[Callable[[], nn.Module]], Callable[[], nn.Module]]:
    """Decorate a function that loads the network of ``card``; it joins the registry under its name."""

    def keep(network: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
        cards[card.name] = card
        recognizers.register(card.name)(lambda: Recognizer(card, network()))
        return network

    return keep
