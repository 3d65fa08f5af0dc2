"""BiSeNet V2 (Yu et al., arXiv:2004.02147): segmentation by two branches, details and semantics.

A wide and shallow branch keeps the details at an eighth of the resolution, a narrow and deep one understands
the picture at a thirty-second, and a bilateral layer lets each guide the other (section 4, figures 3 to 6).
Batch norms are folded into the convolutions. Padding and resizing follow TensorFlow, where the published
weights come from.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDE = 32  # the deep branch's; sides of a picture are multiples of it
EXPANSION = 6  # of the channels inside a gather-and-expansion layer


class Conv(nn.Conv2d):
    """A convolution padded as TensorFlow's "SAME" pads even sides and, unless linear, a ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, *, groups: int = 1,
        linear: bool = False, bias: bool = True,
    ) -> None:  # fmt: skip
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(inputs, outputs, kernel, stride, padding, groups=groups, bias=bias)
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> N×C'×H/stride×W/stride."""
        if self.stride[0] == 2:
            x = F.pad(x, (0, 1, 0, 1))
        y = super().forward(x)
        return y if self.linear else F.relu(y, inplace=True)


def _depthwise(inputs: int, stride: int = 1, expansion: int = 1) -> Conv:
    return Conv(inputs, inputs * expansion, 3, stride, groups=inputs, linear=True)


class Stem(nn.Module):
    """Two ways to a quarter of the resolution, side by side (figure 4a)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = Conv(3, channels, stride=2)
        self.left = nn.Sequential(Conv(channels, channels // 2, 1), Conv(channels // 2, channels, stride=2))
        self.last = Conv(2 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """N×3×H×W -> N×C×H/4×W/4."""
        x = self.first(x)
        right = F.max_pool2d(x, 3, 2, ceil_mode=True)
        result: Tensor = self.last(torch.cat((self.left(x), right), 1))
        return result


class Gather(nn.Module):
    """A gather-and-expansion layer that keeps the resolution (figure 5b)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            Conv(channels, channels),
            _depthwise(channels, expansion=EXPANSION),
            Conv(channels * EXPANSION, channels, 1, linear=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> N×C×H×W."""
        return F.relu(x + self.body(x))


class GatherDown(nn.Module):
    """A gather-and-expansion layer that halves the resolution (figure 5c)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        wide = inputs * EXPANSION
        self.body = nn.Sequential(
            Conv(inputs, inputs),
            _depthwise(inputs, 2, EXPANSION),
            _depthwise(wide),
            Conv(wide, outputs, 1, linear=True),
        )
        self.shortcut = nn.Sequential(_depthwise(inputs, 2), Conv(inputs, outputs, 1, linear=True))

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> N×C'×H/2×W/2."""
        return F.relu(self.shortcut(x) + self.body(x))


class Context(nn.Module):
    """The whole picture's mean added everywhere (figure 4b)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels, 1, 1))
        self.shift = nn.Parameter(torch.zeros(channels, 1, 1))
        self.mix = Conv(channels, channels, 1)
        self.last = Conv(channels, channels, linear=True, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W -> N×C×H×W."""
        mean = x.mean((2, 3), keepdim=True)
        result: Tensor = self.last(x + self.mix(mean * self.scale + self.shift))
        return result


class Aggregation(nn.Module):
    """Each branch gated by the other, at the resolution of each, then joined (figure 6)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.detail_keep = _separable(channels)
        self.detail_down = Conv(channels, channels, stride=2, linear=True)
        self.semantic_keep = _separable(channels)
        self.semantic_up = Conv(channels, channels, linear=True)
        self.last = Conv(channels, channels)

    def forward(self, detail: Tensor, semantic: Tensor) -> Tensor:
        """N×C×H×W and N×C×H/4×W/4 -> N×C×H×W."""
        fine = self.detail_keep(detail) * torch.sigmoid(enlarged(self.semantic_up(semantic), 4))
        small = F.avg_pool2d(self.detail_down(detail), 3, 2, ceil_mode=True)
        coarse = small * torch.sigmoid(self.semantic_keep(semantic))
        result: Tensor = self.last(fine + enlarged(coarse, 4))
        return result


def _separable(channels: int) -> nn.Sequential:
    return nn.Sequential(_depthwise(channels), Conv(channels, channels, 1, linear=True, bias=False))


class BiSeNetV2(nn.Module):
    """Pictures to scores of each class at an eighth of the resolution.

    Args:
        classes: how many.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.detail = nn.Sequential(
            *(Conv(3, 64, stride=2), Conv(64, 64)),
            *(Conv(64, 64, stride=2), Conv(64, 64), Conv(64, 64)),
            *(Conv(64, 128, stride=2), Conv(128, 128), Conv(128, 128, linear=True)),
        )
        self.stem = Stem(16)
        self.semantic = nn.Sequential(
            *(GatherDown(16, 32), Gather(32)),
            *(GatherDown(32, 64), Gather(64)),
            *(GatherDown(64, 128), Gather(128), Gather(128), Gather(128)),
        )
        self.context = Context(128)
        self.aggregation = Aggregation(128)
        self.head = nn.Sequential(Conv(128, 256), Conv(256, classes, 1, linear=True, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Score every class.

        Args:
            x: N×3×H×W RGB in -1..1, sides multiples of 32.

        Returns:
            N×classes×H/8×W/8, not normalised; :func:`enlarged` by 8 they are those of the pixels.

        Raises:
            ValueError: another shape.
        """
        if x.ndim != 4 or x.shape[1] != 3 or x.shape[2] % STRIDE or x.shape[3] % STRIDE:
            raise ValueError(
                f"pictures are N×3×H×W with sides in multiples of {STRIDE}, not {tuple(x.shape)}"
            )
        semantic = self.context(self.semantic(self.stem(x)))
        scores: Tensor = self.head(self.aggregation(self.detail(x), semantic))
        return scores


def enlarged(x: Tensor, factor: int) -> Tensor:
    """Bilinear enlargement in which pixel i of the input becomes pixel ``i * factor`` of the result.

    That is TensorFlow's resize without half-pixel centres; beyond the last pixel it repeats.

    Args:
        x: N×C×H×W.
        factor: 1 or more.

    Returns:
        N×C×(H factor)×(W factor).
    """
    height, width = x.shape[2] * factor, x.shape[3] * factor
    x = F.pad(x, (0, 1, 0, 1), mode="replicate")
    y = F.interpolate(x, (height + 1, width + 1), mode="bilinear", align_corners=True)
    return y[:, :, :height, :width]
