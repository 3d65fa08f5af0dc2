"""OSNet (Zhou et al., arXiv 1905.00953) with the names of torchreid's published weights.

A block looks at its input through four streams of one to four light 3×3 convolutions, so at four scales, and
one gate, shared by the streams, weighs each stream's channels by what the picture shows.
"""

from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from core import weights
from core.reid.base import Card, PersonEncoder, cards, encoders
from core.reid.checkpoints import Normalised, fill, state_of

WIDE: Final = (64, 256, 384, 512)
NARROW: Final = (16, 64, 96, 128)
DIM: Final = 512
MARKET = Card(
    name="osnet-x1-0-market1501",
    title="OSNet x1.0 (Market-1501)",
    weights=("osnet-x1-0-market1501",),
    height=256,
    width=128,
    dim=DIM,
    source="arXiv 1905.00953; torchreid",
)
MSMT = Card(
    name="osnet-x1-0-msmt17",
    title="OSNet x1.0 (MSMT17)",
    weights=("osnet-x1-0-msmt17",),
    height=256,
    width=128,
    dim=DIM,
    source="arXiv 1905.00953; torchreid",
)
SMALL = Card(
    name="osnet-x0-25-msmt17",
    title="OSNet x0.25 (MSMT17)",
    weights=("osnet-x0-25-msmt17",),
    height=256,
    width=128,
    dim=DIM,
    source="arXiv 1905.00953; torchreid",
)


class Unit(nn.Module):
    """Convolution, batch norm and, unless linear, ReLU."""

    def __init__(
        self, entering: int, leaving: int, kernel: int = 1, stride: int = 1, linear: bool = False
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(entering, leaving, kernel, stride, kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(leaving)
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> N×C'×H'×W'."""
        y: Tensor = self.bn(self.conv(x))
        return y if self.linear else y.relu()


class Light(nn.Module):
    """A 3×3 convolution as a pointwise and then a depthwise one, with batch norm and ReLU at the end."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> the same."""
        y: Tensor = self.bn(self.conv2(self.conv1(x)))
        return y.relu()


class Gate(nn.Module):
    """Weigh channels by what their means say together."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // reduction, 1)
        self.fc2 = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> the same."""
        means = x.mean((2, 3), keepdim=True)
        share: Tensor = self.fc2(self.fc1(means).relu()).sigmoid()
        return x * share


class Block(nn.Module):
    """Four gated streams between two pointwise convolutions, and a shortcut."""

    def __init__(self, entering: int, leaving: int) -> None:
        super().__init__()
        inner = leaving // 4
        self.conv1 = Unit(entering, inner)
        self.conv2a = Light(inner)
        self.conv2b = nn.Sequential(*(Light(inner) for _ in range(2)))
        self.conv2c = nn.Sequential(*(Light(inner) for _ in range(3)))
        self.conv2d = nn.Sequential(*(Light(inner) for _ in range(4)))
        self.gate = Gate(inner)
        self.conv3 = Unit(inner, leaving, linear=True)
        self.downsample = Unit(entering, leaving, linear=True) if entering != leaving else None

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> N×C'×H×W."""
        start = self.conv1(x)
        streams = (self.conv2a, self.conv2b, self.conv2c, self.conv2d)
        together = torch.stack([self.gate(stream(start)) for stream in streams]).sum(0)
        shortcut = x if self.downsample is None else self.downsample(x)
        y: Tensor = self.conv3(together) + shortcut
        return y.relu()


def _stage(entering: int, leaving: int, halve: bool) -> nn.Sequential:
    blocks: list[nn.Module] = [Block(entering, leaving), Block(leaving, leaving)]
    if halve:
        blocks.append(nn.Sequential(Unit(leaving, leaving), nn.AvgPool2d(2, stride=2)))
    return nn.Sequential(*blocks)


class OSNet(PersonEncoder):
    """OSNet of any width."""

    def __init__(self, card: Card, widths: tuple[int, int, int, int] = WIDE) -> None:
        super().__init__(card)
        first, second, third, fourth = widths
        self.normalised = Normalised()
        self.conv1 = Unit(3, first, 7, 2)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.conv2 = _stage(first, second, halve=True)
        self.conv3 = _stage(second, third, halve=True)
        self.conv4 = _stage(third, fourth, halve=False)
        self.conv5 = Unit(fourth, fourth)
        self.fc = nn.Sequential(nn.Linear(fourth, card.dim), nn.BatchNorm1d(card.dim), nn.ReLU())

    def maps(self, pixels: Tensor) -> Tensor:
        """N×3×256×128 RGB in 0..1 -> N×C×16×8."""
        x = self.maxpool(self.conv1(self.normalised(pixels)))
        found: Tensor = self.conv5(self.conv4(self.conv3(self.conv2(x))))
        return found

    def features(self, pixels: Tensor) -> Tensor:
        """N×3×256×128 RGB in 0..1 -> N×512, none below 0."""
        result: Tensor = self.fc(self.maps(pixels).mean((2, 3)))
        return result


def read(path: Path, card: Card = MARKET, widths: tuple[int, int, int, int] = WIDE) -> OSNet:
    """An OSNet from a file of torchreid's.

    Args:
        path: a checkpoint as torchreid publishes or writes it; nothing in it is executed.
        card: what to call it.
        widths: channels of the stem and the three stages.

    Raises:
        UserError: ``FILE_UNREADABLE``: the file is no such checkpoint.
    """
    net = OSNet(card, widths)
    fill(net, state_of(path), path.name)
    return net.eval().requires_grad_(False)


for _card in (MARKET, MSMT, SMALL):
    cards[_card.name] = _card


@encoders.register(MARKET.name)
def market() -> PersonEncoder:
    """OSNet x1.0 of Market-1501."""
    return read(weights.resolve(MARKET.name), MARKET)


@encoders.register(MSMT.name)
def msmt() -> PersonEncoder:
    """OSNet x1.0 of MSMT17."""
    return read(weights.resolve(MSMT.name), MSMT)


@encoders.register(SMALL.name)
def small() -> PersonEncoder:
    """OSNet x0.25 of MSMT17."""
    return read(weights.resolve(SMALL.name), SMALL, NARROW)
