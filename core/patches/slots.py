"""Where a patch sits: on the torso of a person, at places of an aligned face, or where somebody drew.

A slot says for every pixel of the picture which place of the patch it shows. On an aligned face that map is
affine; where landmarks are known it goes through the face mesh, so that the patch bends with the head.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.errors import Code, UserError
from core.faces import topology
from core.faces.align import CANONICAL_SIZE, TEMPLATE, similarity
from core.faces.mesh_warp import Warp, warp
from core.faces.parts import landmarks_of
from core.types import Face, FloatArray, Mask

FINE = 2  # stencil pixels for a picture's pixel
EDGE = 2.0  # picture pixels over which a patch fades at its rim, inwards
LEAST = 16  # pixels; a smaller drawing holds no patch


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """A place for a patch in pictures of one size.

    Attributes:
        name: for reports.
        grid: H×W×2 float32, the place in the patch that each pixel shows, x and y in -1..1 from edge to edge
            (as ``grid_sample`` takes it), beyond that outside the patch.
        stencil: h×w float32 in 0..1, how opaque the patch is at its places; 0 at its rim.
        extent: width and height of the patch in the picture, pixels.
        allowed: H×W float32 in 0..1, where the picture may be covered at all.
    """

    name: str
    grid: Tensor
    stencil: Tensor
    extent: tuple[float, float]
    allowed: Tensor

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the pictures."""
        return self.grid.shape[0], self.grid.shape[1]

    @property
    def mask(self) -> Tensor:
        """H×W float32 in 0..1, soft at its edges: what a patch covers that sits exactly."""
        cover = functional.grid_sample(self.stencil[None, None], self.grid[None], align_corners=False)
        return cover[0, 0] * self.allowed

    @property
    def share(self) -> float:
        """Covered share of the picture, 0..1."""
        return float(self.mask.mean())

    @property
    def affine(self) -> FloatArray:
        """2×3, places of the patch (-1..1) -> pixels of the picture: exact but for a mesh, then the best."""
        rows, columns = np.nonzero(self.mask.numpy() > 0)
        places = self.grid.numpy()[rows, columns].astype(np.float64)
        known = np.column_stack([places, np.ones(len(places))])
        fit, *_ = np.linalg.lstsq(known, np.stack([columns, rows], 1).astype(np.float64), rcond=None)
        return np.asarray(fit.T)


@dataclass(frozen=True, slots=True)
class Shape:
    """A patch's outline in the canonical frame of faces.

    Attributes:
        centre: x, y in pixels; whole numbers are centres of pixels.
        extent: width and height in pixels.
        draw: from height and width to what the patch covers of its rectangle, bool.
    """

    centre: tuple[float, float]
    extent: tuple[float, float]
    draw: Callable[[int, int], Mask]


def _rounded(height: int, width: int, corner: float = 0.3) -> Mask:
    """A rectangle whose corners are rounded by a share of its shorter side."""
    radius = corner * min(height, width)
    x = np.abs(np.arange(width) + 0.5 - width / 2) - (width / 2 - radius)
    y = np.abs(np.arange(height) + 0.5 - height / 2) - (height / 2 - radius)
    return np.asarray(np.hypot(np.maximum(x, 0)[None], np.maximum(y, 0)[:, None]) <= radius)


def _frame(height: int, width: int) -> Mask:
    """Spectacles: a bar with two holes over the eyes (which stand 56.4 canonical pixels apart)."""
    whole = _rounded(height, width)
    hole_height, hole_width = round(0.46 * height), round(0.27 * width)
    hole = _rounded(hole_height, hole_width, 0.4)
    top = (height - hole_height) // 2
    for middle in (0.5 - 28.2 / GLASSES[0], 0.5 + 28.2 / GLASSES[0]):
        left = round(middle * width - hole_width / 2)
        whole[top : top + hole_height, left : left + hole_width] &= ~hole
    return whole


def _medical(height: int, width: int) -> Mask:
    """A surgical mask: straight above, narrower towards the chin."""
    picture = np.zeros((height, width), np.uint8)
    outline = np.array([[0, 0.06], [0.5, 0], [1, 0.06], [0.98, 0.55], [0.7, 1], [0.3, 1], [0.02, 0.55]])
    corners = np.rint(outline * [width - 1, height - 1]).astype(np.int32)
    return np.asarray(cv2.fillPoly(picture, [corners], 1) > 0)


# All figures below are our choice: 8 % of the canonical picture each, the medical mask 13 %.
GLASSES = (128.0, 50.0)
FACE_SHAPES: Mapping[str, Shape] = {
    "glasses": Shape((112.0, 105.0), GLASSES, _frame),
    "forehead": Shape((112.0, 62.0), (104.0, 42.0), _rounded),
    "cheek": Shape((76.0, 149.0), (62.0, 72.0), _rounded),
    "medical mask": Shape((112.0, 172.0), (112.0, 76.0), _medical),
}
# Height and width as shares of the picture, and its middle from above: the chest, and all of a shirt's front.
PERSON_SHAPES: Mapping[str, tuple[float, float, float]] = {
    "torso": (0.22, 0.44, 0.36),
    "shirt": (0.25, 0.55, 0.36),
}


def names(kind: str) -> tuple[str, ...]:
    """All places for patches on "faces" or "persons", with that which somebody draws at the end."""
    return (*(FACE_SHAPES if kind == "faces" else PERSON_SHAPES), "drawn")


def torso(height: int, width: int) -> Slot:
    """The chest of a person who fills a picture."""
    return body("torso", height, width)


