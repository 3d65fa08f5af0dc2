"""What the screen shows of one frame, and the prototypes that a person borrows from others."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from core.types import Clip, FloatArray, Notice

Taken = Literal["positive", "negative"]
PARTS: Final = ("target", "source", "positive", "negative")
"""Of a fusion, in the order of :attr:`Step.weights`."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What one gate measured.

    Attributes:
        value: temporal: share of the window that has the current label; entropy: in the unit of the options;
            prototype: lead of the best class over the second, inf where one class alone has prototypes, nan
            where none has.
        threshold: what it is compared with.
        passed: whether the frame may enter the positive cache as far as this gate is concerned; True where
            it was not asked.
        asked: False where the options turn the gate off, or where there is no prototype to compare with.
    """

    value: float
    threshold: float
    passed: bool
    asked: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """A frame that entered a cache.

    Attributes:
        cache: which.
        label: class of the bucket.
        evicted: number of the frame that had to leave, or None.
    """

    cache: Taken
    label: int
    evicted: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One frame of a stream.

    Attributes:
        frame: its number in the person's session, from 0.
        before: K zero-shot probabilities.
        after: K probabilities after the fusion.
        logits: K logits after the fusion, whose mean over a clip decides.
        label: zero-shot class.
        answer: class after the fusion.
        judged: the class that the gates judged: ``label``, or ``answer`` where the options say so.
        entropy: of the judged prediction, in the unit of the options.
        temporal, confident, prototype: the three gates.
        ambiguous: entropy from tau+ up to below tau-.
        kept: where the frame went, or None.
        refused: a full bucket held only lower entropies: the frame passed the gates and yet stayed out.
        weights: signed weight of target, source, positive and negative part in the fusion; 0 for one that is
            absent, turned off or dropped.
        norms: lengths of the four parts before weighting: 1, or 0 where there is nothing. At logit level
            those of the votes.
        length: length of the weighted sum before it was made a unit vector; nan at logit level.
    """

    frame: int
    before: FloatArray
    after: FloatArray
    logits: FloatArray
    label: int
    answer: int
    judged: int
    entropy: float
    temporal: Gate
    confident: Gate
    prototype: Gate
    ambiguous: bool
    kept: Kept | None
    refused: bool
    weights: tuple[float, float, float, float]
    norms: tuple[float, float, float, float]
    length: float


@dataclass(frozen=True, slots=True, eq=False)
class Prototypes:
    """Labelled unit vectors of source subjects.

    Attributes:
        vectors: P×D float32 unit vectors.
        labels: P class numbers.
        owners: P names of the subjects they came from.
    """

    vectors: NDArray[np.float32]
    labels: NDArray[np.int64]
    owners: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or not len(self.vectors) == len(self.labels) == len(self.owners):
            raise ValueError("each prototype has one vector, one label and one owner")

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a clip shows.

    Attributes:
        label: arg-max of the mean logits.
        logits: K mean logits.
        frames: how many.
    """

    label: int
    logits: FloatArray
    frames: int


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """One person of one clip as a model sees them.

    Attributes:
        name: of the clip, for people.
        clip: what the file's header says; None for a row of photos.
        times: N seconds from the clip's first frame, increasing; 0, 1, ... for photos.
        embeddings: N×D float32 unit vectors.
        thumbnails: N×48×48×3 uint8 RGB, the faces.
        absent: frames that were due and did not show the person.
        others: how many other people were followed and left out.
        notices: what was skipped or changed while reading.
        seconds: wall time by part: decode, track, encode.
    """

    name: str
    clip: Clip | None
    times: FloatArray
    embeddings: NDArray[np.float32]
    thumbnails: NDArray[np.uint8]
    absent: int
    others: int
    notices: tuple[Notice, ...]
    seconds: dict[str, float]

    def __len__(self) -> int:
        return len(self.times)
