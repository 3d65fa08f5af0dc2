"""Faces followed through a clip, batch by batch: who is where in each frame, while its pixels are at hand.

``Tracker.update`` answers at once with the places in each frame, so that crops can be cut before the frames
are let go; ``Tracker.finish`` gives the whole tracks afterwards, with short gaps filled by interpolation. A
filled place is for drawing only: nothing was measured there and no crop exists, so scores of such frames are
to be interpolated like those of any frame without a face.

Known faces are sought in a small window around the place where they are expected, the whole picture only now
and then, after a cut, or when a face is missed. Place and motion say which face is whose (Bewley et al.,
"Simple online and realtime tracking", arXiv 1602.00763, with optimal assignment); an embedding, taken only
where these leave doubt, tells people who swap, return or are cut to. The combination and its limits are our
choice.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from core.errors import Code, UserError
from core.faces._look import Scene, Window, close_together, view
from core.faces._match import affinity, assign, overlaps
from core.faces._trail import Trail, as_place
from core.faces.detect import detect, detect_inside
from core.faces.track_options import Place, TrackOptions
from core.types import Face, FaceTrack, FloatArray, Frame, Pixels

__all__ = ["Embed", "Place", "TrackOptions", "Tracker", "nobody", "pick"]

Embed = Callable[[Pixels, Sequence[Face]], FloatArray]

CROWD = 4  # so many windows cost as much as the whole picture
SAME_PLACE = 0.4  # IoU above which a window and the whole picture show one face
LOST = 0.2  # seconds without a measurement after which a face is no longer expected
RECHECK = 0.1  # seconds to the second check that a single doubt asks for, and of a new face
YOUNG = 0.25  # seconds during which a face is new: it may have come from behind another one
IDENTITY = 6.0  # weight of a cosine beside the fit of place and motion, 0..2
CALM = 0.5  # sizes a second below which every n-th frame may be left out


class Tracker:
    """Follows the faces of one clip; not for use by two threads at once.

    Args:
        options: see :class:`TrackOptions`.
        embed: pixels and N faces (box, score and five points) -> N×D embeddings of unit length. Without one,
            a cut ends every track, and a face is taken up again only near the place where it was lost, within
            ``options.bridge``.
    """

    def __init__(self, options: TrackOptions | None = None, embed: Embed | None = None) -> None:
        self.options = options or TrackOptions()
        self._embed = embed
        self._scene = Scene()
        self._trails: list[Trail] = []
        self._live: list[Trail] = []
        self._times: list[float] = []
        self._cuts: list[int] = []
        self._searched = -np.inf

    def update(self, frames: Sequence[Frame]) -> tuple[tuple[Place, ...], ...]:
        """Follow the faces through the next frames.

        Args:
            frames: in order; the clip's first frame comes first, and none is left out. How they are divided
                into batches changes nothing.

        Returns:
            For each frame the places of the faces in it, by track number.

        Raises:
            ValueError: frames out of order.
        """
        return tuple(self._step(frame) for frame in frames)

    def finish(self) -> tuple[FaceTrack, ...]:
        """The tracks so far, in order of appearance, short ones dropped, gaps filled."""
        if not self._times:
            return ()
        least = min(self.options.least, self._times[-1] - self._times[0])
        found = [trail.track(self._times, self.options.bridge, self._cuts) for trail in self._trails]
        return tuple(track for track in found if track.times[-1] - track.times[0] >= least)

    def _step(self, frame: Frame) -> tuple[Place, ...]:
        if frame.index != len(self._times):
            raise ValueError(f"frame {len(self._times)} is missing, got {frame.index}")
        self._times.append(frame.time)
        if cut := self._scene.changed(frame.pixels):
            self._cuts.append(frame.index)
            self._live = []
        self._live = [trail for trail in self._live if frame.time - trail.seen <= LOST]
        if self._may_skip(frame):
            return tuple(
                _place(trail.number, trail.coast(frame.index, frame.time), np.nan) for trail in self._live
            )
        faces = self._look(frame, cut)
        placed = self._assigned(frame, faces)
        return tuple(sorted(placed, key=lambda place: place.number))

    def _may_skip(self, frame: Frame) -> bool:
        if not self._live or frame.index % self.options.every == 0 or frame.index < self.options.every:
            return False
        expected = [trail.expected(frame.time)[:4] for trail in self._live]
        last = self._times[-1 - self.options.every]
        return not close_together(expected) and all(
            trail.speed < CALM and trail.doubts == 0 and trail.seen >= last and trail.alike(frame.pixels, box)
            for trail, box in zip(self._live, expected, strict=True)
        )

    def _look(self, frame: Frame, cut: bool) -> list[Face]:
        """The faces of a frame; boxes in the manner of a search of the whole picture."""
        near = self._near(frame) if self._pays(frame) else {}
        due = frame.time - self._searched >= self.options.search
        known = _distinct([_corrected(trail, face) for trail, face in near.items()])
        if known and len(known) == len(self._live) and not due and not cut:
            return known
        self._searched = frame.time
        whole = list(detect(frame.pixels, thorough=False))
        for trail, face in near.items():
            same = [other for other in whole if _iou(face, other) > SAME_PLACE]
            if same:
                trail.learn(face, max(same, key=lambda other: _iou(face, other)))
        return _distinct([_corrected(trail, face) for trail, face in near.items()] + whole)

    def _pays(self, frame: Frame) -> bool:
        """Whether windows cost less than the whole picture."""
        boxes = [trail.box for trail in self._live]
        windows = [Window.around(box, frame.pixels.shape) for box in boxes]
        return len(windows) < CROWD and all(window.saves(frame.pixels.shape) for window in windows)

    def _near(self, frame: Frame) -> dict[Trail, Face]:
        """What the windows around the expected places show; the windows are set anew where they must be."""
        found = {}
        for trail in self._live:
            box = trail.expected(frame.time)[:4]
            old = trail.window
            face = None if old is None else _seen(frame.pixels, old, box)
            if old is None or not old.fits(box):
                before, trail.window = face, Window.around(box, frame.pixels.shape)
                face = _seen(frame.pixels, trail.window, box)
                if face and before:
                    trail.carry(face, before)
            if face:
                found[trail] = face
        return found

    def _assigned(self, frame: Frame, faces: list[Face]) -> list[Place]:
        if not faces:
            return []
        boxes = np.array([face.box for face in faces])
        expected = np.array([trail.expected(frame.time)[:4] for trail in self._live]).reshape(-1, 4)
        score = affinity(expected, boxes)
        known: FloatArray | None = None
        if self._embed and self._live and close_together([*expected, *boxes[(score > 0).sum(0) == 0]]):
            known = self._embed(frame.pixels, faces)
            like = np.array([[trail.likeness(one) for one in known] for trail in self._live])
            either = (score > 0) | (like >= self.options.same)
            score = np.where(either, np.maximum(score + IDENTITY * np.nan_to_num(like), 1e-3), 0)
        owners = {column: self._live[row] for row, column in assign(score)}
        if known is None:
            owners = {at: trail for at, trail in owners.items() if self._still(trail, frame, faces[at])}
        for column, face in enumerate(faces):
            if column not in owners:
                own = None if known is None else known[column]
                owners[column] = self._arrived(frame, face, own, list(owners.values()))
            elif known is not None:
                owners[column].checked = -np.inf  # hidden faces mislead embeddings: check when they part
        return [self._placed(owners[column], frame, face) for column, face in enumerate(faces)]

    def _placed(self, trail: Trail, frame: Frame, face: Face) -> Place:
        place, fresh = as_place(face), frame.time - trail.seen > LOST
        if fresh:
            trail.window = Window.around(place[:4], frame.pixels.shape)
            if trail.window.saves(frame.pixels.shape):
                near = _seen(frame.pixels, trail.window, place[:4])
                if near:
                    trail.learn(near, face)
        else:
            place = trail.steadied(place, self.options.smooth)
        trail.add(frame.index, frame.time, place, face.score, fresh)
        trail.view = view(frame.pixels, place[:4])
        return _place(trail.number, place, face.score)

    def _still(self, trail: Trail, frame: Frame, face: Face) -> bool:
        """Whether the face at a trail's place is still the same person."""
        if self._embed is None:
            return True
        jump = not trail.alike(frame.pixels, np.array(face.box))
        young = frame.time - trail.times[0] < YOUNG
        wait = RECHECK if trail.doubts or young else self.options.check
        if not jump and frame.time - trail.checked < wait:
            return True
        one = self._embed(frame.pixels, [face])[0]
        like = trail.likeness(one)
        if young and self._returned(frame, face, one, self._gone(trail)):
            self._live.remove(trail)  # it appeared half hidden, now it is known
            return False
        if like >= self.options.same:
            trail.remember(one, frame.time)
        elif like < self.options.different:
            trail.doubts += 1
            trail.checked = frame.time
            if jump or trail.doubts > 1:
                self._live.remove(trail)
                return False
        else:
            trail.checked = frame.time
        return True

    def _arrived(self, frame: Frame, face: Face, known: FloatArray | None, taken: list[Trail]) -> Trail:
        """The trail of a face that none of the expected ones is: one that was lost, or a new one."""
        if self._embed is not None and known is None:
            known = self._embed(frame.pixels, [face])[0]
        trail = self._returned(frame, face, known, [one for one in self._trails if one not in taken])
        if trail is None:
            trail = Trail(len(self._trails))
            self._trails.append(trail)
        if trail not in self._live:
            self._live.append(trail)
        if known is not None:
            trail.remember(known, frame.time)
        return trail

    def _gone(self, trail: Trail) -> list[Trail]:
        """Trails that ended before this one began."""
        return [one for one in self._trails if one.seen < trail.times[0]]

    def _returned(
        self, frame: Frame, face: Face, known: FloatArray | None, lost: list[Trail]
    ) -> Trail | None:
        best: tuple[float, Trail] | None = None
        for trail in lost:
            away = frame.time - trail.seen
            unbroken = away <= self.options.bridge and not any(at > trail.frames[-1] for at in self._cuts)
            fits = unbroken and affinity(trail.expected(frame.time)[None, :4], np.array([face.box]))[0, 0] > 0
            if known is None:
                like, least = float(fits), 1.0
            else:
                like = trail.likeness(known)
                least = self.options.different if fits and not trail.doubts else self.options.same
            if away <= max(self.options.return_after, self.options.bridge) and like >= least:
                best = max(best or (like, trail), (like, trail), key=lambda pair: pair[0])
        return best[1] if best else None


