"""Which features a patch attacks: the places of activation maps, sorted into clusters on clean pictures.

Every place of a map is one vector over its channels; PCA, then k-means (method card of arXiv 2603.15396),
fitted on clean pictures only, so that the same clusters can be counted on attacked ones. Channels are brought
to one deviation first: EdgeFace has one whose deviation is a hundred times the median, which tells the face
from what is around it, and without that step the whole face is one cluster.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from torch import Tensor

from core.errors import Code, UserError
from core.patches.activation import BATCH, cells
from core.patches.base import Victim
from core.types import FloatArray

# Eight colours that people with any usual colour vision tell apart (Okabe and Ito, "Color Universal Design").
PALETTE: tuple[tuple[str, tuple[int, int, int]], ...] = (
    ("orange", (230, 159, 0)),
    ("sky blue", (86, 180, 233)),
    ("bluish green", (0, 158, 115)),
    ("yellow", (240, 228, 66)),
    ("blue", (0, 114, 178)),
    ("vermilion", (213, 94, 0)),
    ("reddish purple", (204, 121, 167)),
    ("black", (0, 0, 0)),
)


@dataclass(frozen=True, slots=True)
class Options:
    """How places are sorted.

    Attributes:
        clusters: k, 2..8, as many as there are colours.
        components: of the PCA at most, 1..64.
        seed: of PCA and k-means; the same seed gives the same clusters.

    Raises:
        UserError: ``OPTION_RANGE``.
    """

    clusters: int = 6
    components: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        if not 2 <= self.clusters <= len(PALETTE):
            raise UserError(Code.OPTION_RANGE, "The number of clusters is out of range.", "Use 2 to 8.")
        if not 1 <= self.components <= 64:
            raise UserError(Code.OPTION_RANGE, "The number of components is out of range.", "Use 1 to 64.")


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Fitted clusters of one victim's places, the largest on clean pictures first.

    Attributes:
        victim: its name.
        offset: C, means of the channels.
        scale: C, their deviations.
        pca: fitted, C standardised channels to P components.
        centroids: K×P in the PCA's components.
        explained: share of the standardised places' variance that the components keep, 0..1.
        spread: K, root mean square distance of clean places from their centroid.
    """

    victim: str
    offset: FloatArray
    scale: FloatArray
    pca: PCA
    centroids: FloatArray
    explained: float
    spread: FloatArray

    def project(self, maps: Tensor) -> FloatArray:
        """N×C×h×w -> N×h×w×P."""
        places = maps.detach().movedim(1, -1)
        flat = places.reshape(-1, places.shape[-1]).double().cpu().numpy()
        found = self.pca.transform((flat - self.offset) / self.scale)
        return np.asarray(found).reshape(*places.shape[:-1], -1)

    def assign(self, maps: Tensor) -> NDArray[np.int64]:
        """Nearest centroid of every place, N×C×h×w -> N×h×w in 0..K-1."""
        return np.asarray(_distances(self.project(maps), self.centroids).argmin(-1))


@dataclass(frozen=True, slots=True)
class Row:
    """One cluster on clean and attacked pictures; shares are of all places, 0..1.

    Attributes:
        cluster: its number.
        colour: its name in :data:`PALETTE`.
        rgb: 0..255.
        clean: share of the clean places in it.
        attacked: share of the attacked ones.
        patch_clean: share of the places inside the patch's outline, before the patch is there.
        patch_attacked: the same with the patch.
        shift: distance of the attacked places' mean from the centroid, in spreads of clean places; nan where
            no attacked place is in it.
        regions: by region, the share of the cluster's clean places inside it.
    """

    cluster: int
    colour: str
    rgb: tuple[int, int, int]
    clean: float
    attacked: float
    patch_clean: float
    patch_attacked: float
    shift: float
    regions: Mapping[str, float]

    @property
    def growth(self) -> float:
        """How much more of the patch's outline is of this cluster once the patch is there, -1..1."""
        return self.patch_attacked - self.patch_clean


def read_maps(victim: Victim, pictures: Tensor) -> Tensor:
    """The victim's maps of N×3×H×W pictures in 0..1 without gradients, N×C×h×w."""
    with torch.no_grad():
        return torch.cat([victim.maps(part) for part in torch.split(pictures, BATCH)])


