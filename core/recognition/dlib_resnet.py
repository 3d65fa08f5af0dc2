"""dlib's face recognition ResNet (29 convolutions, metric loss), public domain by its author."""

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from core import weights
from core.recognition.base import Card, member
from core.recognition.crop import Box

CARD = Card(
    name="dlib-resnet",
    title="dlib ResNet-29 (VGG, FaceScrub and scraped faces)",
    size=150,
    dim=128,
    # The chip's five points (eye corners, nose base; padding 0.25) on the canonical eyes.
    box=Box(34.2, 57.6, 156.2, 156.2),
    mean=(122.782 / 255, 117.001 / 255, 104.298 / 255),
    scale=255 / 256,
    channels="rgb",
    source="Davis E. King, dlib_face_recognition_resnet_model_v1, 2017; He et al., arXiv 1512.03385",
    layer="blocks.6",
)

# Channels of the blocks in order; a star halves the resolution.
PLAN = ((32, "32 32 32"), (64, "*64 64 64 64"), (128, "*128 128 128"), (256, "*256 256 256 *256"))


class Block(nn.Module):
    """Two convolutions and a shortcut that is averaged and zero-padded where sizes change."""

    def __init__(self, channels_in: int, channels_out: int, halve: bool) -> None:
        super().__init__()
        self.halve = halve
        self.first = nn.Conv2d(channels_in, channels_out, 3, 2 if halve else 1, 0 if halve else 1)
        self.second = nn.Conv2d(channels_out, channels_out, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> N×C'×H'×W'."""
        y: Tensor = self.second(functional.relu(self.first(x), inplace=True))
        if self.halve:
            x = functional.avg_pool2d(x, 2)
            rows, columns = (max(x.shape[i], y.shape[i]) for i in (2, 3))
            grow = (0, columns - x.shape[3], 0, rows - x.shape[2], 0, y.shape[1] - x.shape[1])
            x = functional.pad(x, grow)
            y = functional.pad(y, (0, columns - y.shape[3], 0, rows - y.shape[2]))
        return functional.relu(x + y)


class DlibResNet(nn.Module):
    """The network with its affine layers folded into the convolutions.

    The layout follows dlib's ``examples/dnn_face_recognition_ex.cpp`` (``anet_type``): N×3×150×150 to
    N×128.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 7, 2)
        blocks: list[nn.Module] = []
        channels = 32
        for width, steps in PLAN:
            for step in steps.split():
                blocks.append(Block(channels, width, step.startswith("*")))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(256, 128, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """N×3×150×150 -> N×128."""
        x = functional.max_pool2d(functional.relu(self.stem(x), inplace=True), 3, 2)
        result: Tensor = self.head(self.blocks(x).mean((2, 3)))
        return result


@member(CARD)
def load() -> nn.Module:
    """The network with the bundled half-precision weights, computed in single precision."""
    state: dict[str, Tensor] = {}
    for shard in sorted(weights.resolve(CARD.name).glob("dlib_resnet-*.safetensors")):
        state |= load_file(shard)
    net = DlibResNet()
    net.load_state_dict({name: value.float() for name, value in state.items()})
    return net.to(memory_format=torch.channels_last)
