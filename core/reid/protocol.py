"""Who is looked for among whom: probes and a gallery, and how well an encoder ranks them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.datasets.sightings import Sighting, Split
from core.metrics.identification import Identification, identify
from core.reid import pedestrians
from core.types import Pixels

BATCH = 8  # pictures that an encoder takes together: maps of many more leave the caches of a processor core


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Pictures of people with what is known of them.

    Attributes:
        pixels: N×256×128×3 RGB.
        identities: N.
        cameras: N.
    """

    pixels: Pixels
    identities: NDArray[np.int64]
    cameras: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.identities)

    def tensor(self) -> Tensor:
        """N×3×256×128 in 0..1."""
        return as_input(self.pixels)


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """A retrieval experiment.

    Attributes:
        probes: who is looked for.
        gallery: among whom.
        across_cameras: the Market rule: pictures of a probe's own identity and camera are dropped for it.
            Without it they count, which only makes sense where each identity has a single camera.
    """

    probes: Pictures
    gallery: Pictures
    across_cameras: bool = True

    def rank(self, probes: Tensor, gallery: Tensor) -> Identification:
        """Figures from P×dim and G×dim unit embeddings of :attr:`probes` and :attr:`gallery`."""
        similarity = (probes @ gallery.T).double().numpy()
        cameras = (self.probes.cameras, self.gallery.cameras) if self.across_cameras else (None, None)
        return identify(similarity, self.probes.identities, self.gallery.identities, *cameras)


def drawn(seed: int, identities: int, cameras: int, shots: int = 1, first: int = 0) -> Search:
    """Procedural pedestrians: the first shot of every camera is a probe, all shots are the gallery.

    Args:
        seed: of the town; people and cameras of another town are others.
        identities: how many people.
        cameras: how many cameras see each of them, at least 2.
        shots: pictures of each person by each camera.
        first: number of the first identity.

    Raises:
        ValueError: fewer than two cameras leave no right answer.
    """
    if cameras < 2:
        raise ValueError("the Market rule needs at least two cameras")
    grid = np.indices((identities, cameras, shots)).reshape(3, -1).T + np.array([first, 0, 0])
    gallery = Pictures(pedestrians.batch(seed, grid), grid[:, 0], grid[:, 1])
    return Search(gallery if shots == 1 else _chosen(gallery, grid[:, 2] == 0), gallery)


def from_split(split: Split) -> Search:
    """Query and gallery of a published set."""
    return Search(pictures(split.query), pictures(split.gallery))


def one_camera(sightings: Sequence[Sighting]) -> Search:
    """Sets where every identity has one camera, like crops of single videos: the first picture of each
    identity looks for the others among all that are left.
    """
    every = pictures(sightings)
    _, firsts = np.unique(every.identities, return_index=True)
    probe = np.isin(np.arange(len(every)), firsts)
    return Search(_chosen(every, probe), _chosen(every, ~probe), across_cameras=False)


def pictures(sightings: Sequence[Sighting]) -> Pictures:
    """Decode, at 256×128."""
    size = (pedestrians.WIDTH, pedestrians.HEIGHT)
    pixels = [
        cv2.resize(seen.photo.pixels(), size, interpolation=cv2.INTER_AREA)
        if seen.photo.pixels().shape[1::-1] != size
        else seen.photo.pixels()
        for seen in sightings
    ]
    identities = np.array([seen.identity for seen in sightings])
    return Pictures(np.stack(pixels), identities, np.array([seen.camera for seen in sightings]))


def as_input(pixels: Pixels) -> Tensor:
    """N×H×W×3 bytes -> N×3×H×W in 0..1."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(255)  # a gallery takes gigabytes once


@torch.inference_mode()
def embed(encoder: Callable[[Tensor], Tensor], pixels: Pixels, batch: int = BATCH) -> Tensor:
    """N×H×W×3 -> N×dim with a callable like :class:`core.reid.base.PersonEncoder`."""
    parts = range(0, len(pixels), batch)
    return torch.cat([encoder(as_input(pixels[start : start + batch])) for start in parts])


def evaluate(search: Search, encoder: Callable[[Tensor], Tensor]) -> Identification:
    """How well an encoder ranks the gallery."""
    gallery = embed(encoder, search.gallery.pixels)
    same = search.probes is search.gallery
    return search.rank(gallery if same else embed(encoder, search.probes.pixels), gallery)


def _chosen(every: Pictures, rows: NDArray[np.bool_]) -> Pictures:
    return Pictures(every.pixels[rows], every.identities[rows], every.cameras[rows])
