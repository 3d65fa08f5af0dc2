"""How faces are followed through a clip, and what is known of a face in one frame of it."""

from dataclasses import dataclass

import numpy as np

from core.errors import Code, UserError
from core.types import FloatArray


@dataclass(frozen=True, slots=True)
class TrackOptions:
    """How faces are followed.

    Attributes:
        every: look at every n-th frame only, 1 to 5, while all faces move slowly. Boxes overlap with those of
            a search of each whole picture by a mean IoU of .965, .964 and .965 for 1, 2 and 3 (2,669 frames
            of 18 clips).
        smooth: weight of a measurement where a face is still, 0.1 to 1; 1 turns smoothing off.
        search: seconds between two searches of the whole picture, 0 to 10; 0 searches in every frame.
        bridge: longest gap that is filled by interpolation, seconds, 0 to 10.
        return_after: longest absence after which a face that looks the same is the same track, seconds.
        check: seconds between two checks of a face's identity by its embedding.
        same: least cosine of two embeddings of one person, -1..1; right for the embedding that is used.
        different: cosine below which an embedding speaks against an unbroken motion, -1..1.
        least: tracks that span fewer seconds are dropped, where the clip is longer.

    Raises:
        UserError: ``OPTION_RANGE``.
    """

    every: int = 2
    smooth: float = 0.5
    search: float = 0.5
    bridge: float = 1.0
    return_after: float = 30.0
    check: float = 1.0
    same: float = 0.35
    different: float = 0.2
    least: float = 0.25

    def __post_init__(self) -> None:
        limits: dict[str, tuple[float, float]] = {
            "every": (1, 5),
            "smooth": (0.1, 1),
            "search": (0, 10),
            "bridge": (0, 10),
            "return_after": (0, 3600),
            "check": (0, 60),
            "same": (-1, 1),
            "different": (-1, self.same),
            "least": (0, 10),
        }
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise UserError(
                    Code.OPTION_RANGE,
                    f"The tracking option {name} is out of range.",
                    f"Choose it from {low} to {high}.",
                )


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A face in one frame, as it is known when the frame is read.

    Attributes:
        number: of its track; a track that turns out too short is missing from the finished ones.
        box: ``(x0, y0, x1, y1)`` in pixels, half-open.
        five: 5×2 float32, pixels, ArcFace order.
        score: the detector's confidence in 0..1; nan where the place was predicted from the motion.
    """

    number: int
    box: tuple[float, float, float, float]
    five: FloatArray
    score: float

    @property
    def measured(self) -> bool:
        """Whether the detector saw it in this frame."""
        return not np.isnan(self.score)
