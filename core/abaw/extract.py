"""What an encoder says about every frame of a data set's videos, or of pictures that were cropped before.

Frames are read in batches and let go; what grows with a video are its rows of features.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from core.abaw import whole
from core.abaw.analyse import Rows, encode
from core.abaw.features import Features, FeatureStore
from core.abaw.models import Models
from core.datasets.affwild2 import Crops, side
from core.datasets.folders import Photo
from core.expression.base import Encoder
from core.faces.track import Tracker, TrackOptions, pick
from core.media import video
from core.types import FaceTrack, FloatArray, Notice, Progress

RATE = 30.0  # frames a second that cropped pictures are said to have; no figure depends on it
PICTURES = 64  # cropped pictures at a time
TELLING = ("damaged", "cut-off")  # after which rows and labels may no longer belong together


@dataclass(frozen=True, slots=True, eq=False)
class Extracted:
    """Features of one video.

    Attributes:
        people: by name of the annotation.
        notices: what a person should know before training on them.
    """

    people: dict[str, Features]
    notices: tuple[Notice, ...] = ()


def store(folder: Path, encoder: Encoder) -> FeatureStore:
    """The store of an encoder with the weights that it has, which also knows its classes."""
    return FeatureStore(folder, encoder.card.name, encoder.fingerprint, encoder.card.classes)


def from_video(path: Path, names: Sequence[str], models: Models) -> Iterator[Progress | Extracted]:
    """Follow and encode the faces of one video.

    Args:
        path: a video file; ``core.media.video`` is its door and makes its limits hold.
        names: the annotations of this video, see :func:`assign`; rows of a person who is nowhere are unseen.
        models: encoder and what the tracker needs; no head is asked.

    Yields:
        Progress, then the features.

    Raises:
        UserError: as ``core.media.video``.
    """
    kept: dict[int, Rows] = defaultdict(Rows)
    times: list[float] = []
    with video.Reader(path) as reader:
        # Training wants every frame measured, the tab's pace does not.
        tracker = Tracker(replace(models.tracking or TrackOptions(), every=1), models.embed)
        for frames in reader:
            encode(frames, tracker.update(frames), models, kept)
            times += [frame.time for frame in frames]
            yield Progress(reader.share, f"Frame {len(times)}")
        tracks = [track for track in tracker.finish() if kept[track.number].frames]
        notices = [notice for notice in reader.notices if notice.code in TELLING]
    people = {}
    for name, track in assign(names, tracks, reader.clip.width).items():
        rows = Rows() if track is None else kept[track.number]
        people[name] = _spread(rows.frames, rows.features, rows.scores, np.asarray(times), models.encoder)
        if track is None:
            notices.append(Notice("nobody", f"Nobody is seen in {name}: all its frames are without a face."))
    yield Extracted(people, tuple(notices))


def assign(names: Sequence[str], tracks: Sequence[FaceTrack], width: int) -> dict[str, FaceTrack | None]:
    """Which person an annotation means.

    A lone name is the main person. Of two names the sides are those of the two people who take the most
    room; a name without a side beside one with a side is the other one (our choice). A single person where
    two are annotated stands on the side of the picture where the face is.

    Args:
        names: annotations of one video.
        tracks: of that video.
        width: of the picture, pixels.
    """
    if not tracks:
        return dict.fromkeys(names)
    sides = {name: side(name) for name in names}
    if set(sides.values()) == {None}:
        return dict.fromkeys(names, pick(tracks))
    largest = sorted(tracks, key=lambda one: float((one.boxes[:, 3] - one.boxes[:, 1]).sum()))[-2:]
    placed = sorted(largest, key=_centre)
    if len(placed) == 2:
        left, right = placed
        two: dict[str, FaceTrack | None] = {"left": left, "right": right}
    else:
        two = {"left": None, "right": None}
        two["left" if _centre(placed[0]) < width / 2 else "right"] = placed[0]
    other = "right" if "left" in sides.values() else "left"
    return {name: two[at or other] for name, at in sides.items()}


def _centre(track: FaceTrack) -> float:
    return float((track.boxes[:, 0] + track.boxes[:, 2]).mean() / 2)


@torch.inference_mode()
def from_crops(crops: Crops, name: str, encoder: Encoder, length: int | None = None) -> Extracted:
    """Encode cropped pictures, each of which is taken for the encoder's crop as a whole (our choice).

    Args:
        crops: pictures of one person.
        name: of the annotation.
        encoder: whose features.
        length: frames of the video, where it is known; else the last picture is that of the last frame.

    Raises:
        UserError: ``FILE_UNREADABLE``: a picture that cannot be decoded.
    """
    count = max(length or 0, int(crops.frames[-1]) + 1)
    features: list[Tensor] = []
    scores: list[Tensor] = []
    for start in range(0, len(crops.files), PICTURES):
        files = crops.files[start : start + PICTURES]
        found = encoder(torch.stack([_picture(file, encoder.card.size) for file in files]))
        features += found.features.half()
        scores += found.scores
    times = np.arange(count) / RATE
    return Extracted({name: _spread(crops.frames.tolist(), features, scores, times, encoder)})


@torch.inference_mode()
def from_frames(path: Path, name: str, backbone: nn.Module) -> Iterator[Progress | Extracted]:
    """Encode the whole pictures of one video, as violence is seen in them and not in faces.

    See :mod:`core.abaw.whole`.

    Args:
        path: a video file; ``core.media.video`` is its door and makes its limits hold.
        name: of the annotation.
        backbone: ``core.vision_language.vit.Backbone``.

    Yields:
        Progress, then the features; every frame counts as seen, and there are no class scores.

    Raises:
        UserError: as ``core.media.video``.
    """
    rows: list[Tensor] = []
    times: list[float] = []
    with video.Reader(path) as reader:
        for frames in reader:
            rows.append(whole.features(frames, backbone))
            times += [frame.time for frame in frames]
            yield Progress(reader.share, f"Frame {len(times)}")
        notices = tuple(notice for notice in reader.notices if notice.code in TELLING)
    features = torch.cat(rows).numpy()
    none = np.zeros((len(features), 0), np.float16)
    found = Features(features, none, np.asarray(times), np.ones(len(features), bool))
    yield Extracted({name: found}, notices)


def _picture(file: Path, size: int) -> Tensor:
    """3×size×size uint8 RGB of one picture."""
    pixels = Photo(file.parent.name, f"{file.parent.name}/{file.name}", file).pixels()
    smaller = min(pixels.shape[:2]) > size
    resized = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    return torch.from_numpy(np.asarray(resized, np.uint8)).permute(2, 0, 1)


def _spread(
    frames: Sequence[int], features: Sequence[Tensor], scores: Sequence[Tensor], times: FloatArray,
    encoder: Encoder,
) -> Features:  # fmt: skip
    """Rows of the seen frames, zeros between them."""
    at = np.asarray(frames, np.int64)
    seen = np.zeros(len(times), bool)
    seen[at] = True
    wide = np.zeros((len(times), encoder.card.dim), np.float16)
    own = np.zeros((len(times), len(encoder.card.classes)), np.float16)
    if len(at):
        wide[at], own[at] = torch.stack(list(features)).numpy(), torch.stack(list(scores)).numpy()
    return Features(wide, own, times, seen)
