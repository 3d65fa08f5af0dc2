"""The person encoder that comes with Facet, trained by ``core.training.person_encoder``.

A small residual network (arXiv 1512.03385) whose first stages normalise half of their channels by the picture
itself (IBN-a, arXiv 1807.09441), which forgets a camera's cast; the last map is averaged over four horizontal
stripes (after PCB, arXiv 1711.09349), so that a red shirt is not a red skirt, and a linear layer and a batch
norm (arXiv 1903.07071) make 256 numbers of them. Its figures are in ``weights/cards/facet-person.md``.
"""

from collections.abc import Mapping

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from core import weights
from core.reid.base import Card, PersonEncoder, cards, encoders, restored

CARD = Card(
    name="facet-person",
    title="Facet's own small encoder (drawn pedestrians, MOT17)",
    weights=("facet-person",),
    height=256,
    width=128,
    dim=256,
    source="trained here; parts of arXiv 1512.03385, 1807.09441, 1711.09349, 1903.07071",
)
WIDTHS = (32, 64, 128, 256)
STRIPES = 4


class HalfInstanceNorm(nn.Module):
    """Instance norm for the first half of the channels, batch norm for the others."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.own = channels // 2
        self.instance = nn.InstanceNorm2d(self.own, affine=True)
        self.batch = nn.BatchNorm2d(channels - self.own)

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> the same."""
        return torch.cat([self.instance(x[:, : self.own]), self.batch(x[:, self.own :])], 1)


class Block(nn.Module):
    """Two 3×3 convolutions with a shortcut."""

    def __init__(self, entering: int, leaving: int, stride: int, by_picture: bool) -> None:
        super().__init__()
        self.first = nn.Conv2d(entering, leaving, 3, stride, 1, bias=False)
        self.norm1 = HalfInstanceNorm(leaving) if by_picture else nn.BatchNorm2d(leaving)
        self.second = nn.Conv2d(leaving, leaving, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(leaving)
        same = stride == 1 and entering == leaving
        self.shortcut: nn.Module = nn.Identity() if same else _projection(entering, leaving, stride)

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> N×C'×H'×W'."""
        inner = torch.relu(self.norm1(self.first(x)))
        return torch.relu(self.norm2(self.second(inner)) + self.shortcut(x))


def _projection(entering: int, leaving: int, stride: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(entering, leaving, 1, stride, bias=False), nn.BatchNorm2d(leaving))


class FacetPerson(PersonEncoder):
    """1.9 million parameters; maps at strides 4, 8, 16 and 32."""

    def __init__(self) -> None:
        super().__init__(CARD)
        first, second, third, fourth = WIDTHS
        self.stem = nn.Sequential(
            nn.Conv2d(3, 16, 5, 2, 2, bias=False), HalfInstanceNorm(16), nn.ReLU(),
            nn.Conv2d(16, first, 3, 2, 1, bias=False), HalfInstanceNorm(first), nn.ReLU(),
        )  # fmt: skip
        self.stages = nn.ModuleList(
            [
                Block(first, first, 1, by_picture=True),
                nn.Sequential(Block(first, second, 2, by_picture=True), Block(second, second, 1, True)),
                nn.Sequential(Block(second, third, 2, by_picture=True), Block(third, third, 1, False)),
                Block(third, fourth, 2, by_picture=False),
            ]
        )
        self.stripes = nn.AdaptiveAvgPool2d((STRIPES, 1))
        self.project = nn.Linear(fourth * STRIPES, CARD.dim, bias=False)
        self.neck = nn.BatchNorm1d(CARD.dim)

    def pyramid(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """N×3×256×128 RGB in 0..1 -> N×32×64×32, N×64×32×16, N×128×16×8, N×256×8×4."""
        x: Tensor = self.stem((pixels - 0.5) * 4)
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return tuple(found)

    def maps(self, pixels: Tensor) -> Tensor:
        """N×3×256×128 RGB in 0..1 -> N×256×8×4."""
        return self.pyramid(pixels)[-1]

    def raw(self, pixels: Tensor) -> Tensor:
        """N×3×256×128 RGB in 0..1 -> N×256 before the last batch norm, which the triplets compare."""
        pooled: Tensor = self.project(self.stripes(self.maps(pixels)).flatten(1))
        return pooled

    def features(self, pixels: Tensor) -> Tensor:
        """N×3×256×128 RGB in 0..1 -> N×256, of any length."""
        result: Tensor = self.neck(self.raw(pixels))
        return result


def network(state: Mapping[str, Tensor]) -> FacetPerson:
    """The encoder with exported weights, in single precision and evaluation mode."""
    return restored(FacetPerson(), state)


cards[CARD.name] = CARD


@encoders.register(CARD.name)
def load() -> PersonEncoder:
    """The encoder with the weights of the repository."""
    return network(load_file(weights.resolve(CARD.name)))
