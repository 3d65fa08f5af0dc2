"""A patch in a picture: x' = paste(x, T(p)), differentiable, under drawn conditions of wear and print.

Expectation over transformation (arXiv 1707.07397): a patch that is made under many draws of T does not rest
on an exact place, light or print.
"""

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional

from core.errors import Code, UserError
from core.patches.palette import nearest, printable
from core.patches.slots import Slot

RADIUS = 4  # pixels of the patch that a blur reaches
SIDE = 64  # pixels of a patch


@dataclass(frozen=True, slots=True)
class Conditions:
    """How far each condition may go; every value is drawn evenly from its range.

    Scale and rotation are the method card's (10 %, 10 degrees), the rest our choice.

    Attributes:
        scale: 1 - scale .. 1 + scale.
        rotation: degrees, either way.
        shift: share of the patch's extent, either way, along both axes.
        brightness: added, either way.
        contrast: about the middle grey, 1 - contrast .. 1 + contrast.
        blur: largest Gaussian sigma in pixels of the patch.
        gamma: of the print, exponents e^-gamma .. e^gamma.
        print: largest share by which colours are drawn to the nearest printable one.

    Raises:
        UserError: ``OPTION_RANGE``.
    """

    scale: float = 0.1
    rotation: float = 10.0
    shift: float = 0.05
    brightness: float = 0.1
    contrast: float = 0.1
    blur: float = 1.0
    gamma: float = 0.2
    print: float = 0.5

    def __post_init__(self) -> None:
        limits = {"scale": 0.5, "rotation": 180, "shift": 1, "brightness": 1, "contrast": 0.9}
        limits |= {"blur": 2, "gamma": 1, "print": 1}
        for name, limit in limits.items():
            if not 0 <= getattr(self, name) <= limit:
                raise UserError(Code.OPTION_RANGE, f"The {name} is out of range.", f"Use 0 to {limit}.")

    def eased(self, share: float) -> "Conditions":
        """The same ranges, each shrunk to this share."""
        return Conditions(**{one.name: share * getattr(self, one.name) for one in fields(self)})


STILL = Conditions(**{field.name: 0.0 for field in fields(Conditions)})


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """One drawn condition for each of N pictures.

    Attributes:
        turn: N×2×2, from pixels about the moved patch's middle to pixels about its own.
        shift: N×2, shares of the extent.
        light: N×2, contrast and brightness.
        sigma: N, blur in pixels of the patch.
        gamma: N, exponents.
        print: N, shares.
    """

    turn: Tensor
    shift: Tensor
    light: Tensor
    sigma: Tensor
    gamma: Tensor
    print: Tensor

    def __len__(self) -> int:
        return len(self.sigma)

    def to(self, device: torch.device) -> "Draw":
        """The same on another device."""
        return Draw(*(getattr(self, field.name).to(device) for field in fields(self)))


def draw(options: Conditions, count: int, generator: torch.Generator | None = None) -> Draw:
    """Draw conditions for ``count`` pictures; the same state of the generator gives the same draw.

    Args:
        options: the ranges.
        count: pictures.
        generator: torch's own where it is left out.
    """

    def even(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    angle = even(-options.rotation, options.rotation) * math.pi / 180
    scale = even(1 - options.scale, 1 + options.scale)
    cos, sin = angle.cos() / scale, angle.sin() / scale
    return Draw(
        turn=torch.stack([cos, sin, -sin, cos], 1).view(count, 2, 2),
        shift=torch.stack([even(-options.shift, options.shift) for _ in range(2)], 1),
        light=torch.stack(
            [
                even(1 - options.contrast, 1 + options.contrast),
                even(-options.brightness, options.brightness),
            ],
            1,
        ),
        sigma=even(0, options.blur),
        gamma=even(-options.gamma, options.gamma).exp(),
        print=even(0, options.print),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Pasted:
    """Pictures with patches.

    Attributes:
        pictures: N×3×H×W in 0..1; where ``mask`` is 0 bit for bit the given ones.
        mask: N×1×H×W in 0..1, how much of each pixel is the patch's.
    """

    pictures: Tensor
    mask: Tensor


def paste(
    pictures: Tensor, patches: Tensor, slot: Slot, drawn: Draw | None = None, opacity: float = 1.0
) -> Pasted:
    """Put patches into pictures.

    Args:
        pictures: N×3×H×W RGB in 0..1, of the slot's size.
        patches: N×3×h×w in 0..1, or 1×3×h×w for the same in all.
        slot: the place.
        drawn: conditions, one a picture; None for a patch that sits exactly and looks as it was made.
        opacity: 0..1; 0 gives the pictures back bit for bit.

    Returns:
        Differentiable in pictures and patches.

    Raises:
        ValueError: shapes that do not belong together.
        UserError: ``OPTION_RANGE``: an opacity outside 0..1.
    """
    if not 0 <= opacity <= 1:
        raise UserError(Code.OPTION_RANGE, "The opacity is out of range.", "Use 0 to 1.")
    count = len(pictures)
    if tuple(pictures.shape[2:]) != slot.size or len(patches) not in (1, count):
        raise ValueError(f"pictures are N×3×{slot.size[0]}×{slot.size[1]} with one patch each or for all")
    if drawn is not None and len(drawn) != count:
        raise ValueError(f"{count} pictures, but {len(drawn)} drawn conditions")
    device = pictures.device
    patches, grid = patches.expand(count, -1, -1, -1), slot.grid.to(device).expand(count, -1, -1, -1)
    if drawn is not None:
        drawn = drawn.to(device)
        patches, grid = seen(patches, drawn), _moved(grid, slot.extent, drawn)
    colours = functional.grid_sample(patches, grid, padding_mode="border", align_corners=False)
    stencil = slot.stencil.to(device).expand(count, 1, -1, -1)
    cover = functional.grid_sample(stencil, grid, align_corners=False)
    mask = (cover * slot.allowed.to(device) * opacity).clamp(0, 1)
    mixed = pictures + mask * (colours - pictures)
    return Pasted(torch.where(mask > 0, mixed.clamp(0, 1), pictures), mask)


def places(slot: Slot, side: int = SIDE) -> Tensor:
    """Where the pixels of a patch come to lie, side×side×2 float64: x and y in pixels of the picture."""
    line = (torch.arange(side, dtype=torch.float64) * 2 + 1) / side - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x, y, torch.ones_like(x)], -1) @ torch.from_numpy(slot.affine).T


