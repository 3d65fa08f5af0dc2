"""Putting textures of the mean face onto the face of a photo so that they look painted."""

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.camouflage.pattern import Pattern
from core.camouflage.render import LEFT, SIDE, TOP, render
from core.camouflage.shade import LUMA, PaintOptions, light
from core.faces import regions, topology
from core.faces.align import align, similarity
from core.faces.mesh_warp import warp
from core.faces.skin import bare_skin, parser
from core.types import Face, FloatArray, Mask, Pixels

FEATHER = 0.012  # eye-distances over which paint fades at the rim of the skin, at least one pixel
SKIN = (214, 172, 148)  # sRGB of the mean face when it is shown
SPECK = 0.06  # eye-distances; narrower strips of skin are not painted
PIECE = 0.02  # of the skin; smaller pieces are not painted
CRISP = 60  # pixels of eye distance from which a brush's edge begins to be softer than one pixel
MAX_TEXTURE = 768  # texels a side


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """The paintable skin of one face in one picture, measured once for any number of patterns.

    Attributes:
        pixels: H×W×3 uint8 RGB, the picture.
        window: ``(x0, y0, x1, y1)`` pixels, half-open: the part that holds the face, h×w.
        base: 3×h×w float32, the window's pixels in 0..1.
        grid: 1×h×w×2 float32, each pixel's place in the texture, -1..1 (as ``grid_sample`` takes it).
        mask: h×w float32 in 0..1, the valid region: bare skin (no hair, beard or glasses, as far as
            :mod:`core.faces.skin` tells them), fading at its rim, 0 elsewhere.
        gain: h×w float32 and
        sheen: h×w float32: the light, ``paint * gain + sheen``.
        grey: the picture is black and white.
        eye_distance: pixels.
    """

    pixels: Pixels
    window: tuple[int, int, int, int]
    base: Tensor
    grid: Tensor
    mask: Tensor
    gain: Tensor
    sheen: Tensor
    grey: bool
    eye_distance: float

    @classmethod
    def photo(cls, pixels: Pixels, face: Face, options: PaintOptions | None = None) -> "Surface":
        """The skin of a face in the full photo.

        Args:
            pixels: H×W×3 uint8 RGB.
            face: a face of that photo, with landmarks.
            options: how paint sits on skin.

        Raises:
            UserError: ``FACE_UNSUITABLE`` for a face without landmarks.
        """
        window = _window(regions.landmarks_of(face), pixels.shape[0], pixels.shape[1])
        x0, y0, x1, y1 = window
        part = pixels[y0:y1, x0:x1].astype(np.float32) / 255
        local = moved(face, np.array([[1.0, 0.0, -x0], [0.0, 1.0, -y0]]))
        height, width = y1 - y0, x1 - x0
        points = regions.landmarks_of(local)
        depth = np.zeros(len(points)) if face.depth is None else face.depth
        place = warp(points, topology.mean_face(), topology.TRIANGLES, depth, height, width)
        skin = regions.paintable(local, height, width) & bare_skin(pixels, face, parser(), window)
        skin &= place.inside
        skin = _without_specks(skin, SPECK * face.eye_distance)
        measured = light(part, skin, face.eye_distance, options or PaintOptions())
        position = (place.position - np.array([LEFT, TOP], np.float32)) * (2 / SIDE) - 1
        return cls(
            pixels,
            window,
            torch.from_numpy(np.ascontiguousarray(part.transpose(2, 0, 1))),
            torch.from_numpy(position[None].astype(np.float32)),
            torch.from_numpy(_feathered(skin, FEATHER * face.eye_distance)),
            torch.from_numpy(measured.gain),
            torch.from_numpy(measured.sheen),
            measured.grey,
            face.eye_distance,
        )

    @classmethod
    def canonical(cls, pixels: Pixels, face: Face, options: PaintOptions | None = None) -> "Surface":
        """The skin of a face of the photo ``pixels``, in the 224 px canonical frame.

        Raises:
            UserError: ``FACE_UNSUITABLE`` for a face without landmarks.
        """
        regions.landmarks_of(face)  # refuse before the work
        return cls.photo(align(pixels, face), moved(face, similarity(face.five)), options)

    @classmethod
    @lru_cache(maxsize=4)
    def mean_face(cls, size: int) -> "Surface":
        """The mean face itself in plain skin, its picture being the texture frame, size×size pixels."""
        shape = topology.mean_shape() * (size / SIDE)
        points = shape[:, :2] - np.array([LEFT, TOP], np.float32) * (size / SIDE) - 0.5
        face = Face((0, 0, size, size), 1.0, topology.five_points(points), points, shape[:, 2])
        return cls.photo(np.full((size, size, 3), SKIN, np.uint8), face)

    @property
    def paintable(self) -> bool:
        """Whether there is any skin to paint."""
        return bool(self.mask.any())


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """A photo with a painted face.

    Attributes:
        pixels: H×W×3 uint8 RGB; every pixel outside ``mask`` is the photo's own.
        mask: H×W float32 in 0..1, where there is paint, whatever its opacity.
        area: painted fraction of the valid region, 0..1.
    """

    pixels: Pixels
    mask: FloatArray
    area: float


def apply(surface: Surface, textures: Tensor) -> Tensor:
    """Paint a population of textures onto one picture.

    Args:
        surface: where to paint, H×W.
        textures: B×4×S×S, RGB multiplied by alpha, then alpha (:func:`core.camouflage.render.render`).

    Returns:
        B×3×H×W float32 RGB in 0..1, differentiable with respect to the textures; a pixel without
        paint has exactly the picture's value.
    """
    x0, y0, x1, y1 = surface.window
    whole = torch.from_numpy(surface.pixels.transpose(2, 0, 1).copy()).float().div_(255)
    batch = whole.expand(len(textures), -1, -1, -1).clone()
    batch[:, :, y0:y1, x0:x1] = painted(surface, textures)
    return batch


