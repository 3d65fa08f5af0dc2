"""MobileFaceNet trained with ArcFace on MS1M: the InsightFace_Pytorch checkpoint.

Chen et al., "MobileFaceNets", arXiv 1804.07573, table 1; Deng et al., "ArcFace", arXiv 1801.07698.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from core import weights
from core.recognition.base import Card, member
from core.recognition.crop import ARCFACE_BOX

CARD = Card(
    name="mobilefacenet-ms1m",
    title="MobileFaceNet, ArcFace (MS1M)",
    size=112,
    dim=512,
    box=ARCFACE_BOX,
    mean=(0.5, 0.5, 0.5),
    scale=2.0,
    channels="bgr",
    source="arXiv 1804.07573, arXiv 1801.07698",
    part=6,
    layer="conv_6_sep",
)


class Unit(nn.Module):
    """Convolution, batch norm and, unless linear, PReLU. Names follow the checkpoint."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, *, groups: int = 1,
        padding: int = 0, linear: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, stride, padding, groups=groups, bias=False)
        self.bn: nn.Module = nn.BatchNorm2d(channels_out)
        self.prelu: nn.Module = nn.Identity() if linear else nn.PReLU(channels_out)

    def fuse(self) -> None:
        """Multiply the batch norm's statistics into the convolution (evaluation only)."""
        assert isinstance(self.bn, nn.BatchNorm2d)
        self.conv = fuse_conv_bn_eval(self.conv, self.bn)
        self.bn = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> N×C'×H'×W'."""
        result: Tensor = self.prelu(self.bn(self.conv(x)))
        return result


class Bottleneck(nn.Module):
    """Expand, filter each channel, project; with a shortcut when nothing changes size."""

    def __init__(self, channels_in: int, width: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv = Unit(channels_in, width, 1)
        self.conv_dw = Unit(width, width, 3, stride, groups=width, padding=1)
        self.project = Unit(width, channels_out, 1, linear=True)
        self.shortcut = stride == 1

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> N×C'×H'×W'."""
        y: Tensor = self.project(self.conv_dw(self.conv(x)))
        return x + y if self.shortcut else y


class Stage(nn.Module):
    """Several bottlenecks of one size, under the name that the checkpoint gives them."""

    def __init__(self, channels: int, width: int, count: int) -> None:
        super().__init__()
        self.model = nn.Sequential(*(Bottleneck(channels, width, channels, 1) for _ in range(count)))

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> N×C×H×W."""
        result: Tensor = self.model(x)
        return result


class MobileFaceNet(nn.Sequential):
    """N×3×112×112 to N×512, not normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = Unit(3, 64, 3, 2, padding=1)
        self.conv2_dw = Unit(64, 64, 3, groups=64, padding=1)
        self.conv_23 = Bottleneck(64, 128, 64, 2)
        self.conv_3 = Stage(64, 128, 4)
        self.conv_34 = Bottleneck(64, 256, 128, 2)
        self.conv_4 = Stage(128, 256, 6)
        self.conv_45 = Bottleneck(128, 512, 128, 2)
        self.conv_5 = Stage(128, 256, 2)
        self.conv_6_sep = Unit(128, 512, 1)
        self.conv_6_dw = Unit(512, 512, 7, groups=512, linear=True)
        self.flatten = nn.Flatten()
        self.linear = nn.Linear(512, 512, bias=False)
        self.bn: nn.Module = nn.BatchNorm1d(512)

    def fuse(self) -> None:
        """Fold every batch norm into the layer before it (evaluation only)."""
        for module in self.modules():
            if isinstance(module, Unit):
                module.fuse()
        assert isinstance(self.bn, nn.BatchNorm1d)
        self.linear, self.bn = fuse_linear_bn_eval(self.linear, self.bn), nn.Identity()


@member(CARD)
def load() -> nn.Module:
    """The network with its weights, batch norms folded."""
    net = MobileFaceNet()
    net.load_state_dict(torch.load(weights.resolve(CARD.name), map_location="cpu", weights_only=True))
    net.eval().requires_grad_(False)
    net.fuse()
    return net.to(memory_format=torch.channels_last)
