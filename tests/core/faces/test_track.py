"""Faces that move, cross, vanish, return and are cut to keep or change their numbers as people do."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest

from core.errors import Code, UserError
from core.faces import align
from core.faces.track import Embed, Place, Tracker, TrackOptions, pick
from core.media import images
from core.settings import ROOT
from core.types import Face, FaceTrack, FloatArray, Frame, Pixels

FPS = 25.0
WIDTH, HEIGHT = 640, 360
# cosines of the stand-in embedding below: one picture .88 and more at any size, a, b and c .48 and less
TOLD = TrackOptions(same=0.8, different=0.6)
Spot = tuple[str, float, float, float]  # person, left, top, side of the picture


@cache
def _person(name: str) -> Pixels:
    photo = images.load(ROOT / "demos" / "examples" / "faces" / f"person-{name}_frontal.jpg").pixels
    return np.asarray(cv2.resize(photo, (256, 256), interpolation=cv2.INTER_AREA), np.uint8)


def _frame(index: int, spots: Sequence[Spot]) -> Frame:
    pixels = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    for name, left, top, side in spots:
        scale = side / 256
        matrix = np.array([[scale, 0, left], [0, scale, top]])
        cv2.warpAffine(_person(name), matrix, (WIDTH, HEIGHT), dst=pixels, borderMode=cv2.BORDER_TRANSPARENT)
    return Frame(index, index / FPS, pixels)


def _clip(count: int, spots: Callable[[int], Sequence[Spot]]) -> list[Frame]:
    return [_frame(index, spots(index)) for index in range(count)]


def _stand_in(pixels: Pixels, faces: Sequence[Face]) -> FloatArray:
    """Tells pasted pictures apart as a recogniser tells people."""
    rows = []
    for face in faces:
        small = cv2.resize(align.align(pixels, face)[40:184, 40:184], (10, 10), interpolation=cv2.INTER_AREA)
        row = small.astype(np.float64).reshape(-1)
        rows.append((row - row.mean()) / np.linalg.norm(row - row.mean()))
    return np.array(rows)


def _followed(
    frames: Sequence[Frame], options: TrackOptions = TOLD, embed: Embed | None = _stand_in, batch: int = 16
) -> tuple[list[tuple[Place, ...]], tuple[FaceTrack, ...]]:
    tracker = Tracker(options, embed)
    places: list[tuple[Place, ...]] = []
    for start in range(0, len(frames), batch):
        places += tracker.update(frames[start : start + batch])
    return places, tracker.finish()


def _numbers_at(places: Sequence[tuple[Place, ...]], x: Callable[[int], float], indices: range) -> set[int]:
    """Numbers of the faces nearest to a moving x."""
    found = set()
    for index in indices:
        nearest = min(places[index], key=lambda one: abs((one.box[0] + one.box[2]) / 2 - x(index)))
        found.add(nearest.number)
    return found


def test_a_moving_face_is_one_track_whose_boxes_move_with_it() -> None:
    path = [(40 + 5 * index, 60 + 20 * np.sin(index / 6)) for index in range(60)]
    places, tracks = _followed(_clip(60, lambda index: [("a", *path[index], 200)]))
    assert [len(found) for found in places] == [1] * 60 and len(tracks) == 1
    track = tracks[0]
    assert np.array_equal(track.frames, np.arange(60)) and np.allclose(track.times, np.arange(60) / FPS)
    moved = track.boxes[:, :2] - np.array(path)
    assert np.abs(moved - np.median(moved, 0)).max() < 8  # a face of some 130 px
    assert track.five.shape == (60, 5, 2) and 25 < track.measured.sum() <= 60
    assert np.array_equal(np.isnan(track.scores), ~track.measured)


def test_two_crossing_people_keep_their_numbers() -> None:
    def left(index: int) -> float:
        return 10 + 6 * index

    def spots(index: int) -> list[Spot]:
        return [("b", 420 - 6 * index, 70, 180), ("a", left(index), 60, 200)]  # a passes in front

    places, tracks = _followed(_clip(70, spots))
    assert len(tracks) == 2
    first = _numbers_at(places, lambda index: left(index) + 100, range(20))
    assert first == _numbers_at(places, lambda index: left(index) + 100, range(50, 70)) and len(first) == 1
    second = _numbers_at(places, lambda index: 510 - 6 * index, range(20))
    assert second == _numbers_at(places, lambda index: 510 - 6 * index, range(50, 70)) and len(second) == 1
    assert first != second


@pytest.mark.weights
def test_neighbours_who_change_places_between_two_frames_take_their_numbers_along(embed: Embed) -> None:
    strips = [cv2.resize(_person(name)[:, 60:196], (102, 192), interpolation=cv2.INTER_AREA) for name in "ab"]
    frames = _clip(60, lambda _: [])
    for frame in frames:
        frame.pixels[80:272, 218:422] = np.hstack(strips if frame.index < 30 else strips[::-1])
    places, tracks = _followed(frames, TrackOptions(), embed)
    assert len(tracks) == 2 and all(len(one.frames) == 60 for one in tracks)
    before = _numbers_at(places, lambda _: 269, range(30))
    assert before == _numbers_at(places, lambda _: 371, range(30, 60)) and len(before) == 1


@pytest.mark.parametrize("embed", [_stand_in, None])
def test_a_cut_to_another_person_at_the_same_place_begins_a_new_track(embed: Embed | None) -> None:
    frames = _clip(60, lambda index: [("a" if index < 30 else "b", 0, 0, 360)])
    _, tracks = _followed(frames, embed=embed)
    assert [one.frames.tolist() for one in tracks] == [list(range(30)), list(range(30, 60))]


def test_a_swap_that_no_cut_tells_begins_a_new_track_where_it_happens() -> None:
    frames = _clip(60, lambda index: [("a" if index < 31 else "c", 220, 80, 160)])
    _, tracks = _followed(frames)
    assert len(tracks) == 2
    assert tracks[0].frames[-1] == 30 and tracks[1].frames[0] == 31


@pytest.mark.parametrize("other", ["c", "e"])  # e is .66 to a, between the two thresholds
def test_a_face_that_returns_elsewhere_is_the_same_person_and_another_is_not(other: str) -> None:
    def spots(index: int) -> list[Spot]:
        if index < 20:
            return [("a", 20, 60, 200)]
        if index < 45:
            return []
        if index < 70:
            return [("a", 400, 100, 180)]
        return [] if index < 80 else [(other, 60, 100, 180)]

    _, tracks = _followed(_clip(100, spots))
    assert [one.number for one in tracks] == [0, 1]
    assert tracks[0].frames.tolist() == [*range(20), *range(45, 70)]
    assert tracks[1].frames.tolist() == list(range(80, 100))
    _, forgotten = _followed(_clip(70, spots), replace(TOLD, return_after=0.5, bridge=0.5))
    assert len(forgotten) == 2


@pytest.mark.parametrize("embed", [_stand_in, None])
def test_a_short_gap_is_bridged_and_a_long_one_is_not(embed: Embed | None) -> None:
    def spots(index: int) -> list[Spot]:
        return [] if 20 <= index < 30 else [("a", 100 + 2 * index, 60, 200)]

    places, (bridged,) = _followed(_clip(50, spots), embed=embed)
    assert bridged.frames.tolist() == list(range(50)) and not bridged.measured[20:30].any()
    assert all(not places[index] for index in range(20, 30))  # nothing was there to cut
    straight = np.linspace(bridged.boxes[19], bridged.boxes[30], 12)
    assert np.allclose(bridged.boxes[19:31], straight, atol=1e-2)
    _, (open_gap,) = _followed(_clip(50, spots), replace(TOLD, bridge=0.2), _stand_in)
    assert open_gap.frames.tolist() == [*range(20), *range(30, 50)]


def test_a_gap_is_not_bridged_across_a_cut() -> None:
    frames = _clip(45, lambda index: [("b" if 20 <= index < 30 else "a", 0, 0, 360)])
    _, tracks = _followed(frames)
    assert tracks[0].frames.tolist() == [*range(20), *range(30, 45)]
    assert tracks[1].frames.tolist() == list(range(20, 30))


def test_flicker_is_dropped_and_an_empty_clip_has_no_track() -> None:
    flicker = _clip(40, lambda index: [("a", 200, 80, 200)] if index in (20, 21, 22) else [])
    places, tracks = _followed(flicker)
    assert any(places) and tracks == ()
    assert _followed(_clip(5, lambda _: []))[1] == () and Tracker().finish() == ()


def test_one_frame_is_a_clip_too() -> None:
    _, tracks = _followed(_clip(1, lambda _: [("a", 200, 80, 200)]))
    assert len(tracks) == 1 and tracks[0].frames.tolist() == [0]


def test_five_people_at_once_keep_five_numbers() -> None:
    def spots(index: int) -> list[Spot]:
        return [(name, 5 + 125 * k, 20 + 3 * index + 9 * k, 122) for k, name in enumerate("abcde")]

    _, tracks = _followed(_clip(40, spots))
    assert len(tracks) == 5 and all(len(one.frames) == 40 for one in tracks)


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_batches_change_nothing(batch: int) -> None:
    def spots(index: int) -> list[Spot]:
        return [("a", 20 + 3 * index, 60, 200)] + ([("b", 420, 90, 150)] if 15 < index < 50 else [])

    frames = _clip(64, spots)
    whole, _ = _followed(frames, batch=3), None
    parts = _followed(frames, batch=batch)
    assert [[(one.number, one.box) for one in found] for found in whole[0]] == [
        [(one.number, one.box) for one in found] for found in parts[0]
    ]
    for one, other in zip(whole[1], parts[1], strict=True):
        assert np.array_equal(one.frames, other.frames) and np.array_equal(one.boxes, other.boxes)


def test_embeddings_are_taken_sparsely() -> None:
    calls = []

    def counted(pixels: Pixels, faces: Sequence[Face]) -> FloatArray:
        calls.append(len(faces))
        return _stand_in(pixels, faces)

    _followed(_clip(100, lambda index: [("a", 100 + index, 60, 200)]), embed=counted)
    assert 4 <= sum(calls) <= 8  # 4 seconds, a check each, and the first


def test_every_frame_can_be_measured_and_left_unsmoothed() -> None:
    _, (track,) = _followed(
        _clip(30, lambda index: [("a", 100 + index, 60, 200)]), replace(TOLD, every=1, smooth=1)
    )
    assert track.measured.all() and np.isfinite(track.scores).all()


def test_frames_out_of_order_are_refused() -> None:
    frames = _clip(3, lambda _: [])
    with pytest.raises(ValueError, match="frame 1 is missing"):
        Tracker().update([frames[0], frames[2]])


@pytest.mark.parametrize(
    "wrong", [{"every": 0}, {"smooth": 0.0}, {"bridge": -1}, {"different": 0.5}, {"search": 11}]
)
def test_options_out_of_range_end_in_a_sentence(wrong: dict[str, float]) -> None:
    with pytest.raises(UserError) as out:
        TrackOptions(**wrong)  # type: ignore[arg-type]
    assert out.value.code == Code.OPTION_RANGE


def _track(number: int, frames: int, size: float) -> FaceTrack:
    boxes = np.tile(np.array([0, 0, size, size], np.float32), (frames, 1))
    steps = np.arange(frames)
    five = np.zeros((frames, 5, 2), np.float32)
    return FaceTrack(number, steps, steps / FPS, boxes, five, np.ones(frames), np.ones(frames, bool))


def test_the_main_person_is_long_and_large() -> None:
    small_long, large_short, main = _track(0, 100, 20), _track(2, 10, 190), _track(5, 80, 100)
    for order in itertools.permutations([small_long, large_short, main]):
        assert pick(order) is main
    assert pick([small_long, main], 0) is small_long
    with pytest.raises(UserError) as unknown:
        pick([small_long, main], 3)
    assert unknown.value.code == Code.OPTION_RANGE and "0, 5" in unknown.value.hint
    with pytest.raises(UserError) as none:
        pick([])
    assert none.value.code == Code.NO_FACE