def nobody() -> UserError:
    """The error for a clip without a face that could be followed."""
    return UserError(
        Code.NO_FACE,
        "No face was found in this clip.",
        "Choose a clip in which a face of 40 pixels or more looks towards the camera for at least a second.",
    )


def pick(tracks: Sequence[FaceTrack], number: int | None = None) -> FaceTrack:
    """The person that is meant.

    Args:
        tracks: as :meth:`Tracker.finish` gives them.
        number: of the wanted track; None takes the main person: the most frames times the mean height.

    Raises:
        UserError: ``NO_FACE`` without tracks, ``OPTION_RANGE`` for a number that is not there.
    """
    if not tracks:
        raise nobody()
    if number is None:
        return max(tracks, key=lambda one: float((one.boxes[:, 3] - one.boxes[:, 1]).sum()))
    for one in tracks:
        if one.number == number:
            return one
    known = ", ".join(str(one.number) for one in tracks)
    raise UserError(
        Code.OPTION_RANGE, f"Person {number} is not in this clip.", f"It shows these numbers: {known}."
    )


def _seen(pixels: Pixels, window: Window, box: FloatArray) -> Face | None:
    """The face in a window that fits a box best."""
    faces = detect_inside(pixels, window.corners, window.side)
    if not faces:
        return None
    fits = affinity(box[None], np.array([face.box for face in faces]))[0]
    return faces[int(fits.argmax())] if fits.max() > 0 else None


def _corrected(trail: Trail, face: Face) -> Face:
    place = trail.corrected(face)
    x0, y0, x1, y1 = place[:4].tolist()
    return replace(face, box=(x0, y0, x1, y1), five=place[4:].reshape(5, 2).astype(np.float32))


def _iou(one: Face, other: Face) -> float:
    return float(overlaps(np.array([one.box]), np.array([other.box]))[0, 0])


def _distinct(faces: list[Face]) -> list[Face]:
    """The faces without those that an earlier one covers."""
    kept: list[Face] = []
    for face in faces:
        if all(_iou(face, other) < SAME_PLACE for other in kept):
            kept.append(face)
    return kept


def _place(number: int, place: FloatArray, score: float) -> Place:
    x0, y0, x1, y1 = place[:4].tolist()
    return Place(number, (x0, y0, x1, y1), place[4:].reshape(5, 2).astype(np.float32), float(score))
