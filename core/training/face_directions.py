"""Directions in the generator's latent space that turn, light or cheer a face and leave its identity be.

Nothing labelled is needed: a few hundred faces are drawn, measured with our own landmarks, and the
measurements regressed on the latents. InterFaceGAN (Shen et al. 2020, arXiv:1907.10786) finds such
directions by classifiers and projects others out; regression and the closed form below are our choice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.faces import find_batch
from core.faces.generate import STYLES
from core.types import FloatArray, Pixels

# yaw, pitch in degrees; smile as a share of the face; glasses as the strength of edges across the nose
# bridge (area under the curve .987 on 400 faces sorted by eye); the light in grey levels of 255
ATTRIBUTES = ("yaw", "pitch", "smile", "glasses", "brightness", "side_light")
LIGHT = 4  # the attributes from here on change how a face is lit, the ones before what it shows
LIGHT_STYLES = 7  # light moves only the styles from this one on, at 16 px and finer
RIDGE, SHRINK = 10.0, 0.5

MOUTH_CORNERS, LIPS = (61, 291), (13, 14)
FACE_SIDES, FACE_ENDS = (234, 454), (10, 152)
CHEEKS, FOREHEAD = (50, 280), 151
BRIDGE, EYE_CORNERS = 168, (33, 263)


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """How the style latent changes for one unit of each attribute.

    Attributes:
        steps: 6×512 float32, one row an attribute of ``ATTRIBUTES``.
    """

    steps: Tensor

    def move(self, w: Tensor, moves: Mapping[str, float]) -> Tensor:
        """Move style latents.

        Args:
            w: N×512.
            moves: attribute -> change in its unit; absent ones stay.

        Returns:
            N×23×512, one style a modulation of the generator.

        Raises:
            KeyError: an attribute that is not in ``ATTRIBUTES``.
        """
        if unknown := set(moves).difference(ATTRIBUTES):
            raise KeyError(f"no direction called {', '.join(sorted(unknown))}")
        change = torch.tensor([float(moves.get(name, 0)) for name in ATTRIBUTES])
        styles = (w + change[:LIGHT] @ self.steps[:LIGHT])[:, None].repeat(1, STYLES, 1)
        styles[:, LIGHT_STYLES:] += change[LIGHT:] @ self.steps[LIGHT:]
        return styles

    def save(self, path: Path) -> None:
        """Write a safetensors file of about 10 kB."""
        save_file({"steps": self.steps.contiguous()}, path, {"rows": " ".join(ATTRIBUTES)})

    @classmethod
    def load(cls, path: Path) -> "Directions":
        """Read what :meth:`save` wrote."""
        return cls(load_file(path)["steps"])


def fit(latents: Tensor, measured: Sequence[FloatArray]) -> Directions:
    """Find the directions from drawn and measured faces.

    A ridge regression V predicts the attributes from the latent. A direction then is the smallest step, in
    the Mahalanobis distance of the latents (covariance S, shrunk half way to a multiple of the identity),
    that changes one prediction by one and the others not at all: (V' S V)^-1 V' S. Measured against the
    smallest Euclidean step, the same turn of 25 degrees kept more of the identity and met no limit.

    Args:
        latents: N×512, N at least a few hundred.
        measured: N vectors of :func:`measure`.
    """
    x = latents - latents.mean(0)
    y = torch.from_numpy(np.stack(measured)).float()
    y = y - y.mean(0)
    count, dim = x.shape
    predictor = x.T @ torch.linalg.solve(x @ x.T + RIDGE * torch.eye(count), y)
    covariance = x.T @ x / count
    shrunk = (1 - SHRINK) * covariance + SHRINK * covariance.trace() / dim * torch.eye(dim)
    spread = predictor.T @ shrunk
    return Directions(torch.linalg.solve(spread @ predictor, spread))


def measure(pixels: Pixels) -> FloatArray | None:
    """Measure the largest face of a picture.

    Returns:
        The six values of ``ATTRIBUTES``, or None where there is no face.
    """
    (found,) = find_batch([pixels])
    if not found:
        return None
    points, depth, pose = found[0].landmarks, found[0].depth, found[0].pose
    assert points is not None
    assert depth is not None
    assert pose is not None
    mesh = np.column_stack([points, depth])
    return np.array([pose.yaw, pose.pitch, _smile(mesh), _glasses(pixels, mesh), *_light(pixels, mesh)])


def _smile(mesh: FloatArray) -> float:
    """Mouth's width, opening and raised corners, each as a share of the face, added up."""

    def distance(pair: tuple[int, int]) -> float:
        return float(np.linalg.norm(mesh[pair[1]] - mesh[pair[0]]))

    middle, corners = mesh[list(LIPS), 1].mean(), mesh[list(MOUTH_CORNERS), 1].mean()
    height = distance(FACE_ENDS)
    vertical = (mesh[LIPS[1], 1] - mesh[LIPS[0], 1] + middle - corners) / height
    return distance(MOUTH_CORNERS) / distance(FACE_SIDES) + float(vertical)


def _glasses(pixels: Pixels, mesh: FloatArray) -> float:
    """Mean vertical slope of log luminance where a frame would cross the nose bridge."""
    left, right = mesh[list(EYE_CORNERS), :2]
    width, height = np.linalg.norm(right - left) * np.array([0.06, 0.12])
    x, y = mesh[BRIDGE, :2]
    x0, x1, y0, y1 = (max(0, int(edge)) for edge in (x - width, x + width, y - height, y + height))
    window = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[y0 : y1 + 1, x0 : x1 + 1]
    if min(window.shape) < 3:
        return 0.0
    slope = np.diff(np.log(window.astype(float) + 8), axis=0)
    return float(np.abs(slope).mean())


def _light(pixels: Pixels, mesh: FloatArray) -> tuple[float, float]:
    grey = cv2.GaussianBlur(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), (0, 0), pixels.shape[1] / 64)
    limit = np.array(grey.shape[::-1]) - 1
    columns, rows = np.clip(mesh[[*CHEEKS, FOREHEAD], :2].round().astype(int), 0, limit).T
    left, right, forehead = grey[rows, columns].astype(float)
    return float(left + right + forehead) / 3, float(left - right)
