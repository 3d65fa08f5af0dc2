"""TER-GAN's ResNet-18: an expression encoder trained to leave identity out.

Ali, Hughes, "Facial expression recognition by using a disentangled identity-invariant expression
representation", ICPR 2020; He et al., "Deep residual learning", arXiv 1512.03385. The weights come as a
TensorFlow.js graph that was converted from ONNX: batch norms are folded into the convolutions but for the
last, and the tensors are numbered in the order of the network's own modules.
"""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from core import weights
from core.expression.base import Card, member
from core.expression.crop import Framing
from core.weights.tfjs import read_weights

CARD = Card(
    name="ter-gan-resnet18",
    title="TER-GAN ResNet-18",
    classes=("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt"),
    size=224,
    dim=512,
    framing=Framing(),
    channels="rgb",
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    source="Ali and Hughes, ICPR 2020; the package emotion-recognition-api",
    batch=8,
)
WIDTHS = (64, 64, 128, 256, 512)
ROOT = "PartitionedCall/"
NORM = f"{ROOT}onnx_tf_prefix_BatchNormalization_48"


class Block(nn.Module):
    """Two 3×3 convolutions beside a shortcut, which is a 1×1 convolution where sizes change."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        stride = 1 if channels_in == channels_out else 2
        self.first = nn.Conv2d(channels_in, channels_out, 3, stride, 1)
        self.second = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.shortcut = nn.Identity() if stride == 1 else nn.Conv2d(channels_in, channels_out, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> N×C'×H'×W'."""
        y = self.second(functional.relu(self.first(x)))
        return functional.relu(y + self.shortcut(x))


class TerGan(nn.Module):
    """N×3×224×224 in 0..1 -> N×512 features, normalised over the training set, and N×8 scores."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, WIDTHS[0], 7, 2, 3)
        self.pool = nn.MaxPool2d(2)
        steps = pairwise(WIDTHS)  # two blocks of each width, the first of them widens
        self.blocks = nn.Sequential(*(Block(c, width) for before, width in steps for c in (before, width)))
        self.norm = nn.BatchNorm1d(WIDTHS[-1], eps=0.0)
        self.head = nn.Linear(WIDTHS[-1], len(CARD.classes), bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """N×3×S×S -> N×512, N×8; the graph has no ReLU behind its first layer."""
        features = self.norm(self.blocks(self.pool(self.stem(x))).mean((2, 3)))
        return features, self.head(features)


def state(values: Mapping[str, NDArray[np.float32]]) -> dict[str, Tensor]:
    """Parameters of :class:`TerGan` from the weights of the published graph.

    Raises:
        KeyError: a weight is missing.
        ValueError: the graph has more weights than this network.
    """
    left = dict(values)
    net = TerGan()
    convolutions = [name for name, module in net.named_modules() if isinstance(module, nn.Conv2d)]
    # of a block, the graph counts the shortcut last, as the modules here do
    found: dict[str, NDArray[np.float32]] = {}
    for number, name in enumerate(convolutions):
        split = f"{ROOT}split_{number}" if number else f"{ROOT}split"
        found[f"{name}.weight"] = left.pop(split).transpose(3, 2, 0, 1)
        found[f"{name}.bias"] = left.pop(f"unknown_{2 * number}")
    ones = np.ones(WIDTHS[-1], np.float32)
    found |= {
        "norm.weight": left.pop(f"{NORM}/mul")[0],
        "norm.bias": left.pop(f"{NORM}/sub")[0],
        "norm.running_mean": 0 * ones,
        "norm.running_var": ones,
        "norm.num_batches_tracked": np.zeros((), np.int64),
        "head.weight": left.pop("unknown_43").T,
    }
    if left:
        raise ValueError(f"the graph has weights that this network does not: {', '.join(left)}")
    return {name: torch.from_numpy(np.array(array)) for name, array in found.items()}


@member(CARD)
def load() -> nn.Module:
    """The network with the published weights."""
    net = TerGan()
    net.load_state_dict(state(read_weights(weights.resolve(CARD.name) / "model.json")))
    return net.to(memory_format=torch.channels_last)
