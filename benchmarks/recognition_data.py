"""Faces of the labelled sets and their embeddings, measured as the app does and cached beside the weights.

Detection and landmarks cost more than most recognisers, so each photo's five points are kept, and so are
the embeddings, under a key that changes with what the recogniser's card says of its input.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core import recognition
from core.datasets import folders, lfw
from core.datasets.folders import Photo
from core.faces import align, find_batch
from core.settings import settings
from core.types import Face, FloatArray, Pixels

BATCH = 32
SETS = ("lfw10", "johns", "orl", "utkface", "lfw")
NOTHING = np.full((5, 2), np.nan, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Set:
    """A labelled set whose faces were found.

    Attributes:
        name: for the tables and the cache.
        photos: those in which a face was found.
        five: N×5×2 points in each photo's pixels.
        missed: photos without a face.
    """

    name: str
    photos: tuple[Photo, ...]
    five: FloatArray
    missed: int

    @property
    def identities(self) -> NDArray[np.str_]:
        """N names."""
        return np.array([photo.identity for photo in self.photos])


def photos(name: str, data: Path) -> tuple[Photo, ...]:
    """The photos of a set: lfw (those of the official pairs), orl, lfw10, johns, utkface."""
    faces = data / "faces"
    if name == "lfw":
        wanted = {one for pair in lfw.pairs(faces / "lfw_pairs.txt") for one in (pair.first, pair.second)}
        everything = lfw.photos(faces / "lfw_expressions.parquet", "lfw")
        return tuple(photo for photo in everything if photo.name in wanted)
    if name == "orl":
        return lfw.photos(faces / "orl.parquet")
    if name == "utkface":
        return _utkface(data / "attributes" / "utkface_4000.parquet")
    return folders.people(faces / name)


def load(name: str, data: Path, limit: int | None = None) -> Set:
    """A set (its first ``limit`` photos) with its faces.

    Found faces are kept in the cache batch by batch, so that an interrupted run goes on.
    """
    everything = photos(name, data)[:limit]
    path = cache() / f"{name}-faces.npz"
    known: dict[str, FloatArray] = dict(np.load(path)) if path.exists() else {}
    missing = [photo for photo in everything if photo.name not in known]
    for start in range(0, len(missing), 10 * BATCH):
        for photo, five in _find(missing[start : start + 10 * BATCH]):
            known[photo.name] = five
        np.savez(path, **known)
        print(f"{name}: faces in {min(start + 10 * BATCH, len(missing))} of {len(missing)}", flush=True)
    kept = [photo for photo in everything if not np.isnan(known[photo.name]).any()]
    five = np.stack([known[photo.name] for photo in kept])
    return Set(name, tuple(kept), five, len(everything) - len(kept))


def embeddings(faces: Set, model: str, change: Callable[[Pixels], Pixels] | None = None) -> FloatArray:
    """N×dim unit embeddings of a set's faces.

    Args:
        faces: the set.
        model: a recogniser's name.
        change: done to each photo first (the key in the cache is its name).
    """
    card = replace(recognition.cards[model], title="")  # a new title changes no embedding
    digest = hashlib.sha256(f"{card}{[p.name for p in faces.photos]}{faces.five.tobytes()}".encode())
    way = change.__name__ if change else "as-is"
    path = cache() / f"{faces.name}-{way}-{model}-{digest.hexdigest()[:16]}.npy"
    if not path.exists():
        parts = [recognition.embed([model], batch)[model] for batch in aligned(faces, change)]
        np.save(path, torch.cat(parts).numpy())
        print(f"{faces.name} {way}: {model} embedded {len(faces.photos)}", flush=True)
    return np.asarray(np.load(path), np.float32)


def aligned(faces: Set, change: Callable[[Pixels], Pixels] | None = None) -> Iterator[torch.Tensor]:
    """The set's faces in the canonical frame, batch by batch."""
    for start in range(0, len(faces.photos), BATCH):
        pairs = []
        for photo, five in zip(faces.photos[start : start + BATCH], faces.five[start:], strict=False):
            pixels = photo.pixels()
            pairs.append((change(pixels) if change else pixels, Face((0, 0, 1, 1), 1.0, five)))
        yield align.align_batch(pairs)


def grey(pixels: Pixels) -> Pixels:
    """A photo without its colours (Rec. 601 luma)."""
    luma = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return np.repeat(luma.round().astype(np.uint8)[..., None], 3, axis=2)


def cache() -> Path:
    """The folder of this benchmark inside the app's cache."""
    folder = settings().cache_dir / "benchmarks" / "recognition"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _find(batch: Sequence[Photo]) -> Iterator[tuple[Photo, FloatArray]]:
    for start in range(0, len(batch), BATCH):
        part = batch[start : start + BATCH]
        pictures = [photo.pixels() for photo in part]
        for photo, pixels, found in zip(part, pictures, find_batch(pictures), strict=True):
            yield photo, _subject(found, pixels)


def _subject(found: Sequence[Face], pixels: Pixels) -> FloatArray:
    """Five points of the face a labelled photo is about: the sets are cut so that it holds the centre."""
    x, y = pixels.shape[1] / 2, pixels.shape[0] / 2
    central = [f for f in found if f.box[0] <= x < f.box[2] and f.box[1] <= y < f.box[3]]
    chosen = (central or list(found))[:1]
    return np.asarray(chosen[0].five, np.float32) if chosen else NOTHING


def _utkface(path: Path) -> tuple[Photo, ...]:
    """Colour faces without identities: every photo counts as another person (some are not)."""
    import pyarrow.parquet as parquet

    images = parquet.read_table(path, columns=["image"]).column("image").to_pylist()
    return tuple(Photo(f"utk{i:05d}", f"utk{i:05d}", image) for i, image in enumerate(images))
