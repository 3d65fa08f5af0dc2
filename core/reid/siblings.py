"""Three more person encoders, of other make than ``facet-person`` and smaller.

An attack on one encoder says little about the next. These look at pictures of half the size, so that they
learn and are attacked cheaply, and share nothing with the first but what they were trained on.
``facet-person-b`` has residual blocks (arXiv 1512.03385) whose last map meets filters as large as itself;
``facet-person-c`` is plain: convolutions without shortcuts between max-pools (arXiv 1409.1556), whose last
map is brought together by powers (arXiv 1711.02512), the upper and the lower half each by itself.
``facet-person-d`` mixes patches (ConvMixer, arXiv 2201.09792), which see each other through wide filters,
channel by channel, and keep their places until the end. A linear layer and a batch norm (arXiv 1903.07071)
end all three. Trained by ``core.training.person_encoder``.
"""

from typing import Final

from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from core import weights
from core.reid import facet
from core.reid.base import Card, PersonEncoder, cards, encoders, restored
from core.reid.checkpoints import Normalised
from core.reid.facet import Block
from core.reid.osnet import Unit


def _card(letter: str, title: str, dim: int, source: str) -> Card:
    """All siblings take pictures of one size and keep their weights under their own names."""
    name = f"facet-person-{letter}"
    return Card(name, title, (name,), height=256, width=128, dim=dim, source=f"trained here; {source}")


B: Final = _card(
    "b",
    "Facet's second small encoder, residual (drawn pedestrians, MOT17)",
    256,
    "parts of arXiv 1512.03385, 1804.07573, 1910.06827",
)
C: Final = _card(
    "c",
    "Facet's third small encoder, plain (drawn pedestrians, MOT17)",
    192,
    "parts of arXiv 1409.1556, 1711.02512",
)
D: Final = _card(
    "d",
    "Facet's fourth small encoder, mixed patches (drawn pedestrians, MOT17)",
    192,
    "parts of arXiv 2201.09792",
)
FACET: Final = (facet.CARD.name, B.name, C.name, D.name)


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


class Plain(Sibling):
    """``facet-person-c``: 0.6 million parameters."""

    def __init__(self) -> None:
        super().__init__(C, 2 * 192)
        self.normalised = Normalised()
        self.stages = nn.Sequential(
            Unit(3, 24, 5, 2), nn.MaxPool2d(2),
            Unit(24, 64, 3), Unit(64, 64, 3), nn.MaxPool2d(2),
            Unit(64, 128, 3), Unit(128, 128, 3), nn.MaxPool2d(2),
            Unit(128, 192, 3),
        )  # fmt: skip

    def maps(self, pixels: Tensor) -> Tensor:
        """N×3×256×128 RGB in 0..1 -> N×192×8×4, none below 0."""
        found: Tensor = self.stages(self.normalised(_half(pixels)))
        return found

    def pool(self, maps: Tensor) -> Tensor:
        """N×192×h×w -> N×384: cubic means of the upper and of the lower half."""
        cubes = functional.adaptive_avg_pool2d(maps.clamp_min(1e-3).pow(3), (2, 1))
        return cubes.pow(1 / 3).flatten(1)


class Mixing(nn.Module):
    """Look around each channel, with a shortcut; then mix the channels of each place."""

    def __init__(self, channels: int, kernel: int = 5) -> None:
        super().__init__()
        around = nn.Conv2d(channels, channels, kernel, 1, kernel // 2, groups=channels, bias=False)
        self.around = nn.Sequential(around, nn.GELU(), nn.BatchNorm2d(channels))
        across = nn.Conv2d(channels, channels, 1, bias=False)
        self.across = nn.Sequential(across, nn.GELU(), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> the same."""
        y: Tensor = self.across(x + self.around(x))
        return y


class Mixed(Sibling):
    """``facet-person-d``: 0.4 million parameters."""

    def __init__(self) -> None:
        super().__init__(D, 12 * 128)
        self.normalised = Normalised()
        patches = nn.Conv2d(3, 128, 8, 4, 2, bias=False)
        self.stages = nn.Sequential(
            patches, nn.MaxPool2d(2), nn.GELU(), nn.BatchNorm2d(128), *(Mixing(128) for _ in range(5))
        )

    def maps(self, pixels: Tensor) -> Tensor:
        """N×3×256×128 RGB in 0..1 -> N×128×16×8."""
        found: Tensor = self.stages(self.normalised(_half(pixels)))
        return found

    def pool(self, maps: Tensor) -> Tensor:
        """N×128×h×w -> N×1536: means of six parts from top to bottom, of left and right each."""
        return functional.adaptive_avg_pool2d(maps, (6, 2)).flatten(1)


def _half(pixels: Tensor) -> Tensor:
    """Pictures of 256×128 or, halved already, of 128×64 -> 128×64."""
    return functional.avg_pool2d(pixels, 2) if pixels.shape[2] == B.height else pixels


cards[B.name] = B
cards[C.name] = C
cards[D.name] = D


@encoders.register(B.name)
def second() -> PersonEncoder:
    """``facet-person-b`` with the weights of the repository."""
    return restored(Residuals(), load_file(weights.resolve(B.name)))


@encoders.register(C.name)
def third() -> PersonEncoder:
    """``facet-person-c`` with the weights of the repository."""
    return restored(Plain(), load_file(weights.resolve(C.name)))


@encoders.register(D.name)
def fourth() -> PersonEncoder:
    """``facet-person-d`` with the weights of the repository."""
    return restored(Mixed(), load_file(weights.resolve(D.name)))
