"""What an expression encoder is, and the registry of them.

A member cuts the square that it was trained on out of the frame, makes its own preprocessing inside, and
gives features beside the scores of the classes it was trained with.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from core.expression.crop import Framing, cut
from core.registry import Registry
from core.types import FloatArray, Pixels


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of an encoder before it is loaded.

    Attributes:
        name: its entry in the weights manifest.
        title: for people, with the training data.
        classes: names of the scores, in their order (``core.expressions``).
        size: side of the native crop in pixels.
        dim: length of the features.
        framing: which square around a detected face the network was trained on.
        channels: what the network takes: one grey channel or RGB.
        mean: subtracted from each channel (0..1 scale).
        std: what the difference is divided by.
        source: paper or project, and where published its arXiv number.
        batch: most crops that go through the network at once.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    size: int
    dim: int
    framing: Framing
    channels: Literal["grey", "rgb"]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    source: str
    batch: int = 32


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """What an encoder says about N crops.

    Attributes:
        features: N×dim float32.
        scores: N×classes float32, before the softmax.
    """

    features: Tensor
    scores: Tensor

    @property
    def probabilities(self) -> Tensor:
        """N×classes, rows sum to 1."""
        return self.scores.softmax(1)


class Encoder(nn.Module):
    """An expression encoder.

    Attributes:
        card: what is known of it.
        net: normalised native crops -> ``(features, scores)``. Where the scores are one linear layer on the
            features, that layer is ``net.head``.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, card: Card, net: nn.Module) -> None:
        super().__init__()
        self.card = card
        self.net = net
        self.register_buffer("mean", torch.tensor(card.mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(card.std).view(1, -1, 1, 1), persistent=False)
        self.eval().requires_grad_(False)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the network's parameters and statistics, by which stored features are told apart."""
        digest = hashlib.sha256()
        for name, value in sorted(self.net.state_dict().items()):
            digest.update(name.encode())
            digest.update(value.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def cut(self, pixels: Pixels, boxes: FloatArray) -> Tensor:
        """Native crops of the faces of one picture.

        Args:
            pixels: H×W×3 uint8 RGB.
            boxes: N×4 boxes as YuNet gives them; parts outside the picture are black.

        Returns:
            N×3×size×size uint8 RGB.
        """
        return cut(pixels, boxes, self.card.framing, self.card.size)

    def forward(self, crops: Tensor) -> Encoding:
        """Features and scores of N×3×size×size native crops, uint8 or float in 0..1, RGB."""
        if not len(crops):
            return Encoding(
                self.mean.new_zeros(0, self.card.dim), self.mean.new_zeros(0, len(self.card.classes))
            )
        found = [self.net(self._prepared(part)) for part in torch.split(crops, self.card.batch)]
        return Encoding(torch.cat([f for f, _ in found]), torch.cat([s for _, s in found]))

    def _prepared(self, crops: Tensor) -> Tensor:
        values = crops.float() / 255 if crops.dtype == torch.uint8 else crops
        if self.card.channels == "grey":
            values = grey(values)
        return ((values - self.mean) / self.std).contiguous(memory_format=torch.channels_last)


def grey(crops: Tensor) -> Tensor:
    """The luma of N×3×H×W RGB crops, N×1×H×W."""
    weights = crops.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    return (crops * weights).sum(1, keepdim=True)


def fill(net: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Load every parameter and statistic of ``net``; only the count of a batch norm's batches may be missing.

    Raises:
        ValueError: something else is missing, or too much.
    """
    missing, unexpected = net.load_state_dict(state, strict=False)
    lacking = [name for name in missing if not name.endswith("num_batches_tracked")]
    if lacking or unexpected:
        raise ValueError(f"the weights do not fit the network: {', '.join([*lacking, *unexpected])}")


encoders: Registry[Encoder] = Registry("expression encoder")
cards: dict[str, Card] = {}


def member(card: Card) -> Callable[[Callable[[], nn.Module]], Callable[[], nn.Module]]:
    """Decorate a function that loads the network of ``card``; it joins the registry under its name."""

    def keep(network: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
        cards[card.name] = card
        encoders.register(card.name)(lambda: Encoder(card, network()))
        return network

    return keep
