"""Real recognisers on the synthetic example faces, and squares pasted into them by gradient."""

import functools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core import recognition
from core.faces.align import CANONICAL_SIZE, align_batch
from core.faces.find import find
from core.media import images
from core.settings import ROOT

FACES = ROOT / "demos" / "examples" / "faces"
LAYERS = {"mobilefacenet-ms1m": "conv_6_sep", "facenet-vggface2": "trunk"}
SIDE = 56  # of the square, canonical pixels: 6.25 % of the picture


class FaceVictim:
    """A recogniser with the maps of one of its layers."""

    height = width = CANONICAL_SIZE

    def __init__(self, name: str) -> None:
        self.name, self.model = name, recognition.load(name)
        self.layer = self.model.net.get_submodule(LAYERS[name])

    def embed(self, pixels: Tensor) -> Tensor:
        found: Tensor = self.model(pixels)
        return found

    def maps(self, pixels: Tensor) -> Tensor:
        seen: list[Tensor] = []
        hook = self.layer.register_forward_hook(lambda _, __, output: seen.append(output))
        try:
            self.model(pixels)
        finally:
            hook.remove()
        return torch.cat(seen)


@dataclass(frozen=True)
class Portraits:
    """N aligned pictures in 0..1, their people and views, and each person's frontal picture, N of them."""

    pictures: Tensor
    people: np.ndarray
    views: np.ndarray
    known: Tensor


@functools.cache
def portraits() -> Portraits:
    """All views of the ten example people but the frontal ones, which are what is known of them."""
    paths = sorted(FACES.glob("person-*.jpg"))
    loaded = [images.load(path).pixels for path in paths]
    aligned = align_batch([(pixels, find(pixels)[0]) for pixels in loaded])
    people, views = np.array([path.stem.split("_") for path in paths]).T
    frontal = {person: index for index, person in enumerate(people) if views[index] == "frontal"}
    rest = np.flatnonzero(views != "frontal")
    known = aligned[[frontal[person] for person in people[rest]]]
    return Portraits(aligned[rest], people[rest], views[rest], known)


def squares(count: int, seed: int = 0) -> Tensor:
    """N×1×224×224 masks of one square each, somewhere on the face."""
    rng = np.random.default_rng(seed)
    masks = torch.zeros(count, 1, CANONICAL_SIZE, CANONICAL_SIZE)
    for mask in masks:
        top, left = rng.integers(40, 184 - SIDE, 2)
        mask[0, top : top + SIDE, left : left + SIDE] = 1
    return masks
