"""From a clip or a row of photos to what the online loop reads: one person's embeddings, a few a second."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.clock import Clock
from core.errors import Code, UserError
from core.faces.find import find_batch
from core.faces.track import Place, Tracker, pick
from core.media import video
from core.media.slots import Slots
from core.personalize.types import Watched
from core.recognition import following
from core.types import Clip, FaceTrack, Frame, Notice, Pixels, Progress
from core.vision_language import ImageText

THUMBNAIL: Final = 48  # px
RATES: Final = (0.1, 120.0)
BATCHES: Final = (1, 64)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much of a clip is read.

    Attributes:
        rate: faces that are embedded, a second at most; every frame is decoded and followed all the same.
        batch: frames that are decoded and kept at once.

    Raises:
        UserError: ``OPTION_RANGE``.
    """

    rate: float = 5.0
    batch: int = 16

    def __post_init__(self) -> None:
        for name, (low, high) in {"rate": RATES, "batch": BATCHES}.items():
            if not low <= getattr(self, name) <= high:  # nan compares as false
                raise UserError(
                    Code.OPTION_RANGE,
                    f"The {name} at which clips are read is out of range.",
                    f"Choose from {low:g} to {high:g}.",
                )


@dataclass(slots=True)
class _Rows:
    """What is kept of one face while the clip runs: rows and small pictures, never a frame."""

    frames: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    embeddings: list[Tensor] = field(default_factory=list)
    thumbnails: list[NDArray[np.uint8]] = field(default_factory=list)

    def within(self, track: FaceTrack) -> NDArray[np.intp]:
        """Rows that belong to the finished track.

        An expected place after the last measured one does not: the face may have left.
        """
        return np.flatnonzero(np.isin(self.frames, track.frames))


def watch(
    path: Path, model: ImageText, pace: Pace = Pace(), cancelled: Callable[[], bool] = lambda: False
) -> Iterator[Progress | Watched]:
    """Read a clip once: follow the faces, embed those of the main person (``core.faces.track.pick``).

    Everybody's faces are embedded, for who the main person is comes out at the end; a main person whom no due
    frame shows gives way to the next.

    Args:
        path: a video file; ``core.media.video`` is its door and makes its limits hold.
        model: makes the embeddings.
        pace: how densely.
        cancelled: asked after each batch; what was read until then is the result.

    Yields:
        Progress, then the person.

    Raises:
        UserError: as ``core.media.video``; ``NO_FACE`` when nobody is seen in any frame that was due.
    """
    yield Progress(0.0, "Opening the clip")
    options, embed = following.identity()
    clock, slots, due, kept = Clock(), Slots(pace.rate), 0, defaultdict[int, _Rows](_Rows)
    with video.Reader(path, batch=pace.batch) as reader:
        tracker = Tracker(options, embed)
        for frames in reader:
            clock.tick("decode")
            places = tracker.update(frames)
            clock.tick("track")
            wanted = [pair for pair in zip(frames, places, strict=True) if slots.take(pair[0].time)]
            due += len(wanted)
            _embed(wanted, model, kept)
            clock.tick("encode")
            count = frames[-1].index + 1
            yield Progress(reader.share, f"Frame {count}", {"frames": float(count)})
            if cancelled():
                break
        tracks, notices = tracker.finish(), reader.notices
    person = pick([track for track in tracks if len(kept[track.number].within(track))])
    rows = kept[person.number]
    yield _watched(
        path.stem, rows, rows.within(person), due, len(tracks) - 1, dict(clock.seconds), reader.clip, notices
    )


def photos(
    pictures: Sequence[Pixels], model: ImageText, name: str = "photos", batch: int = 16
) -> Iterator[Progress | Watched]:
    """A row of photos of one person as a clip: the largest face of each; photos without one are absent.

    Args:
        pictures: H×W×3 uint8 RGB, upright.
        model: makes the embeddings.
        name: of the row.
        batch: photos whose faces are found and embedded at once.

    Yields:
        Progress, then the person; times are numbers of photos, ``others`` the most other faces in one photo.

    Raises:
        UserError: ``NO_FACE`` when no photo shows a face.
    """
    clock, rows, others = Clock(), _Rows(), 0
    yield Progress(0.0, "Looking for faces")
    for start in range(0, len(pictures), batch):
        part = pictures[start : start + batch]
        found = find_batch(part)
        clock.tick("track")
        crops = []
        for number, (pixels, faces) in enumerate(zip(part, found, strict=True), start):
            if faces:
                crops.append(model.cut(pixels, np.array([faces[0].box])))
                rows.frames.append(number)
                rows.times.append(float(number))
                others = max(others, len(faces) - 1)
        if crops:
            together = torch.cat(crops)
            rows.embeddings.extend(model.images(together))
            rows.thumbnails.extend(_small(together))
        clock.tick("encode")
        done = start + len(part)
        yield Progress(min(done / len(pictures), 0.99), f"Photo {done}", {"frames": float(done)})
    if not rows.frames:
        raise UserError(
            Code.NO_FACE,
            "No face was found in any of these photos.",
            "Choose photos in which a face looks towards the camera, upright and well lit.",
        )
    seconds = {"decode": 0.0, **clock.seconds}
    yield _watched(name, rows, np.arange(len(rows.frames)), len(pictures), others, seconds)


def _embed(wanted: Sequence[tuple[Frame, Sequence[Place]]], model: ImageText, kept: dict[int, _Rows]) -> None:
    """Cut and embed the faces of some frames together, each into the rows of its track.

    Faces in frames that the tracker left out are cut where they are expected.
    """
    crops, owners = [], []
    for frame, places in wanted:
        if places:
            crops.append(model.cut(frame.pixels, np.array([place.box for place in places])))
            owners += [(place.number, frame) for place in places]
    if not crops:
        return
    together = torch.cat(crops)
    for (number, frame), embedding, thumbnail in zip(
        owners, model.images(together), _small(together), strict=True
    ):
        rows = kept[number]
        rows.frames.append(frame.index)
        rows.times.append(frame.time)
        rows.embeddings.append(embedding)
        rows.thumbnails.append(thumbnail)


def _small(crops: Tensor) -> NDArray[np.uint8]:
    """N×3×size×size uint8 -> N×48×48×3 uint8."""
    small = torch.nn.functional.interpolate(
        crops.float(), (THUMBNAIL, THUMBNAIL), mode="bilinear", antialias=True
    )
    return np.asarray(small.round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy(), np.uint8)


def _watched(
    name: str, rows: _Rows, use: NDArray[np.intp], due: int, others: int, seconds: dict[str, float],
    clip: Clip | None = None, notices: tuple[Notice, ...] = (),
) -> Watched:  # fmt: skip
    """The chosen rows of one face, of ``due`` frames in all."""
    return Watched(
        name, clip, np.array(rows.times)[use], torch.stack([rows.embeddings[at] for at in use]).numpy(),
        np.stack([rows.thumbnails[at] for at in use]), due - len(use), others, notices, seconds,
    )  # fmt: skip
