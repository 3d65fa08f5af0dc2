"""478 points of every face, by MediaPipe's Face Landmarker net on upright crops of the photos."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from core import weights
from core.faces._landmark_net import INPUT, LandmarkNet
from core.faces.align import warp
from core.faces.outlines import LEFT_EYE, RIGHT_EYE
from core.types import Face, FloatArray, Pixels

WIDTH = 1.5  # side of the crop for a face's longer side, the figure of MediaPipe's graph
BATCH = 16  # crops at once; more gains nothing on two cores
SETTLED = 0.04  # a crop that moves or grows by a smaller share of its side is not read again
SETTLED_ANGLE = np.radians(5)


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """What the landmark net says about one face.

    Attributes:
        points: 478×3 float32; x, y in photo pixels, depth in the same unit, smaller is nearer.
        presence: 0..1, the net's own belief that its crop shows a face.
    """

    points: FloatArray
    presence: float


@dataclass(frozen=True, slots=True)
class Square:
    """A turned square of a photo: centre and side in pixels, angle in radians, clockwise."""

    x: float
    y: float
    side: float
    angle: float

    def matrix(self) -> FloatArray:
        """2×3, photo pixels -> pixels of the net's crop (the net counts from a pixel's corner)."""
        scale = INPUT / self.side
        c, s = scale * np.cos(self.angle), scale * np.sin(self.angle)
        linear = np.array([[c, s], [-s, c]])
        shift = np.full(2, INPUT / 2) - linear @ np.array([self.x, self.y])
        return np.column_stack([linear, shift])

    def differs(self, other: "Square") -> bool:
        """Whether a crop of the other square would look clearly different to the net."""
        turned = abs(np.angle(np.exp(1j * (self.angle - other.angle))))
        shifted = np.hypot(self.x - other.x, self.y - other.y) / self.side
        return bool(
            turned > SETTLED_ANGLE or shifted > SETTLED or abs(np.log(self.side / other.side)) > SETTLED
        )


def measure(pairs: Sequence[tuple[Pixels, Face]], passes: int = 4) -> tuple[Mesh, ...]:
    """Measure faces of any number of photos together.

    After a first look the crop follows the points it gave, as MediaPipe does from one video frame to the
    next; faces whose crop still moves are read again. On 25 LFW photos one pass is 1.2 % of the distance
    between the outer eye corners (median) from where repeated passes settle, two are 0.5 %; a start that is
    40 degrees askew is 24 % off after one pass and 1.3 % after three.

    Args:
        pairs: a photo (H×W×3 uint8 RGB) and a face detected in it.
        passes: at most so many looks at a face.

    Returns:
        One mesh a pair, in order.
    """
    pictures = [pixels for pixels, _ in pairs]
    squares = [_from_detection(face) for _, face in pairs]
    meshes = _read(pictures, squares)
    unsettled = list(range(len(pairs)))
    for turn in range(1, passes):
        moved = {i: _from_points(meshes[i].points) for i in unsettled}
        unsettled = [i for i in unsettled if turn == 1 or moved[i].differs(squares[i])]
        for i, mesh in zip(
            unsettled, _read([pictures[i] for i in unsettled], [moved[i] for i in unsettled]), strict=True
        ):
            squares[i], meshes[i] = moved[i], mesh
    return tuple(meshes)


def _read(pictures: Sequence[Pixels], squares: Sequence[Square]) -> list[Mesh]:
    meshes: list[Mesh] = []
    for start in range(0, len(squares), BATCH):
        part = squares[start : start + BATCH]
        matrices = [square.matrix() for square in part]
        crops = np.stack(
            [warp(pixels, m, INPUT) for pixels, m in zip(pictures[start:], matrices, strict=False)]
        )
        points, presence = _forward(torch.from_numpy(crops))
        for square, matrix, found, sure in zip(
            part, matrices, points.numpy(), presence.tolist(), strict=True
        ):
            back = np.linalg.inv(matrix[:, :2])
            flat = (found[:, :2] - matrix[:, 2]) @ back.T
            depth = found[:, 2:] * square.side / INPUT
            meshes.append(Mesh(np.hstack([flat, depth]).astype(np.float32), float(sure)))
    return meshes


def _forward(crops: Tensor) -> tuple[Tensor, Tensor]:
    with torch.inference_mode():
        batch = crops.permute(0, 3, 1, 2).float().div_(255).contiguous(memory_format=torch.channels_last)
        points, presence = net()(batch)
        return points, presence.sigmoid()


@lru_cache(maxsize=1)
def net() -> LandmarkNet:
    """The landmark net with its weights, in eval mode, frozen but differentiable in its input."""
    with torch.inference_mode(False):  # whoever asks first, the parameters must serve gradients too
        model = LandmarkNet()
        model.load_state_dict(state("landmarks"))
        return model.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def state(part: str) -> dict[str, Tensor]:
    """The float32 parameters of one net of the Face Landmarker: ``landmarks`` or ``blendshapes``."""
    stored = load_file(weights.resolve("face-landmarker"))
    prefix = f"{part}."
    return {key.removeprefix(prefix): v.float() for key, v in stored.items() if key.startswith(prefix)}


def _from_detection(face: Face) -> Square:
    x0, y0, x1, y1 = face.box
    across = face.five[1] - face.five[0]
    angle = float(np.arctan2(across[1], across[0]))
    return Square((x0 + x1) / 2, (y0 + y1) / 2, WIDTH * max(x1 - x0, y1 - y0, 1.0), angle)


def _from_points(points: FloatArray) -> Square:
    left, right = points[[LEFT_EYE[0], RIGHT_EYE[0]], :2].astype(float)
    angle = float(np.arctan2(right[1] - left[1], right[0] - left[0]))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    upright = points[:, :2] @ turn.T
    low, high = upright.min(0), upright.max(0)
    centre = turn.T @ ((low + high) / 2)
    return Square(float(centre[0]), float(centre[1]), WIDTH * max(1.0, float((high - low).max())), angle)
