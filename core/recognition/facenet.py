"""FaceNet: Inception-ResNet v1 trained on VGGFace2 (David Sandberg, 20180402-114759).

Szegedy et al., arXiv 1602.07261 (figures 10 to 15); Schroff et al., "FaceNet", arXiv 1503.03832; Cao et
al., "VGGFace2", arXiv 1710.08092. The weights come as a frozen TensorFlow graph with its batch norms
folded; every convolution here knows its name in that graph.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from core import weights
from core.recognition.base import Card, member
from core.recognition.crop import Box
from core.recognition.frozen_graph import constants

CARD = Card(
    name="facenet-vggface2",
    title="FaceNet Inception-ResNet v1",
    size=160,
    dim=512,
    # MTCNN's tall box with its margin, squeezed to a square as in training.
    box=Box(35.3, 39.0, 154.0, 184.0),
    mean=(0.5, 0.5, 0.5),
    scale=2.0,
    channels="rgb",
    source="arXiv 1602.07261, arXiv 1503.03832, arXiv 1710.08092",
    layer="trunk.22",
)
ROOT = "InceptionResnetV1/"
Steps = tuple[tuple[str, int], ...]  # name ending in the kernel, output channels


class Conv(nn.Conv2d):
    """A convolution, its folded batch norm and, unless linear, a ReLU."""

    def __init__(
        self, path: str, channels_in: int, channels_out: int, kernel: tuple[int, int], stride: int = 1, *,
        valid: bool = False, linear: bool = False,
    ) -> None:  # fmt: skip
        padding = (0, 0) if valid else (kernel[0] // 2, kernel[1] // 2)
        super().__init__(channels_in, channels_out, kernel, stride, padding)
        self.path = path
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> N×C'×H'×W'."""
        y = super().forward(x)
        return y if self.linear else functional.relu(y, inplace=True)


def _chain(path: str, channels: int, *steps: tuple[str, int], stride: int = 1) -> nn.Sequential:
    """Convolutions in a row, named ``Conv2d_<step>`` below a path; a step ends in its kernel's size.

    A stride of 2 makes the last one a reduction: stride 2 and no padding.
    """
    layers = []
    for number, (name, width) in enumerate(steps):
        rows, columns = (int(side) for side in name.split("_")[-1].split("x"))
        reduce = stride == 2 and number == len(steps) - 1
        step = 2 if reduce else 1
        layers.append(Conv(f"{path}/Conv2d_{name}", channels, width, (rows, columns), step, valid=reduce))
        channels = width
    return nn.Sequential(*layers)


class Residual(nn.Module):
    """An Inception-ResNet block: branches side by side, joined, scaled and added."""

    def __init__(
        self,
        path: str,
        channels: int,
        scale: float,
        branches: list[Steps],
        last: bool = False,
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            _chain(f"{path}/Branch_{i}", channels, *steps) for i, steps in enumerate(branches)
        )
        joined = sum(steps[-1][1] for steps in branches)
        self.up = Conv(f"{path}/Conv2d_1x1", joined, channels, (1, 1), linear=True)
        self.scale = scale
        self.last = last

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> N×C×H×W."""
        y = torch.cat([branch(x) for branch in self.branches], 1)
        y = x + self.scale * self.up(y)
        return y if self.last else functional.relu(y, inplace=True)


class Reduction(nn.Module):
    """Branches that halve the resolution beside a max pooling."""

    def __init__(self, path: str, channels: int, branches: list[Steps]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            _chain(f"{path}/Branch_{i}", channels, *steps, stride=2) for i, steps in enumerate(branches)
        )

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> N×C'×H/2×W/2."""
        return torch.cat([*(branch(x) for branch in self.branches), functional.max_pool2d(x, 3, 2)], 1)


def _block35(path: str) -> Residual:
    side = (("0a_1x1", 32), ("0b_3x3", 32))
    return Residual(path, 256, 0.17, [(("1x1", 32),), side, (*side, ("0c_3x3", 32))])


def _block17(path: str) -> Residual:
    return Residual(path, 896, 0.10, [(("1x1", 128),), (("0a_1x1", 128), ("0b_1x7", 128), ("0c_7x1", 128))])


def _block8(path: str, scale: float = 0.20, last: bool = False) -> Residual:
    branches = [(("1x1", 192),), (("0a_1x1", 192), ("0b_1x3", 192), ("0c_3x1", 192))]
    return Residual(path, 1792, scale, branches, last)


class InceptionResNetV1(nn.Module):
    """N×3×160×160 to N×512, not normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            Conv("Conv2d_1a_3x3", 3, 32, (3, 3), 2, valid=True),
            Conv("Conv2d_2a_3x3", 32, 32, (3, 3), valid=True),
            Conv("Conv2d_2b_3x3", 32, 64, (3, 3)),
            nn.MaxPool2d(3, 2),
            Conv("Conv2d_3b_1x1", 64, 80, (1, 1)),
            Conv("Conv2d_4a_3x3", 80, 192, (3, 3), valid=True),
            Conv("Conv2d_4b_3x3", 192, 256, (3, 3), 2, valid=True),
            *(_block35(f"Repeat/block35_{i}") for i in range(1, 6)),
            Reduction(
                "Mixed_6a", 256, [(("1a_3x3", 384),), (("0a_1x1", 192), ("0b_3x3", 192), ("1a_3x3", 256))]
            ),
            *(_block17(f"Repeat_1/block17_{i}") for i in range(1, 11)),
            Reduction(
                "Mixed_7a",
                896,
                [
                    (("0a_1x1", 256), ("1a_3x3", 384)),
                    (("0a_1x1", 256), ("1a_3x3", 256)),
                    (("0a_1x1", 256), ("0b_3x3", 256), ("1a_3x3", 256)),
                ],
            ),
            *(_block8(f"Repeat_2/block8_{i}") for i in range(1, 6)),
            _block8("Block8", scale=1.0, last=True),
        )
        self.bottleneck = nn.Linear(1792, 512)

    def forward(self, x: Tensor) -> Tensor:
        """N×3×160×160 -> N×512."""
        result: Tensor = self.bottleneck(self.trunk(x).mean((2, 3)))
        return result


def fill(net: InceptionResNetV1, values: dict[str, NDArray[np.float32]]) -> None:
    """Copy a frozen graph's constants into the network; a missing one is a KeyError."""

    def tensor(name: str) -> Tensor:
        return torch.from_numpy(values[ROOT + name].copy())

    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, Conv):
                module.weight.copy_(tensor(f"{module.path}/weights").permute(3, 2, 0, 1))
                assert module.bias is not None
                offset = "biases" if module.linear else "Conv2D_bn_offset"
                module.bias.copy_(tensor(f"{module.path}/{offset}"))
        norm = "Bottleneck/BatchNorm"
        gain = (tensor(f"{norm}/moving_variance") + 1e-3).rsqrt()
        net.bottleneck.weight.copy_((tensor("Bottleneck/weights") * gain).t())
        net.bottleneck.bias.copy_(tensor(f"{norm}/beta") - tensor(f"{norm}/moving_mean") * gain)


@member(CARD)
def load() -> nn.Module:
    """The network with the constants of the frozen graph."""
    net = InceptionResNetV1()
    fill(net, constants(weights.resolve(CARD.name).read_bytes()))
    return net.to(memory_format=torch.channels_last)