def cut(pictures: Tensor, slot: Slot, side: int = SIDE) -> Tensor:
    """What pictures show where a patch would sit: pasted again, it changes them by resampling only.

    Args:
        pictures: N×3×H×W in 0..1, of the slot's size.
        slot: the place; one that follows a mesh is taken by its best affine fit.
        side: pixels a side of what is cut out.

    Returns:
        N×3×side×side in 0..1; beyond the border the pictures' last pixels repeat.
    """
    height, width = slot.size
    grid = ((places(slot, side) + 0.5) / torch.tensor([width, height]) * 2 - 1).to(pictures)
    return functional.grid_sample(
        pictures, grid.expand(len(pictures), -1, -1, -1), padding_mode="border", align_corners=False
    )


def seen(patches: Tensor, drawn: Draw) -> Tensor:
    """What becomes of the patches' own pixels: printed, lit, out of focus. N×3×h×w in 0..1 to the same."""
    gamma, share = drawn.gamma.view(-1, 1, 1, 1), drawn.print.view(-1, 1, 1, 1)
    inked = patches.clamp(1e-4, 1) ** gamma  # a power has no slope at 0
    if bool((drawn.print > 0).any()):
        inked = torch.lerp(inked, nearest(inked, printable().to(inked))[0], share)
    contrast, brightness = drawn.light.view(-1, 2, 1, 1, 1).unbind(1)
    lit = ((inked - 0.5) * contrast + 0.5 + brightness).clamp(0, 1)
    return _blurred(lit, drawn.sigma)


def _moved(grid: Tensor, extent: tuple[float, float], drawn: Draw) -> Tensor:
    """Places in patches that are turned, scaled and shifted in the picture."""
    half = grid.new_tensor(extent) / 2
    about = (grid - 2 * drawn.shift[:, None, None]) * half  # picture pixels, so that a turn keeps angles
    return torch.einsum("nij,nhwj->nhwi", drawn.turn, about) / half


def _blurred(patches: Tensor, sigma: Tensor) -> Tensor:
    """Each patch under a Gaussian of its own sigma; rows, then columns; borders repeat."""
    offsets = torch.arange(-RADIUS, RADIUS + 1, device=patches.device)
    kernel = torch.exp(-0.5 * (offsets / sigma.clamp_min(1e-3)[:, None]).square())
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(3, 0)
    count, _, height, width = patches.shape
    rows = patches.reshape(1, 3 * count, height, width)
    for pad, shape in (((0, 0, RADIUS, RADIUS), (-1, 1, 2 * RADIUS + 1, 1)),
                       ((RADIUS, RADIUS, 0, 0), (-1, 1, 1, 2 * RADIUS + 1))):  # fmt: skip
        padded = functional.pad(rows, pad, mode="replicate")
        rows = functional.conv2d(padded, kernel.view(shape), groups=3 * count)
    return rows.view(count, 3, height, width)