def body(name: str, height: int, width: int) -> Slot:
    """A place on a person who fills a picture of so many pixels.

    Raises:
        UserError: no such place.
    """
    if name not in PERSON_SHAPES:
        known = ", ".join(PERSON_SHAPES)
        raise UserError(
            Code.OPTION_RANGE, f"There is no place called {name!r} on a person.", f"Choose one of: {known}."
        )
    high, wide, middle = PERSON_SHAPES[name]
    shape = Shape(((width - 1) / 2, middle * height - 0.5), (wide * width, high * height), _rounded)
    return _slot(name, shape, _pixels(height, width))


def face(name: str, subject: Face | None = None) -> Slot:
    """A place of an aligned face.

    Args:
        name: one of :data:`FACE_SHAPES`.
        subject: the face, its landmarks in canonical pixels; given, the patch is bent over its mesh and
            what is turned away from the camera stays bare.

    Raises:
        UserError: no such place; ``FACE_UNSUITABLE`` for a face without landmarks.
    """
    if name not in FACE_SHAPES:
        known = ", ".join(FACE_SHAPES)
        raise UserError(
            Code.OPTION_RANGE, f"There is no place called {name!r} on a face.", f"Choose one of: {known}."
        )
    if subject is None:
        return _slot(name, FACE_SHAPES[name], _pixels(CANONICAL_SIZE, CANONICAL_SIZE))
    found = _to_mean(subject)
    return _slot(name, FACE_SHAPES[name], found.position, found.inside)


def drawn(mask: Mask, subject: Face | None = None) -> Slot:
    """Where a person drew: the patch fills the drawing's bounding box and shows inside the drawing.

    Args:
        mask: H×W bool.
        subject: as of :func:`face`; given, the mask is of its picture, and what is drawn beside the face's
            mesh stays bare.

    Raises:
        UserError: ``PATTERN_INVALID``: nothing or next to nothing is drawn, or not on the face;
            ``FACE_UNSUITABLE`` for a face without landmarks.
    """
    places, free = _pixels(*mask.shape), None
    if subject is not None:
        found, back = _to_mean(subject), _from_mean(subject)
        places, free = found.position, found.inside
        x, y = back.position[..., 0], back.position[..., 1]
        straight = cv2.remap(mask.astype(np.uint8), x, y, cv2.INTER_NEAREST)
        mask = (straight > 0) & back.inside
    rows, columns = np.nonzero(mask)
    if len(rows) < LEAST:
        where = " on the face" if subject is not None else ""
        raise UserError(
            Code.PATTERN_INVALID, f"Too little is drawn{where} to hold a patch.", "Draw a larger area."
        )
    y0, y1, x0, x1 = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    part = np.asarray(mask[y0:y1, x0:x1], np.uint8)

    def draw(height: int, width: int) -> Mask:
        return cv2.resize(part, (width, height), interpolation=cv2.INTER_NEAREST) > 0

    centre, extent = ((x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2), (float(x1 - x0), float(y1 - y0))
    return _slot("drawn", Shape(centre, extent, draw), places, free)


def named(kind: str, name: str, height: int, width: int) -> Slot:
    """A slot by the kind of victim ("faces" or "persons") and its name; errors as :func:`face`."""
    if kind == "faces":
        return face(name)
    return body(name, height, width)


def _to_mean(subject: Face) -> Warp:
    """From a face's picture to the mean face, aligned like any other; all in canonical pixels."""
    points = landmarks_of(subject)
    depth = np.zeros(len(points)) if subject.depth is None else subject.depth
    return warp(points, _aligned_mean()[:, :2], topology.TRIANGLES, depth, CANONICAL_SIZE, CANONICAL_SIZE)


def _from_mean(subject: Face) -> Warp:
    """The way back."""
    mean = _aligned_mean()
    return warp(
        mean[:, :2],
        landmarks_of(subject),
        topology.TRIANGLES,
        mean[:, 2],
        CANONICAL_SIZE,
        CANONICAL_SIZE,
    )


@lru_cache(maxsize=1)
def _aligned_mean() -> FloatArray:
    """N×3 points of the mean face, x and y in canonical pixels, depth smaller is nearer."""
    shape = topology.mean_shape()
    matrix = similarity(topology.five_points(shape), TEMPLATE)
    flat = topology.mean_face() @ matrix[:, :2].T + matrix[:, 2]
    return np.column_stack([flat, shape[:, 2]])


def _pixels(height: int, width: int) -> FloatArray:
    """H×W×2, every pixel's own x and y."""
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)


def _slot(name: str, shape: Shape, places: FloatArray, allowed: Mask | None = None) -> Slot:
    """The slot of pixels that lie at ``places``, H×W×2, of the frame in which the shape is given."""
    half = np.array(shape.extent, np.float32) / 2
    grid = (places - np.array(shape.centre, np.float32)) / half
    width, height = (max(round(FINE * side), 4) for side in shape.extent)
    bare = np.pad(shape.draw(height, width).astype(np.uint8), 1)  # a rim, from which distances are counted
    inwards = cv2.distanceTransform(bare, cv2.DIST_L2, 5)[1:-1, 1:-1]
    stencil = np.clip((inwards - 1) / (FINE * EDGE), 0, 1)
    free = np.ones(places.shape[:2], bool) if allowed is None else allowed
    return Slot(
        name,
        torch.from_numpy(np.ascontiguousarray(grid, np.float32)),
        torch.from_numpy(stencil.astype(np.float32)),
        shape.extent,
        torch.from_numpy(free.astype(np.float32)),
    )
