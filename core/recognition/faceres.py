"""FaceRes: a MobileNet that learnt identities first and ages and genders on top of them.

Savchenko, "Efficient facial representations for age, gender and identity recognition", arXiv 1807.07718;
Howard et al., "MobileNets", arXiv 1704.04861, table 1. The weights come as a TensorFlow.js graph in half
precision; its two heads for age and gender are left out, the descriptor is what is pooled below them.

Its carrier feeds it plain RGB of 0 to 255. Its authors' own code takes BGR less the mean of ImageNet, and so
does this: on the same crops of lfw10 (450 genuine and 4,500 impostor pairs) the AUC is .995 instead of .979.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from core import weights
from core.recognition.base import Card, member
from core.recognition.crop import Box
from core.weights.tfjs import read_weights

CARD = Card(
    name="faceres",
    title="FaceRes MobileNet (VGGFace2)",
    size=224,
    dim=1024,
    # The square that the carrier cuts out by its detector (median over lfw10: side 201, centre 112, 140),
    # moved up until it ends with the canonical frame.
    box=Box(11.5, 23.0, 201.0, 201.0),
    mean=(103.939 / 255, 116.779 / 255, 123.68 / 255),
    scale=255.0,
    channels="bgr",
    source="arXiv 1807.07718, arXiv 1704.04861; HSE_FaceRec_tf through the Human library",
    layer="blocks.10",
)
# Channels of the blocks in order; a star halves the resolution.
PLAN = "64 *128 128 *256 256 *512 512 512 512 512 512 *1024 1024"
HEADS = ("feats/", "age_pred/", "gender_pred/")


def _half(x: Tensor) -> Tensor:
    """Pad even sides for a 3×3 filter of stride 2 as TensorFlow's "SAME" does: below and to the right."""
    return functional.pad(x, (0, 1, 0, 1))


class Separable(nn.Module):
    """A depthwise and a pointwise convolution, each with its folded batch norm and a ReLU up to 6."""

    def __init__(self, channels_in: int, channels_out: int, halve: bool) -> None:
        super().__init__()
        self.halve = halve
        stride, padding = (2, 0) if halve else (1, 1)
        self.depthwise = nn.Conv2d(channels_in, channels_in, 3, stride, padding, groups=channels_in)
        self.pointwise = nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> N×C'×H'×W'."""
        x = functional.relu6(self.depthwise(_half(x) if self.halve else x))
        return functional.relu6(self.pointwise(x))


class FaceRes(nn.Module):
    """N×3×224×224 to N×1024, not normalised and nowhere negative."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, 2)
        blocks: list[nn.Module] = []
        channels = 32
        for step in PLAN.split():
            width = int(step.lstrip("*"))
            blocks.append(Separable(channels, width, step.startswith("*")))
            channels = width
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        """N×3×224×224 -> N×1024."""
        x = functional.relu6(self.stem(_half(x)))
        pooled: Tensor = self.blocks(x).mean((2, 3))
        return pooled


def state(values: dict[str, NDArray[np.float32]]) -> dict[str, Tensor]:
    """Parameters of :class:`FaceRes` from the weights of the published graph.

    Args:
        values: arrays by name in TensorFlow's layout.

    Returns:
        Tensors by parameter name.

    Raises:
        KeyError: a weight is missing.
        ValueError: the graph has weights besides those of this network and its heads.
    """
    # what bounds the ReLUs is a scalar
    left = {name: array for name, array in values.items() if array.ndim and not name.startswith(HEADS)}
    found = {
        "stem.weight": left.pop("conv1/convolution/merged_input").transpose(3, 2, 0, 1),
        "stem.bias": left.pop("conv1_bn/batchnorm_1/sub"),
    }
    for index in range(len(PLAN.split())):
        block, deep, point = f"blocks.{index}", f"conv_dw_{index + 1}", f"conv_pw_{index + 1}"
        gain = left.pop(f"{deep}_bn/batchnorm_1/mul")[:, None, None, None]
        filters = left.pop(f"{deep}/depthwise_kernel").transpose(2, 3, 0, 1)
        found[f"{block}.depthwise.weight"] = filters * gain
        found[f"{block}.depthwise.bias"] = left.pop(f"{deep}_bn/batchnorm_1/sub")
        filters = left.pop(f"{point}/convolution/merged_input").transpose(3, 2, 0, 1)
        found[f"{block}.pointwise.weight"] = filters
        found[f"{block}.pointwise.bias"] = left.pop(f"{point}_bn/batchnorm_1/sub")
    if left:
        raise ValueError(f"the graph has weights that FaceRes does not: {', '.join(left)}")
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in found.items()}


@member(CARD)
def load() -> nn.Module:
    """The network with the published weights."""
    net = FaceRes()
    net.load_state_dict(state(read_weights(weights.resolve(CARD.name) / "faceres.json")))
    return net.to(memory_format=torch.channels_last)
