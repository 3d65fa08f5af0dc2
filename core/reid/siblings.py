"""Two more person encoders, of other make than ``facet-person`` and smaller.

An attack on one encoder says little about the next. These look at pictures of half the size, so that they
learn and are attacked cheaply, and share nothing with the first but what they were trained on.
``facet-person-b`` has residual blocks (arXiv 1512.03385) whose last map meets filters as large as itself;
``facet-person-c`` has inverted residuals (MobileNetV2, arXiv 1801.04381) after a patch stem, takes each
picture's own cast out and lays the largest values of two halves beside their means. A linear layer and a
batch norm (arXiv 1903.07071) end both. Trained by ``core.training.person_encoder``. The first of
them comes with Facet and is in the registry; the second has not been trained long enough to be of use (mAP
0.08 on drawn people after 211 steps), so it is not.
"""

from typing import Final

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from core import weights
from core.reid.base import Card, PersonEncoder, cards, encoders, restored
from core.reid.checkpoints import Normalised
from core.reid.facet import Block

B: Final = Card(
    name="facet-person-b",
    title="Facet's second small encoder, residual (drawn pedestrians, MOT17)",
    weights=("facet-person-b",),
    height=256,
    width=128,
    dim=256,
    source="trained here; parts of arXiv 1512.03385, 1804.07573, 1910.06827",
)
C: Final = Card(
    name="facet-person-c",
    title="Facet's third small encoder, inverted residuals (drawn pedestrians, MOT17)",
    weights=("facet-person-c",),
    height=256,
    width=128,
    dim=192,
    source="trained here; parts of arXiv 1801.04381",
)


class Sibling(PersonEncoder):
    """A map of the picture at half its size, a pooled vector, a linear layer, a batch norm.

    Args:
        card: what is known of it.
        pooled: length of what :meth:`pool` makes of the map.
    """

    def __init__(self, card: Card, pooled: int) -> None:
        super().__init__(card)
        self.project = nn.Linear(pooled, card.dim, bias=False)
        self.neck = nn.BatchNorm1d(card.dim)

    def pool(self, maps: Tensor) -> Tensor:
        """N×C×h×w -> N×pooled."""
        raise NotImplementedError

    def raw(self, pixels: Tensor) -> Tensor:
        """N×3×256×128 RGB in 0..1 -> N×dim before the last batch norm, which the triplets compare."""
        vectors: Tensor = self.project(self.pool(self.maps(pixels)))
        return vectors

    def features(self, pixels: Tensor) -> Tensor:
        """N×3×256×128 RGB in 0..1 -> N×dim, of any length."""
        result: Tensor = self.neck(self.raw(pixels))
        return result


class Even(nn.Module):
    """Convolution, instance norm, which takes a camera's cast out (arXiv 1910.06827), and ReLU."""

    def __init__(self, entering: int, leaving: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(entering, leaving, kernel, stride, kernel // 2, bias=False)
        self.norm = nn.InstanceNorm2d(leaving, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> N×C'×H'×W'."""
        y: Tensor = self.norm(self.conv(x))
        return y.relu()


class Residuals(Sibling):
    """``facet-person-b``: 0.9 million parameters."""

    def __init__(self) -> None:
        super().__init__(B, 256)
        self.normalised = Normalised()
        self.stem = Even(3, 32, 7, 4)
        self.stages = nn.Sequential(
            Block(32, 64, 2, by_picture=False), Block(64, 64, 1, by_picture=False),
            Block(64, 128, 2, by_picture=False), Block(128, 128, 1, by_picture=False),
        )  # fmt: skip
        self.whole = nn.Sequential(nn.Conv2d(128, 256, (8, 4), groups=128, bias=False), nn.BatchNorm2d(256))

    def maps(self, pixels: Tensor) -> Tensor:
        """N×3×256×128 RGB in 0..1 -> N×128×8×4."""
        found: Tensor = self.stages(self.stem(self.normalised(_half(pixels))))
        return found

    def pool(self, maps: Tensor) -> Tensor:
        """N×128×8×4 -> N×256: every channel through two filters as large as the map (arXiv 1804.07573)."""
        vectors: Tensor = self.whole(maps).flatten(1)
        return vectors


class Inverted(nn.Module):
    """Widen, look around each channel, narrow; with a shortcut where the shapes allow one."""

    def __init__(self, entering: int, leaving: int, stride: int = 1, widen: int = 3) -> None:
        super().__init__()
        inner = widen * entering
        self.layers = nn.Sequential(
            nn.Conv2d(entering, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.Hardswish(),
            nn.Conv2d(inner, inner, 3, stride, 1, groups=inner, bias=False),
            nn.BatchNorm2d(inner), nn.Hardswish(),
            nn.Conv2d(inner, leaving, 1, bias=False), nn.BatchNorm2d(leaving),
        )  # fmt: skip
        self.shortcut = stride == 1 and entering == leaving

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> N×C'×H'×W'."""
        y: Tensor = self.layers(x)
        return x + y if self.shortcut else y


class InvertedResiduals(Sibling):
    """``facet-person-c``: 0.6 million parameters."""

    def __init__(self) -> None:
        super().__init__(C, 4 * 128)
        self.stem = nn.Sequential(nn.Conv2d(3, 32, 4, 4, bias=False), nn.BatchNorm2d(32))
        self.stages = nn.Sequential(
            Inverted(32, 64, 2, 2),
            Inverted(64, 64),
            Inverted(64, 64),
            Inverted(64, 128, 2),
            Inverted(128, 128),
        )

    def maps(self, pixels: Tensor) -> Tensor:
        """N×3×256×128 RGB in 0..1 -> N×128×8×4; each picture's own mean and deviation are taken out first."""
        half = _half(pixels)
        spread = half.std((2, 3), keepdim=True)
        own = (half - half.mean((2, 3), keepdim=True)) / (spread + 0.02)
        found: Tensor = self.stages(self.stem(own))
        return found

    def pool(self, maps: Tensor) -> Tensor:
        """N×128×h×w -> N×512: means and largest values of the upper and of the lower half."""
        means = functional.adaptive_avg_pool2d(maps, (2, 1))
        largest = functional.adaptive_max_pool2d(maps, (2, 1))
        return torch.cat([means, largest], 1).flatten(1)


def _half(pixels: Tensor) -> Tensor:
    """Pictures of 256×128 or, halved already, of 128×64 -> 128×64."""
    return functional.avg_pool2d(pixels, 2) if pixels.shape[2] == B.height else pixels


cards[B.name] = B


@encoders.register(B.name)
def second() -> PersonEncoder:
    """``facet-person-b`` with the weights of the repository."""
    return restored(Residuals(), load_file(weights.resolve(B.name)))
