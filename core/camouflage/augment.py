"""What happens to a painted face between the skin and the recogniser: light, pose, blur, scale, JPEG.

An expectation over these is what a pattern is optimised on ("expectation over transformation",
arXiv:1707.07397; here the canonical crop is the thing that is transformed). All of it runs on a batch
and lets gradients through. One drawn :class:`Draw` serves every candidate of a generation, so that
candidates are compared under the same conditions (common random numbers).
"""

import math
from dataclasses import dataclass, fields
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from core.camouflage import jpeg
from core.camouflage.sampling import Taps, taps
from core.errors import Code, UserError
from core.recognition.banded import Banded

SIZES = (1.0, 0.75, 0.5, 0.36)  # a face seen at this share of the canonical 224 px; our choice
SHARP = 0.35  # chance that a slot is neither blurred nor reduced
RAW = 0.5  # chance that a sharp slot is no JPEG either


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far each condition may go; every value is drawn evenly from its range. Our choice.

    Attributes:
        gain: exposure, 1 - gain .. 1 + gain.
        tone: strength of a gamma-like curve x + c x (1 - x), c in -tone..tone; below 1 keeps it monotone.
        side_light: how much brighter one edge of the crop gets, and the opposite one darker.
        rotate: degrees about the crop's centre.
        shift: share of the crop's width.
        zoom: 1 - zoom .. 1 + zoom.
        shear: tangent of the shear angle, and the same again as a change of aspect.
        blur: largest Gaussian sigma in canonical pixels.
        smallest: smallest size to which the crop is reduced and enlarged again, share of its width.
        quality: lowest and highest JPEG quality.

    Raises:
        UserError: ``OPTION_RANGE`` for a range that makes no picture.
    """

    gain: float = 0.3
    tone: float = 0.5
    side_light: float = 0.3
    rotate: float = 4.0
    shift: float = 0.02
    zoom: float = 0.04
    shear: float = 0.04
    blur: float = 1.6
    smallest: float = 0.36
    quality: tuple[int, int] = (40, 95)

    def __post_init__(self) -> None:
        limits = {"gain": 0.9, "tone": 0.95, "side_light": 0.9, "rotate": 45, "shift": 0.3, "zoom": 0.5}
        limits |= {"shear": 0.5, "blur": 8}
        for name, limit in limits.items():
            if not 0 <= getattr(self, name) <= limit:
                raise UserError(Code.OPTION_RANGE, f"The {name} is out of range.", f"Use 0 to {limit}.")
        if not 0.1 <= self.smallest <= 1:
            raise UserError(Code.OPTION_RANGE, "The smallest size is out of range.", "Use 0.1 to 1.")
        if not 5 <= self.quality[0] <= self.quality[1] <= 100:
            raise UserError(Code.OPTION_RANGE, "The JPEG quality is out of range.", "Use 5 to 100.")


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """One drawn condition for each of N image slots.

    Attributes:
        light: N×4: gain, tone, and the side light's slope along x and y.
        affine: N×2×3, output to input coordinates in -1..1 (``torch.nn.functional.affine_grid``).
        sigma: N, Gaussian blur in pixels, 0 for none.
        size: N, one of :data:`SIZES`.
        quality: N, JPEG quality, 0 for none.
    """

    light: Tensor
    affine: Tensor
    sigma: Tensor
    size: Tensor
    quality: Tensor

    def __len__(self) -> int:
        return len(self.sigma)

    def take(self, slots: range) -> "Draw":
        """The conditions of some of the slots."""
        part = slice(slots.start, slots.stop, slots.step)
        return Draw(*(getattr(self, f.name)[part] for f in fields(self)))


def draw(options: Augmentation, count: int, generator: torch.Generator) -> Draw:
    """Draw conditions for ``count`` image slots; the same generator state gives the same draw."""

    def even(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    gain, tone = even(1 - options.gain, 1 + options.gain), even(-options.tone, options.tone)
    slope, toward = even(0, options.side_light), even(0, 2 * math.pi)
    light = torch.stack([gain, tone, slope * toward.cos(), slope * toward.sin()], 1)
    angle = even(-options.rotate, options.rotate) * math.pi / 180
    scale, shear = even(1 - options.zoom, 1 + options.zoom), even(-options.shear, options.shear)
    aspect = 1 + even(-options.shear, options.shear)
    cos, sin = angle.cos() / scale, angle.sin() / scale
    shift = [even(-2 * options.shift, 2 * options.shift) for _ in range(2)]
    rows = [cos * aspect, -sin + shear, shift[0], sin, cos / aspect, shift[1]]
    sizes = torch.tensor([size for size in SIZES if size >= options.smallest])
    size = sizes[torch.randint(len(sizes), (count,), generator=generator)]
    sigma = even(0, options.blur).mul(10).round().div(10)  # few values, so their matrices are kept
    quality = even(options.quality[0], options.quality[1]).round()
    sharp = even(0, 1) < SHARP
    raw = sharp & (even(0, 1) < RAW)
    return Draw(
        light=light,
        affine=torch.stack(rows, 1).reshape(count, 2, 3),
        sigma=sigma.masked_fill(sharp, 0),
        size=size.masked_fill(sharp, 1),
        quality=quality.masked_fill(raw, 0),
    )


def apply(images: Tensor, drawn: Draw) -> Tensor:
    """See every image under its slot's condition.

    Args:
        images: P×N×3×H×W in 0..1: P candidates, N slots.
        drawn: conditions of the N slots, shared by the candidates.

    Returns:
        P×N×3×H×W in 0..1; differentiable with respect to ``images`` (JPEG's rounding passes the
        gradient straight through).
    """
    slots, _, height, width = images.shape[1:]
    if slots != len(drawn):
        raise ValueError(f"{slots} image slots, but {len(drawn)} drawn conditions")
    everywhere, nothing = torch.arange(height * width), torch.zeros(3, height, width)
    views = (View(nothing, everywhere, drawn, slot) for slot in range(slots))
    return torch.stack([view(images[:, slot].flatten(2)) for slot, view in enumerate(views)], 1)


class View:
    """One picture under one condition, prepared for many candidates that differ in some pixels only.

    Light and pose are worked out for those pixels and their surroundings alone; the rest of the picture
    is seen once.

    Args:
        background: 3×H×W in 0..1, the picture.
        places: n, indices of the pixels that differ, row by row.
        drawn: conditions.
        slot: which of them.
    """

    def __init__(self, background: Tensor, places: Tensor, drawn: Draw, slot: int) -> None:
        self.shape = background.shape
        _, height, width = self.shape
        self.quality = int(drawn.quality[slot])
        self.softening = round(float(drawn.sigma[slot]), 3), round(float(drawn.size[slot]), 3)
        with torch.inference_mode(False):  # kept for later calls, which may want gradients
            gain, self.tone, slope_x, slope_y = drawn.light[slot].tolist()
            across, down = torch.linspace(-1, 1, width), torch.linspace(-1, 1, height)
            field = (gain * (1 + slope_x * across + slope_y * down[:, None])).flatten()
            self.field = field[places]
            lit = _lit(background.flatten(1), field, self.tone)[None]
            grid = F.affine_grid(drawn.affine[slot][None], [1, 3, height, width], align_corners=False)
            moved = taps(grid.reshape(-1, 2), height, width)
            self.still = self._mixed(moved.sample(lit[0].T).T[None])
            self.touched, self.taps, around = _near(moved, places, height * width)
            self.around = self._mixed(lit[..., around])

    def __call__(self, values: Tensor) -> Tensor:
        """The picture with other values of those pixels.

        Args:
            values: P×3×n in 0..1 for P candidates.

        Returns:
            P×3×H×W in 0..1.
        """
        lit = self._mixed(_lit(values, self.field, self.tone))
        sides = lit.shape[:2]  # candidates and channels, in the order that comes next
        table = torch.cat([lit, self.around.expand(*sides, -1)], 2).flatten(0, 1).T.contiguous()
        moved = self.taps.sample(table).T.contiguous()
        images = self.still.expand(*sides, -1).flatten(0, 1).contiguous()
        images.scatter_(1, self.touched.expand(len(images), -1), moved)  # far quicker than index_copy_
        images = images.reshape(*sides, *self.shape[1:])
        if self.quality:
            return _codec(*self.shape[1:], *self.softening)(images, self.quality)
        sigma, size = self.softening
        if sigma == 0 and size == 1:
            return images
        rows, columns = _softeners(*self.shape[1:], sigma, size)
        return columns.columns(rows.rows(images))

    def _mixed(self, values: Tensor) -> Tensor:
        return jpeg.planes(values) if self.quality else values


def _lit(values: Tensor, field: Tensor, tone: float) -> Tensor:
    """x (1 + tone (1 - x)) field, in few passes over the memory: ...×n for n values of the field."""
    return torch.addcmul(field * (1 + tone), values, field, value=-tone).mul_(values).clamp_(0, 1)


def _near(moved: Taps, places: Tensor, count: int) -> tuple[Tensor, Taps, Tensor]:
    """The samples that look at some of the places.

    Returns:
        Their indices; what they look at in a table of the places and their surroundings; the latter.
    """
    differs = torch.zeros(count, dtype=torch.bool)
    differs[places] = True
    touched = differs[moved.pixels].any(1).nonzero()[:, 0]
    pixels = moved.pixels[touched]
    sampled = torch.zeros(count, dtype=torch.bool)
    sampled[pixels.flatten()] = True
    around = (sampled & ~differs).nonzero()[:, 0]
    row = torch.zeros(count, dtype=torch.int32)
    both = torch.cat([places, around])
    row[both] = torch.arange(len(both), dtype=torch.int32)
    return touched, Taps(row[pixels], moved.weights[touched]), around


@lru_cache(maxsize=128)
def _codec(height: int, width: int, sigma: float, size: float) -> jpeg.Codec:
    """JPEG of softened pictures; the softening melts into the codec's matrices, which makes it free."""
    with torch.inference_mode(False):  # kept for later calls, which may want gradients
        return jpeg.Codec(softener(height, sigma, size), softener(width, sigma, size))


