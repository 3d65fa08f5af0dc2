"""From a clip to everything the networks say about the people in it: the one pass over the pixels."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from core.abaw import geometry, hearing, whole
from core.abaw.models import Models
from core.abaw.smooth import interpolate
from core.abaw.types import ClipScores
from core.clock import Clock
from core.expression.base import Encoding
from core.faces import landmarks
from core.faces.track import Place, Tracker, nobody, pick
from core.media import video
from core.types import Clip, Face, FaceTrack, FloatArray, Frame, Notice, Pixels, Progress

GEOMETRY_EVERY = 5  # frames: landmarks cost as much as all the rest, and units move slower than that
THUMBNAIL = 96  # px


@dataclass(frozen=True, slots=True)
class Settings:
    """How a clip is looked at.

    Attributes:
        batch: frames that are decoded and kept at once.
        geometry_every: action units of the second branch are measured every so many frames and
            interpolated between; 0 leaves the branch out.
    """

    batch: int = 16
    geometry_every: int = GEOMETRY_EVERY


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """What one pass over a clip found.

    Attributes:
        clip: what the file says of itself.
        frames: number of frames that were decoded.
        tracks: the people, the main one first.
        scores: by track number, everything the networks said.
        thumbnails: by track number, a small picture of the face, to choose by.
        notices: what was skipped or changed while reading.
        seconds: wall time by part: decode, track, encode, geometry, sound, pictures.
    """

    clip: Clip
    frames: int
    tracks: tuple[FaceTrack, ...]
    scores: dict[int, ClipScores]
    thumbnails: dict[int, Pixels]
    notices: tuple[Notice, ...]
    seconds: dict[str, float]


@dataclass(slots=True)
class Rows:
    """What is kept of one face while the clip runs: rows, never pixels."""

    frames: list[int] = field(default_factory=list)
    features: list[torch.Tensor] = field(default_factory=list)
    scores: list[torch.Tensor] = field(default_factory=list)
    unit_frames: list[int] = field(default_factory=list)
    units: list[FloatArray] = field(default_factory=list)
    thumbnail: Pixels | None = None


def analyse(
    path: Path, models: Models, settings: Settings = Settings(), cancelled: Callable[[], bool] = lambda: False
) -> Iterator[Progress | Analysis]:
    """Read a clip once: decode, find and follow faces, encode them, score them.

    Args:
        path: a video file; ``core.media.video`` is its door and makes its limits hold.
        models: encoder and heads.
        settings: see :class:`Settings`.
        cancelled: asked after each batch; what was read until then is the result.

    Yields:
        Progress, then the analysis.

    Raises:
        UserError: as ``core.media.video``; ``NO_FACE`` when nobody is seen in any frame.
    """
    yield Progress(0.0, "Opening the clip")
    clock, kept, times = Clock(), defaultdict[int, Rows](Rows), []
    pictures: list[torch.Tensor] = []
    with video.Reader(path, batch=settings.batch) as reader:
        tracker = Tracker(models.tracking, models.embed)
        for frames in reader:
            clock.tick("decode")
            places = tracker.update(frames)
            clock.tick("track")
            encode(frames, places, models, kept)
            clock.tick("encode")
            _measure(frames, places, models, settings, kept)
            clock.tick("geometry")
            if models.watching is not None:
                pictures.append(whole.features(frames, models.watching.backbone))
                clock.tick("pictures")
            times += [frame.time for frame in frames]
            yield Progress(reader.share, f"Frame {len(times)}", {"frames": float(len(times))})
            if cancelled():
                break
        tracks = by_presence([track for track in tracker.finish() if kept[track.number].frames])
        notices = reader.notices
    if not tracks:
        raise nobody()
    scores = {track.number: _scores(track, kept[track.number], np.asarray(times), models) for track in tracks}
    clock.tick("encode")
    scores = hearing.add(path, scores, models.ear)
    clock.tick("sound")
    if models.watching is not None:
        violence = models.watching.scores(pictures)
        scores = {number: replace(one, violence=violence) for number, one in scores.items()}
    thumbnails = {track.number: kept[track.number].thumbnail for track in tracks}
    yield Analysis(
        reader.clip, len(times), tracks, scores,
        {number: picture for number, picture in thumbnails.items() if picture is not None},
        notices, dict(clock.seconds),
    )  # fmt: skip


def by_presence(tracks: Sequence[FaceTrack]) -> tuple[FaceTrack, ...]:
    """The main person first (``core.faces.track.pick``), then the others by number."""
    if not tracks:
        return ()
    main = pick(tracks)
    return (main, *(track for track in tracks if track.number != main.number))


@torch.inference_mode()  # not around the whole pass: callers get its events, maybe each in another thread
def encode(
    frames: Sequence[Frame], places: Sequence[Sequence[Place]], models: Models, kept: dict[int, Rows]
) -> None:
    """Cut every face of a batch of frames and send them through the encoder together.

    Faces in frames that the tracker left out are cut where they are expected.
    """
    crops, owners = [], []
    for frame, row in zip(frames, places, strict=True):
        if row:
            crops.append(models.encoder.cut(frame.pixels, np.stack([place.box for place in row])))
            owners += [(place.number, frame.index) for place in row]
    if not crops:
        return
    together = torch.cat(crops)
    encoding = models.encoder(together)
    for at, (number, index) in enumerate(owners):
        rows = kept[number]
        rows.frames.append(index)
        rows.features.append(encoding.features[at].half())
        rows.scores.append(encoding.scores[at])
        if rows.thumbnail is None:
            rows.thumbnail = together[at].permute(1, 2, 0).numpy()


@torch.inference_mode()
def _measure(
    frames: Sequence[Frame], places: Sequence[Sequence[Place]], models: Models, settings: Settings,
    kept: dict[int, Rows],
) -> None:  # fmt: skip
    """Read the geometry of the faces of every so many frames."""
    if models.scale is None or not settings.geometry_every:
        return
    pairs, owners = [], []
    for frame, row in zip(frames, places, strict=True):
        if frame.index % settings.geometry_every == 0:
            for place in row:
                pairs.append((frame.pixels, Face(place.box, place.score, place.five)))
                owners.append((place.number, frame.index))
    meshes = landmarks.measure(pairs, passes=2)
    faces = [
        Face(face.box, face.score, face.five, mesh.points[:, :2])
        for (_, face), mesh in zip(pairs, meshes, strict=True)
    ]
    for (number, index), units in zip(owners, geometry.measure(faces, models.scale), strict=True):
        kept[number].unit_frames.append(index)
        kept[number].units.append(units)


def _scores(track: FaceTrack, rows: Rows, times: FloatArray, models: Models) -> ClipScores:
    """The heads on one person's features, spread over all frames of the clip."""
    count = len(times)
    # an expected place after the last measured one belongs to no track: the face may have left
    use = np.flatnonzero(np.isin(rows.frames, track.frames))
    at = np.asarray(rows.frames)[use]
    encoding = Encoding(
        torch.stack([rows.features[n] for n in use]).float(), torch.stack([rows.scores[n] for n in use])
    )
    seen = np.zeros(count, bool)
    seen[at] = True
    boxes = np.full((count, 4), np.nan, np.float32)
    boxes[track.frames] = track.boxes

    def spread(values: FloatArray) -> FloatArray:
        full = np.zeros((count, values.shape[1]))
        full[at] = values
        return full

    second = None
    if rows.units:
        known = np.zeros(count, bool)
        known[rows.unit_frames] = True
        sparse = np.zeros((count, rows.units[0].shape[0]))
        sparse[rows.unit_frames] = np.stack(rows.units)
        second = np.where(seen[:, None], interpolate(sparse, known), 0.0)
    return ClipScores(
        times, seen, boxes,
        **{name: spread(values) for name, values in models.rows(encoding).items()},
        units_second=second, encoder=models.encoder.card.name, stand_ins=dict(models.stand_ins),
    )  # fmt: skip
