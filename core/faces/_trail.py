"""What is remembered of one face while a clip is read, and the track that is left of it at the end."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from core.faces._look import Window, view
from core.types import Face, FaceTrack, FloatArray, Pixels

COAST = 0.2  # seconds for which a face is taken to move on at its last speed
ALIKE = 0.7  # correlation of two small pictures of a face below which it may be another one
FOLLOW = 0.06  # sizes by which a box must move between two looks to be followed without smoothing
RECENT = 8  # looks over which the difference between window and whole picture is averaged


class Trail:
    """One person's places so far.

    Attributes:
        number: of the track.
        frames: indices of the frames with a place.
        times: of these frames, seconds.
        places: 14 numbers each: box and five points, pixels.
        scores: of the detector; nan where the place was only predicted.
        memory: mean embedding of unit length, or None before the first.
        checked: when its identity was checked last, seconds.
        doubts: checks in a row that did not fit the memory.
        seen: when it was measured last, seconds.
        view: a small grey picture of the face then.
        window: where it is sought.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.frames: list[int] = []
        self.times: list[float] = []
        self.places: list[FloatArray] = []
        self.scores: list[float] = []
        self.memory: FloatArray | None = None
        self.checked = -np.inf
        self.doubts = 0
        self.seen = -np.inf
        self.view: FloatArray | None = None
        self.window: Window | None = None
        self._speed = np.zeros(4)
        self._offset = np.zeros(14)
        self._looks = 0

    @property
    def box(self) -> FloatArray:
        """The last box."""
        return self.places[-1][:4]

    @property
    def speed(self) -> float:
        """How fast the box moves, in its own sizes a second."""
        return float(np.abs(self._speed).max() / _size(self.places[-1]))

    def expected(self, time: float) -> FloatArray:
        """Place at a later time: it moves on for a short while, then stays."""
        ahead = self._speed * min(time - self.times[-1], COAST)
        shift = np.concatenate([ahead, np.tile((ahead[:2] + ahead[2:]) / 2, 5)])
        place: FloatArray = self.places[-1] + shift
        return place

    def steadied(self, place: FloatArray, least: float) -> FloatArray:
        """A measured place without most of the detector's jitter; large motion is followed at once.

        Args:
            place: as measured.
            least: weight of the measurement against the last place where both are the same, 0..1.
        """
        moved = place - self.places[-1]
        weight = np.clip(np.abs(moved) / _size(place) / FOLLOW, least, 1.0)
        steady: FloatArray = self.places[-1] + weight * moved
        return steady

    def add(self, index: int, time: float, place: FloatArray, score: float, fresh: bool) -> None:
        """Append a measured place; ``fresh`` forgets the motion, as after a gap or a cut."""
        if self.frames and not fresh:
            velocity = (place[:4] - self.places[-1][:4]) / max(time - self.times[-1], 1e-3)
            self._speed = 0.5 * self._speed + 0.5 * velocity
        else:
            self._speed = np.zeros(4)
        self.seen = time
        self._append(index, time, place, score)

    def coast(self, index: int, time: float) -> FloatArray:
        """Append the place that is expected, unmeasured; it is interpolated at the end."""
        place = self.expected(time)
        self._append(index, time, place, np.nan)
        return place

    def learn(self, near: Face, whole: Face) -> None:
        """Take note how the window's answer differs from the whole picture's on the same frame."""
        first, second = as_place(near), as_place(whole)
        difference = (second - first) / _size(first)
        self._looks = min(self._looks + 1, RECENT)
        self._offset += (difference - self._offset) / self._looks

    def carry(self, near: Face, before: Face) -> None:
        """Take over the correction from the former window's answer on the same frame to the new one's."""
        place = as_place(near)
        self._offset = (self.corrected(before) - place) / _size(place)
        self._looks = min(self._looks, 1)

    def corrected(self, near: Face) -> FloatArray:
        """The window's answer as the whole picture would give it."""
        place = as_place(near)
        return place + self._offset * _size(place)

    def remember(self, embedding: FloatArray, time: float) -> None:
        """Add an embedding that belongs to this person."""
        mean = embedding if self.memory is None else 0.8 * self.memory + 0.2 * embedding
        self.memory = mean / max(float(np.linalg.norm(mean)), 1e-9)
        self.checked, self.doubts = time, 0

    def alike(self, pixels: Pixels, box: FloatArray) -> bool:
        """Whether a box shows about the same picture as the face did when it was measured last."""
        return self.view is None or float(self.view @ view(pixels, box)) >= ALIKE

    def likeness(self, embedding: FloatArray) -> float:
        """Cosine to the memory; nan without one."""
        return float("nan") if self.memory is None else float(self.memory @ embedding)

    def track(self, times: Sequence[float], bridge: float, cuts: Sequence[int]) -> FaceTrack:
        """The finished track, with short gaps filled; a place that was only predicted is interpolated.

        Args:
            times: of all frames of the clip by index, seconds.
            bridge: longest gap that is filled, seconds.
            cuts: indices of frames that begin a new scene; no gap is filled across one.
        """
        sure = np.flatnonzero(~np.isnan(self.scores))
        frames = np.array(self.frames)[sure]
        places = np.array(self.places)[sure]
        scores = np.array(self.scores)[sure]
        filled = [np.array(self.frames)]
        for before, after in pairwise(frames.tolist()):
            cut = any(before < at <= after for at in cuts)
            if after - before > 1 and times[after] - times[before] <= bridge and not cut:
                filled.append(np.arange(before + 1, after))
        every = np.unique(np.concatenate(filled))
        own = np.isin(every, frames)
        at = np.array([times[index] for index in every.tolist()])
        known = np.array([times[index] for index in frames.tolist()])
        whole = np.stack([np.interp(at, known, column) for column in places.T], 1).astype(np.float32)
        full = np.full(len(every), np.nan, np.float32)
        full[own] = scores
        five = whole[:, 4:].reshape(-1, 5, 2)
        return FaceTrack(self.number, every.astype(np.int64), at, whole[:, :4], five, full, own)

    def _append(self, index: int, time: float, place: FloatArray, score: float) -> None:
        self.frames.append(index)
        self.times.append(time)
        self.places.append(place)
        self.scores.append(score)


def as_place(face: Face) -> FloatArray:
    """Box and five points as 14 numbers."""
    return np.concatenate([np.array(face.box, float), face.five.reshape(-1).astype(float)])


def _size(place: FloatArray) -> float:
    return max(float(place[2] - place[0]), float(place[3] - place[1]), 1.0)
