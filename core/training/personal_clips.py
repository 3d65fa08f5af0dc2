"""Clips of people as embeddings, kept on disk as soon as each is read."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors

from core.datasets.folders import Photo
from core.datasets.person_clips import PersonClip
from core.errors import UserError
from core.personalize.evaluate import Clip
from core.personalize.types import Watched
from core.personalize.watch import Pace, photos, watch
from core.types import Pixels, Progress
from core.vision_language import ImageText

Embeddings = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Collected:
    """What was read.

    Attributes:
        clips: in the order asked for, each with at least one frame.
        left_out: subject, name and the reason of each clip that could not be used.
        known: how many were kept from an earlier call.
    """

    clips: tuple[Clip, ...]
    left_out: tuple[tuple[str, str, str], ...]
    known: int


class Store:
    """Embeddings of finished clips, by what their files hold: no name is kept, and renamed ones are found.

    Args:
        folder: shared by all models and rates, each of which gets a sub-folder.
        model: with the weights that it has now.
        rate: faces a second.
    """

    def __init__(self, folder: Path, model: ImageText, rate: float) -> None:
        self.folder = folder / f"{model.card.identity} {rate:g}".replace(" ", "-")
        self._dim = model.card.dim

    def load(self, files: Sequence[Path]) -> Embeddings | None:
        """N×D of a clip; None for one that was not read yet, or whose file is damaged."""
        path = self._path(files)
        try:
            rows = read_tensors(path.read_bytes())["embeddings"] if path.is_file() else None
        except (SafetensorError, KeyError):
            return None
        fits = rows is not None and rows.dtype == np.float32 and rows.ndim == 2 and rows.shape[1] == self._dim
        return rows if fits else None

    def save(self, files: Sequence[Path], embeddings: Embeddings) -> None:
        """Keep a clip; another process sees the whole of it or nothing."""
        path = self._path(files)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(write_tensors({"embeddings": np.ascontiguousarray(embeddings)}))
        part.replace(path)

    def _path(self, files: Sequence[Path]) -> Path:
        whole = hashlib.sha256()
        for file in files:
            with file.open("rb") as stream:
                whole.update(hashlib.file_digest(stream, "sha256").digest())
        return self.folder / f"{whole.hexdigest()[:32]}.safetensors"


def collect(
    clips: Sequence[PersonClip], model: ImageText, pace: Pace, store: Store | None = None
) -> Iterator[Progress | Collected]:
    """Watch every clip; one that cannot be read, or that shows no face, is left out.

    Args:
        clips: labelled, not opened yet.
        model: makes the embeddings.
        pace: of videos; pictures are all read.
        store: of what is finished, or None to keep nothing.

    Yields:
        Progress, then what was read.

    Raises:
        UserError: ``weights-…``: weights that cannot be had.
    """
    found: list[Clip] = []
    left_out: list[tuple[str, str, str]] = []
    known = 0
    for number, clip in enumerate(clips):
        rows = store.load(clip.files) if store is not None else None
        known += rows is not None
        try:
            for event in _read(clip, model, pace) if rows is None else ():
                if isinstance(event, Progress):
                    yield Progress((number + event.done) / len(clips), f"{clip.subject}/{clip.name}")
                else:
                    rows = event.embeddings
                    if store is not None:
                        store.save(clip.files, rows)
        except UserError as problem:
            if problem.code.startswith("weights"):
                raise
            left_out.append((clip.subject, clip.name, problem.message))
            continue
        assert rows is not None  # the last event of reading is the person
        found.append(Clip(clip.subject, clip.name, rows, clip.label))
        yield Progress((number + 1) / len(clips), f"{clip.subject}/{clip.name}")
    yield Collected(tuple(found), tuple(left_out), known)


def _read(clip: PersonClip, model: ImageText, pace: Pace) -> Iterator[Progress | Watched]:
    if clip.video is not None:
        return watch(clip.video, model, pace)
    return photos(Pictures(clip.files), model, clip.name, pace.batch)


class Pictures(Sequence[Pixels]):
    """Pictures of a data set, decoded each time that they are asked for."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    @overload
    def __getitem__(self, at: int) -> Pixels: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Pixels]: ...
    def __getitem__(self, at: int | slice) -> Any:
        """One picture, or a list of some."""
        if isinstance(at, slice):
            return [_decoded(file) for file in self._files[at]]
        return _decoded(self._files[at])


def _decoded(file: Path) -> Pixels:
    return Photo(file.parent.name, file.name, file).pixels()
