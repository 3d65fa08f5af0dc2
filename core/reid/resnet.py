"""ResNet-50 (He et al., arXiv 1512.03385) as torchreid trains it for re-identification, from a file.

Its weights are on no registry, torchreid's model zoo links a shared drive, and neither an address in a hub
nor their hash or size was found in any public record, so there is no entry in the manifest: :func:`read`
takes the file that somebody has (``evaluate patch-generator --unseen resnet50=FILE``).
"""

from pathlib import Path
from typing import Final

from torch import Tensor, nn

from core.reid.base import Card, PersonEncoder
from core.reid.checkpoints import Normalised, fill, state_of

DEPTHS: Final = (3, 4, 6, 3)
WIDTH: Final = 64
EXPANSION: Final = 4
CARD = Card(
    name="resnet50-reid",
    title="ResNet-50 (torchreid)",
    weights=(),
    height=256,
    width=128,
    dim=2048,
    source="arXiv 1512.03385; torchreid",
)


class Bottleneck(nn.Module):
    """Narrow, filter, widen; with a shortcut. The stride is the 3×3 convolution's."""

    def __init__(self, entering: int, width: int, stride: int) -> None:
        super().__init__()
        leaving = width * EXPANSION
        self.conv1 = nn.Conv2d(entering, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, leaving, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(leaving)
        self.downsample: nn.Module | None = None
        if stride != 1 or entering != leaving:
            self.downsample = nn.Sequential(
                nn.Conv2d(entering, leaving, 1, stride, bias=False), nn.BatchNorm2d(leaving)
            )

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> N×C'×H'×W'."""
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn3(self.conv3(self.bn2(self.conv2(y)).relu()))
        shortcut = x if self.downsample is None else self.downsample(x)
        result: Tensor = (y + shortcut).relu()
        return result


class ResNet(PersonEncoder):
    """The trunk with the mean of its last map as embedding."""

    def __init__(self, card: Card = CARD, depths: tuple[int, ...] = DEPTHS, width: int = WIDTH) -> None:
        super().__init__(card)
        self.normalised = Normalised()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        entering = width
        for number, depth in enumerate(depths):
            inner = width << number
            strides = [1 if number == 0 else 2, *[1] * (depth - 1)]
            blocks: list[nn.Module] = []
            for stride in strides:
                blocks.append(Bottleneck(entering, inner, stride))
                entering = inner * EXPANSION
            self.add_module(f"layer{number + 1}", nn.Sequential(*blocks))
        self.stages = tuple(f"layer{number + 1}" for number in range(len(depths)))

    def maps(self, pixels: Tensor) -> Tensor:
        """N×3×256×128 RGB in 0..1 -> N×C×8×4."""
        x: Tensor = self.maxpool(self.bn1(self.conv1(self.normalised(pixels))).relu())
        for name in self.stages:
            x = self.get_submodule(name)(x)
        return x

    def features(self, pixels: Tensor) -> Tensor:
        """N×3×256×128 RGB in 0..1 -> N×2048, none below 0."""
        return self.maps(pixels).mean((2, 3))


def read(path: Path, card: Card = CARD, depths: tuple[int, ...] = DEPTHS, width: int = WIDTH) -> ResNet:
    """torchreid's ``resnet50`` from a checkpoint; arguments and errors as of ``core.reid.osnet.read``."""
    net = ResNet(card, depths, width)
    fill(net, state_of(path), path.name)
    return net.eval().requires_grad_(False)
