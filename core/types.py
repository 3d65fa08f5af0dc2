"""Frozen values that all systems share. Pixels are RGB uint8 H×W×3; boxes half-open pixels."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
FloatArray = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the person should know that is not an error.

    Attributes:
        code: stable identifier, for instance ``"metadata-gps"`` or ``"first-frame"``.
        message: one sentence for the screen.
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """A decoded picture without any metadata.

    Attributes:
        pixels: H×W×3 uint8 RGB, read-only.
        notices: what was changed or dropped while loading.
    """

    pixels: Pixels
    notices: tuple[Notice, ...] = ()

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype != np.uint8:
            raise ValueError("an Image holds H×W×3 uint8 RGB pixels")
        self.pixels.setflags(write=False)

    @property
    def height(self) -> int:
        """Rows, in pixels."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns, in pixels."""
        return int(self.pixels.shape[1])


@dataclass(frozen=True, slots=True)
class Pose:
    """Head pose in degrees.

    Attributes:
        yaw: positive when the person turns to the right side of the picture.
        pitch: positive when the person looks up.
        roll: positive when the head leans clockwise in the picture.
    """

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face in one picture.

    Attributes:
        box: ``(x0, y0, x1, y1)`` in pixels of the full picture, half-open.
        score: the detector's confidence in 0..1.
        five: 5×2 float32, pixels: eye at the picture's left, eye at its right, nose tip,
            mouth corner at the picture's left, mouth corner at its right (ArcFace order).
        landmarks: 478×2 float32 pixels (MediaPipe topology), or None when only detected.
        depth: 478 float32, pixels, smaller is nearer the camera; None with landmarks.
        pose: head pose, or None when only detected.
        advice: what may spoil results on this face (too small, blurred, profile, sunglasses ...).
    """

    box: tuple[float, float, float, float]
    score: float
    five: FloatArray
    landmarks: FloatArray | None = None
    depth: FloatArray | None = None
    pose: Pose | None = None
    advice: tuple[Notice, ...] = field(default=())

    @property
    def eye_distance(self) -> float:
        """Distance between the eye centres in pixels."""
        return float(np.linalg.norm(self.five[1] - self.five[0]))


@dataclass(frozen=True, slots=True)
class Clip:
    """What a video file's header says, measured against the limits before anything is decoded.

    Attributes:
        width: columns in pixels, after the rotation that the file asks for.
        height: rows in pixels, after it.
        duration: length in seconds; 0 when the header does not tell.
        fps: mean frame rate of the header, frames a second; 0 when it does not tell.
        frames: number of frames that the header claims; None when it does not tell.
        rotation: degrees by which frames are turned clockwise to stand upright: 0, 90, 180 or 270.
        has_audio: there is at least one audio stream.
        notices: what was dropped or could not be read (metadata, second streams ...).
    """

    width: int
    height: int
    duration: float
    fps: float
    frames: int | None
    rotation: int
    has_audio: bool
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded frame of a clip, upright.

    Attributes:
        index: its number among the frames that are read, from 0 and without gaps.
        time: seconds from the first frame of the clip.
        pixels: H×W×3 uint8 RGB.
    """

    index: int
    time: float
    pixels: Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """Sound of a clip as one mono track.

    Attributes:
        samples: N float32 in -1..1.
        rate: samples a second.
        start: seconds between the first video frame and the first sample; negative when sound begins first.
    """

    samples: FloatArray
    rate: int
    start: float


@dataclass(frozen=True, slots=True, eq=False)
class FaceTrack:
    """One person's face through a clip.

    Attributes:
        number: identifies the track within its clip, from 0 in order of appearance.
        frames: N int, increasing: indices of the frames in which it has a place.
        times: N float, seconds from the first frame.
        boxes: N×4 float32, ``(x0, y0, x1, y1)`` in pixels, half-open.
        five: N×5×2 float32, pixels, ArcFace order.
        scores: N float32: the detector's confidence in 0..1; nan where the place was bridged.
        measured: N bool: False where box and points were interpolated between two detections.
    """

    number: int
    frames: NDArray[np.int64]
    times: FloatArray
    boxes: FloatArray
    five: FloatArray
    scores: FloatArray
    measured: Mask


@dataclass(frozen=True, slots=True)
class Progress:
    """An event of a long job; generators yield these and return the result last.

    Attributes:
        done: work done so far, 0..1.
        message: one short sentence for the screen.
        data: figures for a live chart (best so far, evaluations ...), by name.
    """

    done: float
    message: str
    data: dict[str, float] = field(default_factory=dict)