@lru_cache(maxsize=16)
def _softeners(height: int, width: int, sigma: float, size: float) -> tuple[Banded, Banded]:
    with torch.inference_mode(False):
        return Banded(softener(height, sigma, size)), Banded(softener(width, sigma, size))


def softener(length: int, sigma: float, size: float = 1.0) -> Tensor:
    """Blurring, shrinking and enlarging of one axis as a matrix.

    Both act on rows and columns alike, so an image X becomes S X Sᵀ.

    Args:
        length: pixels along the axis.
        sigma: Gaussian blur in pixels, 0 for none.
        size: share of the length to which it is reduced (area average) and enlarged again (linear).

    Returns:
        length×length float32; every row sums to 1.
    """
    matrix: Tensor = torch.eye(length, dtype=torch.float64)
    if sigma > 0:
        at = torch.arange(length, dtype=torch.float64)
        matrix = torch.exp(-0.5 * ((at[:, None] - at[None, :]) / sigma) ** 2)
        matrix = matrix * (matrix > 1e-5)  # denormal numbers would make the products many times slower
        matrix = matrix / matrix.sum(1, keepdim=True)
    small = round(length * size)
    if small < length:
        # as length signals, one for each input pixel
        reduced: Tensor = F.interpolate(matrix.T[:, None], small, mode="area")
        enlarged: Tensor = F.interpolate(reduced, length, mode="linear", align_corners=False)
        matrix = enlarged[:, 0].T
    return matrix.float().contiguous()
