"""What an encoder said about every frame of a video, kept on disk, and data sets that read it row by row.

Half precision as in the published code of arXiv 2603.12693: 3 million frames (about all of AffWild2) of 1,280
numbers take 7.7 GB, which stay on disk and are mapped, never loaded as a whole.
"""

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save
from torch import Tensor

from core.datasets.frame_labels import IGNORED, Annotation, Task
from core.errors import Code, UserError
from core.types import FloatArray, Mask

TYPES: Final = {"F16": np.float16, "F64": np.float64, "BOOL": np.bool_}
SUFFIX: Final = ".safetensors"
ABOUT: Final = "encoder.json"
MOST_OPEN: Final = 384  # mapped files at once, each of which holds a descriptor


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """One person in one video; rows of frames without a face are zero.

    Attributes:
        features: F×D, kept as float16.
        scores: F×C of the encoder's own classes before the softmax, kept as float16.
        times: F float64, seconds from the first frame.
        seen: F bool, the face was found (or bridged).
    """

    features: FloatArray
    scores: FloatArray
    times: FloatArray
    seen: Mask

    def __post_init__(self) -> None:
        count = len(self.times)
        if not len(self.features) == len(self.scores) == len(self.seen) == count or not count:
            raise ValueError("features, scores, times and seen have one row a frame, at least one")

    def __len__(self) -> int:
        return len(self.times)


class FeatureStore:
    """A folder of features by one encoder with one set of weights.

    Features of another encoder, or of the same one after its weights changed, live in another sub-folder, so
    that a head never trains on a mixture.
    """

    def __init__(self, folder: Path, encoder: str, weights_hash: str, classes: Sequence[str] = ()) -> None:
        """Open a folder; nothing is made before the first :meth:`save`.

        Args:
            folder: shared by all encoders.
            encoder: its registered name.
            weights_hash: SHA-256 of its weights, at least twelve digits.
            classes: names of the scores in their order, kept with the first :meth:`save`.
        """
        if not encoder or len(weights_hash) < 12 or _unsafe(f"{encoder}-{weights_hash}"):
            raise ValueError("an encoder has a name and a hash of its weights")
        self.encoder = encoder
        self.folder = folder / f"{encoder}-{weights_hash[:12]}"
        self._classes = tuple(classes)

    @classmethod
    def only(cls, folder: Path) -> "FeatureStore":
        """The one store in ``folder``.

        Raises:
            UserError: ``OPTION_RANGE``: there is none, or there are several to choose from.
        """
        found = sorted({file.parent for file in folder.glob(f"*/*{SUFFIX}")})
        if len(found) != 1:
            what = "no features" if not found else f"features of {len(found)} encoders"
            raise UserError(
                Code.OPTION_RANGE,
                f"The folder {folder.name} holds {what}.",
                "Give a folder of one encoder's.",
            )
        encoder, _, digits = found[0].name.rpartition("-")
        return cls(folder, encoder, digits)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the scores; empty for a folder that was written without them.

        Raises:
            UserError: ``FILE_UNREADABLE``: what the folder says of its encoder cannot be read.
        """
        file = self.folder / ABOUT
        if self._classes or not file.is_file():
            return self._classes
        try:
            return tuple(str(name) for name in json.loads(file.read_text(encoding="utf-8"))["classes"])
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise UserError(
                Code.FILE_UNREADABLE,
                f"The file {ABOUT} in {self.folder.name} is damaged.",
                "Restore it, or compute the features again.",
            ) from problem

    def path(self, name: str) -> Path:
        """Where the features of an annotation or video are kept; a name with folders is a ValueError."""
        if _unsafe(name):
            raise ValueError(f"not a name of a video: {name!r}")
        return self.folder / (name + SUFFIX)

    def __contains__(self, name: str) -> bool:
        return self.path(name).is_file()

    def names(self) -> tuple[str, ...]:
        """What is there, in alphabetical order."""
        return tuple(sorted(file.name.removesuffix(SUFFIX) for file in self.folder.glob(f"*{SUFFIX}")))

    def save(self, name: str, found: Features) -> None:
        """Write a file at once: another process sees the whole of it or nothing."""
        target = self.path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        data = save(
            {
                "features": np.ascontiguousarray(found.features, np.float16),
                "scores": np.ascontiguousarray(found.scores, np.float16),
                "times": np.ascontiguousarray(found.times, np.float64),
                "seen": np.ascontiguousarray(found.seen, np.bool_),
            }
        )
        if self._classes and not (self.folder / ABOUT).is_file():
            told = {"encoder": self.encoder, "classes": self._classes}
            _write(self.folder / ABOUT, json.dumps(told).encode())
        _write(target, data)
        _mapped.cache_clear()

    def load(self, name: str) -> Features:
        """Features whose arrays are mapped from the file and read only when used.

        Raises:
            UserError: ``FILE_UNREADABLE``: there is no such file, or it is cut short.
        """
        return _mapped(self.path(name))


def _write(target: Path, data: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@lru_cache(maxsize=MOST_OPEN)
def _mapped(path: Path) -> Features:
    try:
        return Features(**_arrays(path))
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise UserError(
            Code.FILE_UNREADABLE,
            f"The features of {path.name.removesuffix(SUFFIX)} are missing or damaged.",
            "Compute them again.",
        ) from problem


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Map every tensor of a safetensors file: a length, a JSON header, then the plain numbers."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size > 100_000:
            raise ValueError("not a file of features")
        header = json.loads(file.read(size))
    return {
        name: _mapped_array(path, about, 8 + size) for name, about in header.items() if name != "__metadata__"
    }


def _mapped_array(path: Path, about: Mapping[str, Any], begin: int) -> NDArray[Any]:
    kind, shape = TYPES[about["dtype"]], tuple(about["shape"])
    if 0 in shape:
        return np.zeros(shape, kind)  # nothing cannot be mapped
    return np.memmap(path, kind, "r", begin + about["data_offsets"][0], shape)


def _unsafe(name: str) -> bool:
    return not name or name.startswith(".") or any(letter in name for letter in "/\\\0")


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Some samples of a data set.

    Attributes:
        inputs: N×D float32 features, or N×T×D of clips.
        labels: N int64, N×2 float32 or N×12 int64 with ``IGNORED`` where there is none; N×T of clips.
    """

    inputs: Tensor
    labels: Tensor