def painted(surface: Surface, textures: Tensor) -> Tensor:
    """:func:`apply` for the surface's window alone: B×3×h×w."""
    return _composite(surface, _sample(surface, textures))


def area(surface: Surface, textures: Tensor, opacity: Tensor | float) -> Tensor:
    """The painted fraction of the valid region for each of a population.

    Args:
        surface: where to paint.
        textures: B×4×S×S.
        opacity: of the patterns, one for all or B.

    Returns:
        B numbers in 0..1: the mean over the valid region, weighted by its mask, of the coverage. A
        pattern of opacity 0 paints nothing.
    """
    painted = _sample(surface, textures)[:, 3].sum((1, 2))
    opacity = torch.as_tensor(opacity, dtype=painted.dtype).clamp_min(1e-6)
    return painted / opacity / surface.mask.sum().clamp_min(1e-6)


def paint(pixels: Pixels, face: Face, pattern: Pattern, options: PaintOptions | None = None) -> Painted:
    """Paint a pattern on a face of a photo, at the photo's own resolution.

    Args:
        pixels: H×W×3 uint8 RGB.
        face: a face of that photo, with landmarks.
        pattern: what to paint.
        options: how paint sits on skin.

    Returns:
        A new picture; with opacity 0 or no valid region its bytes are the photo's.

    Raises:
        UserError: ``FACE_UNSUITABLE`` for a face without landmarks.
    """
    return paint_surface(Surface.photo(pixels, face, options), pattern)


@torch.inference_mode()
def paint_surface(surface: Surface, pattern: Pattern) -> Painted:
    """:func:`paint` on a surface that was measured before; for a live preview."""
    eyes = surface.eye_distance
    size = min(max(math.ceil(SIDE * math.sqrt(eyes * min(eyes, CRISP))), 48), MAX_TEXTURE)
    textures = render([pattern], size)
    sampled = _sample(surface, textures)
    x0, y0, x1, y1 = surface.window
    cover = (sampled[0, 3] / max(pattern.opacity, 1e-6)).numpy()
    mask = np.zeros(surface.pixels.shape[:2], np.float32)
    mask[y0:y1, x0:x1] = cover
    values = _composite(surface, sampled)[0].permute(1, 2, 0).mul(255).round_().to(torch.uint8).numpy()
    result = surface.pixels.copy()
    result[y0:y1, x0:x1] = np.where(cover[..., None] > 0, values, result[y0:y1, x0:x1])
    return Painted(result, mask, float(area(surface, textures, pattern.opacity)))


def moved(face: Face, matrix: FloatArray) -> Face:
    """A face seen through a similarity transform of its picture (2×3, old pixels -> new pixels)."""
    matrix = np.asarray(matrix, np.float64)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))

    def to(points: FloatArray) -> FloatArray:
        return (np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)

    x0, y0, x1, y1 = face.box
    box = to(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]))
    (left, top), (right, bottom) = box.min(0).tolist(), box.max(0).tolist()
    return replace(
        face,
        box=(left, top, right, bottom),
        five=to(face.five),
        landmarks=None if face.landmarks is None else to(face.landmarks),
        depth=None if face.depth is None else (np.asarray(face.depth) * scale).astype(np.float32),
    )


def _sample(surface: Surface, textures: Tensor) -> Tensor:
    """B×4×h×w of the textures on the window, cut by the valid region."""
    count, channels, height, width = textures.shape
    # one set of weights for all, but for threads, among which only a batch is shared out
    groups = math.gcd(count, torch.get_num_threads())
    stacked = textures.reshape(groups, -1, height, width)
    grid = surface.grid.expand(groups, -1, -1, -1)
    sampled = functional.grid_sample(stacked, grid, padding_mode="zeros", align_corners=False)
    return sampled.reshape(count, channels, *surface.mask.shape) * surface.mask


def _composite(surface: Surface, sampled: Tensor) -> Tensor:
    color, alpha = sampled[:, :3], sampled[:, 3:]
    if surface.grey:
        color = (color * torch.from_numpy(LUMA)[:, None, None]).sum(1, keepdim=True)
    shaded = color * surface.gain + alpha * surface.sheen
    return (surface.base * (1 - alpha) + shaded).clamp(0, 1)


def _window(points: FloatArray, height: int, width: int) -> tuple[int, int, int, int]:
    low = np.floor(np.asarray(points).min(0)).astype(int)
    high = np.ceil(np.asarray(points).max(0)).astype(int) + 1
    x0, y0 = int(np.clip(low[0], 0, width - 1)), int(np.clip(low[1], 0, height - 1))
    return x0, y0, int(np.clip(high[0], x0 + 1, width)), int(np.clip(high[1], y0 + 1, height))


def _without_specks(mask: Mask, width: float) -> Mask:
    """Drop what is narrower than ``width`` pixels, and pieces too small to paint: slivers of a far cheek."""
    radius = width / 2
    # an opening by distances, whose cost does not grow with the radius
    core = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3) > radius
    around = cv2.distanceTransform((~core).astype(np.uint8), cv2.DIST_L2, 3)
    opened = (mask & core.any() & (around <= radius)).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    sizes = stats[:, cv2.CC_STAT_AREA]
    sizes[0] = 0  # the background
    return np.asarray((sizes >= PIECE * max(int(sizes.sum()), 1))[labels])


def _feathered(mask: Mask, pixels: float) -> FloatArray:
    distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
    return (distance / (max(pixels, 1) + 1)).clip(0, 1).astype(np.float32)
