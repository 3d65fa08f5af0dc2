"""Heat and clusters drawn over the pictures that they belong to."""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.patches.activation import placed
from core.patches.base import Victim
from core.patches.clusters import PALETTE, Clusters
from core.types import Mask, Pixels

HEAT = 0.65  # opacity of the hottest place, our choice
TOP = 0.995  # quantile of a map that counts as hottest, so that one pixel does not dim the rest
COVER = 0.5  # opacity of a cluster's colour
LEAST = 0.004  # share of the picture below which a piece gets no number
OUTLINE = (255, 255, 255)


def heat(picture: Tensor, weights: Tensor, patch: Tensor | None = None, top: float | None = None) -> Pixels:
    """A map over the grey picture, clear where it is 0 and bright yellow where it is largest.

    Args:
        picture: 3×H×W RGB in 0..1.
        weights: H×W of 0 and more.
        patch: H×W in 0..1, whose outline is drawn, or None.
        top: the value that is bright yellow; :func:`hottest` of this map without it.
    """
    top = hottest(weights) if top is None else top
    level = np.clip(weights.detach().cpu().numpy().astype(np.float64) / max(top, 1e-12), 0, 1)
    colours = cv2.applyColorMap(np.rint(level * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    cover = (HEAT * np.sqrt(level))[..., None]
    mixed = cover * colours + (1 - cover) * _grey(picture)
    return _outlined(np.rint(mixed).clip(0, 255).astype(np.uint8), patch)


def hottest(weights: Tensor) -> float:
    """A value near a map's largest, of any shape; 0 where it is empty."""
    values = weights.detach().cpu().numpy()
    return float(np.quantile(values[values > 0], TOP)) if (values > 0).any() else 0.0


def regions(
    clusters: Clusters, victim: Victim, maps: Tensor, picture: Tensor, patch: Tensor | None = None
) -> Pixels:
    """Clusters in their colours over the grey picture, parted by thin lines, each piece with its number.

    Between the places of the map the components are interpolated before they are sorted, so the borders are
    smooth; at the places themselves the sorting is that of :meth:`Clusters.assign`.

    Args:
        clusters: fitted on clean pictures.
        victim: whose maps they are.
        maps: C×h×w of the picture.
        picture: 3×H×W RGB in 0..1.
        patch: H×W in 0..1, whose outline is drawn, or None.

    Returns:
        H×W×3; what the encoder does not see stays grey. Numbers begin with 1, as in the table.
    """
    labels = numbered(clusters, victim, maps)
    colours = np.array([(0, 0, 0), *(rgb for _, rgb in PALETTE)], np.float64)[labels]
    grey = _grey(picture)
    mixed = np.where(labels[..., None] > 0, COVER * colours + (1 - COVER) * grey, grey)
    shown = np.rint(mixed).clip(0, 255).astype(np.uint8)
    border = np.zeros(labels.shape, bool)
    border[:-1] |= labels[:-1] != labels[1:]
    border[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    shown[border] = 0
    shown = _outlined(shown, patch)
    for number in np.unique(labels[labels > 0]):
        _write(shown, labels == number, int(number))
    return shown


def numbered(clusters: Clusters, victim: Victim, maps: Tensor) -> NDArray[np.int64]:
    """H×W: 1 and more for the cluster of each pixel, 0 outside what the encoder sees."""
    components = torch.from_numpy(clusters.project(maps[None])[0]).float().movedim(-1, 0)
    smooth = placed(components, victim).movedim(0, -1).numpy()
    squares = ((smooth[..., None, :] - clusters.centroids) ** 2).sum(-1)
    seen = placed(torch.ones(1, 1, 1), victim)[0].numpy() > 0
    return np.asarray(np.where(seen, squares.argmin(-1) + 1, 0))


def _write(shown: Pixels, piece: Mask, number: int) -> None:
    """The number in every large piece of a cluster, where the piece is thickest."""
    count, pieces, figures, _ = cv2.connectedComponentsWithStats(piece.astype(np.uint8))
    scale = min(shown.shape[:2]) / 224 * 0.5
    for one in range(1, count):
        if figures[one, cv2.CC_STAT_AREA] < LEAST * piece.size:
            continue
        inside = np.pad((pieces == one).astype(np.uint8), 1)
        depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)[1:-1, 1:-1]
        y, x = np.unravel_index(int(depth.argmax()), depth.shape)
        (wide, high), _ = cv2.getTextSize(str(number), cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
        at = (int(x) - wide // 2, int(y) + high // 2)
        for colour, thick in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            cv2.putText(shown, str(number), at, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thick, cv2.LINE_AA)


def _grey(picture: Tensor) -> NDArray[np.float64]:
    """H×W×1 in 0..255."""
    return np.asarray(picture.detach().mean(0).cpu().numpy()[..., None] * 255, np.float64)


def _outlined(shown: Pixels, patch: Tensor | None) -> Pixels:
    shown = np.ascontiguousarray(shown)
    if patch is not None:
        inside = (patch.detach().cpu().numpy() > 0.5).astype(np.uint8)
        lines, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(shown, lines, -1, OUTLINE, 1)
    return shown