class LabelledFrames:
    """Frames with both a face and a label, over all videos, read from the store when they are asked for."""

    def __init__(self, store: FeatureStore, annotations: Sequence[Annotation], scores: bool = False) -> None:
        """Pair features with labels.

        Args:
            store: holds every annotation's features.
            annotations: of one task; fitted to the length of the features.
            scores: give the encoder's class scores instead of its features.

        Raises:
            UserError: ``FILE_UNREADABLE`` for missing features, ``LABELS_INVALID`` where lengths differ too
                much or no frame is left.
        """
        self.store, self.scores = store, scores
        self.names = [one.name for one in annotations]
        self.annotations: list[Annotation] = []
        videos, frames = [], []
        for number, one in enumerate(annotations):
            found = store.load(one.name)
            fitted = one.fit(len(found))
            labelled = fitted.labelled if fitted.labelled.ndim == 1 else fitted.labelled.any(1)
            usable = np.flatnonzero(labelled & found.seen)
            self.annotations.append(fitted)
            videos.append(np.full(len(usable), number))
            frames.append(usable)
        if not sum(map(len, frames)):
            raise UserError(
                Code.LABELS_INVALID, "No frame has both a face and a label.", "Check that names agree."
            )
        self.videos, self.frames = np.concatenate(videos), np.concatenate(frames)

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def width(self) -> int:
        """Numbers a row of the inputs."""
        return int(self._inputs(0).shape[1])

    @property
    def labels(self) -> NDArray[Any]:
        """Labels of all rows, for counting."""
        return np.concatenate(
            [one.values[self.frames[self.videos == number]] for number, one in enumerate(self.annotations)]
        )

    def rows(self, numbers: NDArray[np.int64]) -> Rows:
        """The samples with these numbers, in their order; they may repeat."""
        videos, frames = self.videos[numbers], self.frames[numbers]
        inputs = np.empty((len(numbers), self.width), np.float32)
        labels = np.empty(
            (len(numbers), *self.annotations[0].values.shape[1:]), self.annotations[0].values.dtype
        )
        for video in np.unique(videos):
            here = np.flatnonzero(videos == video)
            inputs[here] = self._inputs(int(video))[frames[here]]
            labels[here] = self.annotations[video].values[frames[here]]
        return Rows(torch.from_numpy(inputs), torch.from_numpy(labels))

    def _inputs(self, video: int) -> FloatArray:
        found = self.store.load(self.names[video])
        return found.scores if self.scores else found.features


class LabelledClips:
    """Windows of consecutive frames of every video, for networks over time."""

    def __init__(self, store: FeatureStore, annotations: Sequence[Annotation], length: int, hop: int) -> None:
        """Cut videos into windows.

        Args:
            store: holds every annotation's features.
            annotations: of one task; fitted to the length of the features.
            length: frames a window, 16 to 32 in the paper.
            hop: frames between the starts of two windows.

        Raises:
            UserError: as of :class:`LabelledFrames`.
        """
        if length < 1 or hop < 1:
            raise UserError(Code.OPTION_RANGE, "A window is at least one frame long.", "Give whole numbers.")
        self.store, self.length = store, length
        self.names = [one.name for one in annotations]
        self.annotations = [one.fit(len(store.load(one.name))) for one in annotations]
        self.windows = np.array(
            [
                (number, start)
                for number, one in enumerate(self.annotations)
                for start in range(0, max(1, len(one) - length + hop), hop)
                if one.labelled[start : start + length].any()
            ],
            np.int64,
        ).reshape(-1, 2)
        if not len(self.windows):
            raise UserError(Code.LABELS_INVALID, "No frame has a label.", "Check that names agree.")

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def width(self) -> int:
        """Numbers a frame of the inputs."""
        return int(self.store.load(self.names[0]).features.shape[1])

    @property
    def labels(self) -> NDArray[Any]:
        """Labels of all frames of all videos, each once."""
        return np.concatenate([one.values for one in self.annotations])

    def rows(self, numbers: NDArray[np.int64]) -> Rows:
        """N×T×D windows; one that is longer than its video ends in copies of the last frame, unlabelled."""
        inputs = np.empty((len(numbers), self.length, self.width), np.float32)
        labels = np.full((len(numbers), self.length), IGNORED[Task.VIOLENCE], np.int64)
        for row, (video, start) in enumerate(self.windows[numbers]):
            features = self.store.load(self.names[video]).features[start : start + self.length]
            inputs[row, : len(features)] = features
            inputs[row, len(features) :] = features[-1]
            labels[row, : len(features)] = self.annotations[video].values[start : start + self.length]
        return Rows(torch.from_numpy(inputs), torch.from_numpy(labels))
