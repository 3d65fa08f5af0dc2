"""LightCNN-29 v4 (max-feature-map activations), trained on MS-Celeb.

Wu et al., "A Light CNN for Deep Face Representation with Noisy Labels", arXiv 1511.02683.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from core import weights
from core.recognition.base import Card, member
from core.recognition.crop import Box

CARD = Card(
    name="lightcnn29v4",
    title="LightCNN-29 v4 (MS-Celeb-1M)",
    size=128,
    dim=256,
    # Eyes 40 px below the upper edge, 43 px apart; the published crop (eyes to mouth 48 px) reaches below
    # the canonical frame and separates people no better (see the recognition benchmark).
    box=Box(29.3, 53.7, 166.0, 166.0),
    mean=(0.0, 0.0, 0.0),
    scale=1.0,
    channels="bgr",
    source="arXiv 1511.02683",
)


class MaxFeatureMap(nn.Module):
    """A convolution whose two halves of channels compete (eq. 2)."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.filter = nn.Conv2d(channels_in, 2 * channels_out, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> N×C'×H×W."""
        first, second = self.filter(x).chunk(2, 1)
        return torch.maximum(first, second)


class Residual(nn.Module):
    """Two max-feature-map convolutions and a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = MaxFeatureMap(channels, channels)
        self.conv2 = MaxFeatureMap(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> N×C×H×W."""
        result: Tensor = x + self.conv2(self.conv1(x))
        return result


def _stage(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(Residual(channels) for _ in range(count)))


def _reduce(x: Tensor) -> Tensor:
    return functional.max_pool2d(x, 2) + functional.avg_pool2d(x, 2)


class LightCNN29(nn.Module):
    """N×3×128×128 (BGR, 0..1) to N×256. Names follow the checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.block1 = MaxFeatureMap(3, 48), _stage(48, 1)
        self.conv2, self.block2 = MaxFeatureMap(48, 96), _stage(96, 2)
        self.conv3, self.block3 = MaxFeatureMap(96, 192), _stage(192, 3)
        self.conv4, self.block4 = MaxFeatureMap(192, 128), _stage(128, 4)
        self.conv5 = MaxFeatureMap(128, 128)
        self.fc = nn.Linear(8 * 8 * 128, 256)

    def forward(self, x: Tensor) -> Tensor:
        """N×3×128×128 -> N×256."""
        x = self.block1(_reduce(self.conv1(x)))
        x = self.block2(_reduce(self.conv2(x)))
        x = self.block3(_reduce(self.conv3(x)))
        x = self.conv5(self.block4(self.conv4(x)))
        result: Tensor = self.fc(_reduce(x).flatten(1))
        return result


@member(CARD)
def load() -> nn.Module:
    """The network with its weights."""
    checkpoint = torch.load(weights.resolve(CARD.name), map_location="cpu", weights_only=True)
    net = LightCNN29()
    # the checkpoint was saved from a DataParallel wrapper
    net.load_state_dict({k.removeprefix("module."): v for k, v in checkpoint["state_dict"].items()})
    return net.to(memory_format=torch.channels_last)
