"""MobileStyleGAN (Belousov 2021, arXiv:2104.04767), the student of StyleGAN2 that predicts wavelets.

Two differences from StyleGAN2 make it light: each resolution's features come from an inverse Haar
transform of the previous ones instead of a learnt upsampling, and modulated convolutions are
depthwise-separable with the demodulation folded into their weights. The published network runs with
one fixed noise map a layer, so a latent gives exactly one picture.

Features are N×H×W×C throughout: on a CPU depthwise convolutions, matrix products over channels and the
Haar transform (bands outermost among the channels) all run several times faster in that order.
"""

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LATENT = 512
CHANNELS = (512, 512, 512, 512, 512, 256, 128, 64)  # at 4, 8, ... 512 px
STYLES = 23  # modulations: one at 4 px, three at each of the seven other resolutions, one for colours
SLOPE = 0.2


class MappingNetwork(nn.Module):
    """z -> w: eight linear layers after a normalisation to unit mean square."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(LATENT, LATENT) for _ in range(8))

    def forward(self, z: Tensor) -> Tensor:
        """Map N×512 standard normal latents to N×512 style latents."""
        x = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), SLOPE) * 2**0.5
        return x


class Start(nn.Module):
    """The learnt 4×4 input and its modulated dense 3×3 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.input = nn.Parameter(torch.zeros(1, channels, 4, 4))
        self.style = nn.Linear(LATENT, channels)
        self.weight = nn.Parameter(torch.zeros(channels, channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.noise = nn.Parameter(torch.zeros(4, 4, 1))

    def forward(self, w: Tensor) -> Tensor:
        """N×512 style latents -> N×4×4×C features."""
        x = F.conv2d(self.input * self.style(w)[:, :, None, None], self.weight, padding=1)
        return _activate(x.permute(0, 2, 3, 1), self.noise, self.bias)


class SeparableConv(nn.Module):
    """Depthwise 3×3 and pointwise convolution whose input channels a style scales.

    Scaling the input's channels commutes with a depthwise convolution, so the style multiplies the
    small pointwise weight and never the feature map.
    """

    def __init__(self, inputs: int, outputs: int, size: int) -> None:
        super().__init__()
        self.style = nn.Linear(LATENT, inputs)
        self.depthwise = nn.Parameter(torch.zeros(inputs, 1, 3, 3))
        self.pointwise = nn.Parameter(torch.zeros(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noise = nn.Parameter(torch.zeros(size, size, 1))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """N×S×S×C features and N×512 style latents -> N×S×S×D features."""
        x = F.conv2d(x.permute(0, 3, 1, 2), self.depthwise, padding=1, groups=x.shape[3])
        x = _mix(x.permute(0, 2, 3, 1), self.pointwise, self.style(w))
        return _activate(x, self.noise, self.bias)


class Resolution(nn.Module):
    """One doubling: inverse Haar transform, then two separable convolutions."""

    def __init__(self, inputs: int, outputs: int, size: int) -> None:
        super().__init__()
        self.style = nn.Linear(LATENT, inputs)
        self.first = SeparableConv(inputs // 4, outputs, size)
        self.second = SeparableConv(outputs, outputs, size)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """N×S×S×C features and three style latents N×3×512 -> N×2S×2S×D features."""
        x = inverse_haar(x * self.style(w[:, 0])[:, None, None, :])
        x = self.first(x, w[:, 1])
        features: Tensor = self.second(x, w[:, 2])
        return features


class SynthesisNetwork(nn.Module):
    """w -> picture.

    Args:
        channels: features at 4, 8, 16 ... px; the picture is twice as large as the last of them. All
            but the last are multiples of 4.
    """

    def __init__(self, channels: Sequence[int] = CHANNELS) -> None:
        super().__init__()
        self.start = Start(channels[0])
        steps = enumerate(itertools.pairwise(channels))
        self.blocks = nn.ModuleList(Resolution(c, d, 8 << i) for i, (c, d) in steps)
        self.style = nn.Linear(LATENT, channels[-1])
        self.colors = nn.Parameter(torch.zeros(12, channels[-1]))
        self.bias = nn.Parameter(torch.zeros(12))

    def forward(self, w: Tensor, half: bool = False) -> Tensor:
        """Draw style latents.

        Args:
            w: N×23×512 (in general 3 B + 2 for B doublings), one style latent a modulation, coarse
                to fine.
            half: draw the low band only, which is the full picture averaged over 2×2 pixels.

        Returns:
            N×3×1024×1024 (N×3×512×512 when ``half``) RGB, about -1..1, not clamped.
        """
        x = self.start(w[:, 0])
        for index, block in enumerate(self.blocks):
            x = block(x, w[:, 3 * index + 1 : 3 * index + 4])
        bands = 3 if half else 12
        x = _mix(x, self.colors[:bands], self.style(w[:, -1])) + self.bias[:bands]
        return (x / 2 if half else inverse_haar(x)).permute(0, 3, 1, 2)


def inverse_haar(x: Tensor) -> Tensor:
    """Invert an orthonormal two-dimensional Haar transform.

    Args:
        x: N×H×W×4C; bands outermost among the channels: the mean, the difference between the two rows,
            between the two columns, and across both.

    Returns:
        N×2H×2W×C.
    """
    n, height, width, channels = x.shape
    mean, rows, columns, both = (x * 0.5).view(n, height, width, 4, channels // 4).unbind(3)
    top, bottom = mean + rows, mean - rows
    left, right = columns + both, columns - both
    lines = torch.cat((top + left, top - left), 3), torch.cat((bottom + right, bottom - right), 3)
    return torch.cat(lines, 2).view(n, 2 * height, 2 * width, channels // 4)


def _mix(x: Tensor, weight: Tensor, style: Tensor) -> Tensor:
    """Pointwise convolution of N×H×W×C with a D×C weight whose columns N×C styles scale."""
    n, height, width, _ = x.shape
    modulated = (weight * style[:, None, :]).mT
    return torch.bmm(x.reshape(n, height * width, -1), modulated).view(n, height, width, -1)


def _activate(x: Tensor, noise: Tensor, bias: Tensor) -> Tensor:
    return F.leaky_relu_(x.add_(noise).add_(bias), SLOPE)
