"""What the crops go through while the expression encoder is trained; ranges are our choice."""

import torch
from torch import Tensor, nn

ANGLE = 0.35  # radians
SCALE = (0.8, 1.2)
SHIFT = 0.14  # half sides
GAIN = (0.65, 1.4)
OFFSET = 0.3
FOCUS = (-1.0, 1.5)  # times what a small blur takes away; -1 is the blur itself
ERASED = 0.22  # half side of what is erased at most, in sides


def augment(crops: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror, turn, scale, shift, blur or sharpen, relight and partly erase crops.

    FER2013 and CK+ come at 48 px and are enlarged, faces in a video are mostly larger and shrunk: the network
    has to see both degrees of sharpness.

    Args:
        crops: N×1×S×S in -1..1.
        generator: source of chance.

    Returns:
        The same shape and range.
    """
    moved = _focus(_move(crops, generator), generator)
    gain = _uniform(moved, *GAIN, generator).view(-1, 1, 1, 1)
    shift = _uniform(moved, -OFFSET, OFFSET, generator).view(-1, 1, 1, 1)
    return _erase((moved * gain + shift).clamp(-1, 1), generator)


def _uniform(crops: Tensor, low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(len(crops), generator=generator)


def _move(crops: Tensor, generator: torch.Generator) -> Tensor:
    """A random similarity, half of them mirrored; the border goes on outside."""
    angle = _uniform(crops, -ANGLE, ANGLE, generator)
    scale = _uniform(crops, *SCALE, generator)
    flip = torch.where(_uniform(crops, 0, 1, generator) < 0.5, -1.0, 1.0)
    across = _uniform(crops, -SHIFT, SHIFT, generator)
    down = _uniform(crops, -SHIFT, SHIFT, generator)
    rows = (
        torch.stack([flip * scale * angle.cos(), -scale * angle.sin(), across], 1),
        torch.stack([flip * scale * angle.sin(), scale * angle.cos(), down], 1),
    )
    grid = nn.functional.affine_grid(torch.stack(rows, 1), list(crops.shape), align_corners=False)
    return nn.functional.grid_sample(crops, grid, padding_mode="border", align_corners=False)


def _focus(crops: Tensor, generator: torch.Generator) -> Tensor:
    """Blur or unsharp-mask each crop by a random amount."""
    amount = _uniform(crops, *FOCUS, generator).view(-1, 1, 1, 1)
    edge = nn.functional.pad(crops, (1, 1, 1, 1), mode="replicate")
    blurred = nn.functional.avg_pool2d(edge, 3, stride=1)
    return crops + amount * (crops - blurred)


def _erase(crops: Tensor, generator: torch.Generator) -> Tensor:
    """A random square of each crop becomes one random grey."""
    count, _, _, size = crops.shape
    centre = torch.rand(count, 2, generator=generator) * size
    half = _uniform(crops, 0, ERASED, generator).view(-1, 1) * size
    places = torch.arange(size).view(1, -1)
    down, across = ((places - centre[:, axis : axis + 1]).abs() < half for axis in (0, 1))
    keep = (~(down[:, :, None] & across[:, None, :])).float().unsqueeze(1)
    grey = torch.rand(count, 1, 1, 1, generator=generator) * 2 - 1
    return crops * keep + grey * (1 - keep)