def fit(victim: str, maps: Tensor, options: Options | None = None) -> Clusters:
    """Sort the places of clean pictures.

    Args:
        victim: its name.
        maps: N×C×h×w of clean pictures, with at least as many places as clusters.
        options: see there.

    Raises:
        ValueError: fewer places than clusters.
    """
    options = options or Options()
    places = maps.detach().movedim(1, -1).flatten(0, 2).double().cpu().numpy()
    if len(places) < options.clusters:
        raise ValueError(f"{len(places)} places do not make {options.clusters} clusters")
    count = min(options.components, *places.shape)
    offset, scale = places.mean(0), places.std(0)
    scale = np.where(scale > 1e-9, scale, 1)  # a channel that is always the same says nothing
    places = (places - offset) / scale
    pca = PCA(count, svd_solver="full", random_state=options.seed).fit(places)
    points = pca.transform(places)
    means = KMeans(options.clusters, n_init=4, random_state=options.seed).fit(points)
    sizes = np.bincount(means.labels_, minlength=options.clusters)
    centroids = means.cluster_centers_[np.argsort(-sizes, kind="stable")]
    distances = _distances(points, centroids)
    own = distances.argmin(1)
    squares = np.bincount(own, distances.min(1) ** 2, options.clusters)
    spread = np.sqrt(squares / np.maximum(np.bincount(own, minlength=options.clusters), 1))
    return Clusters(victim, offset, scale, pca, centroids, float(pca.explained_variance_ratio_.sum()), spread)


def table(
    clusters: Clusters,
    victim: Victim,
    clean: Tensor,
    attacked: Tensor,
    patch: Tensor,
    regions: Mapping[str, Tensor] | None = None,
) -> tuple[Row, ...]:
    """Every cluster before and after the attack, see :class:`Row`.

    Args:
        clusters: fitted on clean pictures, for instance of other people.
        victim: whose maps they are.
        clean: N×C×h×w maps.
        attacked: N×C×h×w maps of the same pictures with patches.
        patch: N×1×H×W or 1×1×H×W mask in 0..1.
        regions: by name N×1×H×W or 1×1×H×W masks in 0..1; they may overlap.
    """
    size = (clean.shape[2], clean.shape[3])
    labels = [clusters.assign(maps) for maps in (clean, attacked)]
    points = clusters.project(attacked)
    in_patch = _weights(patch, victim, size, len(clean))
    in_regions = {name: _weights(mask, victim, size, len(clean)) for name, mask in (regions or {}).items()}
    rows = []
    for number, centre in enumerate(clusters.centroids):
        before, after = (label == number for label in labels)
        moved = np.linalg.norm(points[after].mean(0) - centre) if after.any() else np.nan
        colour, rgb = PALETTE[number]
        rows.append(
            Row(
                cluster=number,
                colour=colour,
                rgb=rgb,
                clean=float(before.mean()),
                attacked=float(after.mean()),
                patch_clean=_share(in_patch, before),
                patch_attacked=_share(in_patch, after),
                shift=float(moved / max(clusters.spread[number], 1e-12)),
                regions={name: _share(before, inside) for name, inside in in_regions.items()},
            )
        )
    return tuple(rows)


def _weights(mask: Tensor, victim: Victim, size: tuple[int, int], count: int) -> FloatArray:
    return np.asarray(cells(mask, victim, size).expand(count, -1, -1).cpu().numpy(), np.float64)


def _share(weights: FloatArray, inside: FloatArray) -> float:
    """Weighted share that lies inside; nan where nothing weighs."""
    total = float(weights.sum())
    return float((weights * inside).sum()) / total if total > 0 else float("nan")


def _distances(points: FloatArray, centroids: FloatArray) -> FloatArray:
    """Euclidean, ...×P and K×P -> ...×K."""
    squares = (points**2).sum(-1, keepdims=True) - 2 * points @ centroids.T + (centroids**2).sum(-1)
    return np.asarray(np.sqrt(np.maximum(squares, 0)))
