"""Tracks of real clips: one person from end to end, faces that come and go, clips without any face."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from core.faces import detect
from core.faces._match import overlaps
from core.faces.track import Embed, Tracker, TrackOptions
from core.types import FaceTrack, Frame

ONE_PERSON = (
    *("mead_contempt.mp4", "mead_happy.mp4", "mead_sad.mp4", "mead_M030_sad_3_001.mp4", "fex_smile.mov"),
    *("pyfeat_single_face.mp4", "pyfeat_WolfgangLanger_Pexels.mp4", "grid_bbaf2n.mpg"),
)


def _frames(path: Path, most: int = 200) -> Iterator[Frame]:
    with av.open(str(path)) as container:
        first = None
        for index, frame in enumerate(container.decode(video=0)):
            if index == most:
                return
            first = frame.time if first is None else first
            yield Frame(index, frame.time - first, frame.to_ndarray(format="rgb24"))


def _tracks(path: Path, embed: Embed | None = None) -> tuple[int, tuple[FaceTrack, ...]]:
    tracker, count = Tracker(embed=embed), 0
    for frame in _frames(path):
        tracker.update([frame])
        count += 1
    return count, tracker.finish()


@pytest.mark.data
@pytest.mark.parametrize("name", ONE_PERSON)
def test_one_person_is_one_track_from_end_to_end(data_dir: Path, name: str) -> None:
    count, tracks = _tracks(data_dir / "video" / name)
    assert [len(track.frames) for track in tracks] == [count]


@pytest.mark.data
@pytest.mark.weights
@pytest.mark.parametrize("name", ["mead_happy.mp4", "fex_smile.mov", "pyfeat_WolfgangLanger_Pexels.mp4"])
def test_checks_of_identity_leave_one_person_one_track(data_dir: Path, name: str, embed: Embed) -> None:
    count, tracks = _tracks(data_dir / "video" / name, embed)
    assert [len(track.frames) for track in tracks] == [count]


@pytest.mark.data
@pytest.mark.weights
def test_two_people_cut_together_are_told_apart_and_known_again(data_dir: Path, embed: Embed) -> None:
    """The same size and place, four shots in turn."""
    clips = [list(_frames(data_dir / "video" / name, 40)) for name in ("mead_happy.mp4", "grid_bbaf2n.mpg")]
    side = 256
    shots = []
    for who in (0, 1, 0, 1):
        for frame in clips[who][len(shots) % 7 : len(shots) % 7 + 25]:
            whole = frame.pixels
            shots.append((who, whole[16 : 16 + side, 52 : 52 + side] if who else whole))
    frames = [
        Frame(index, index / 25, np.ascontiguousarray(pixels)) for index, (_, pixels) in enumerate(shots)
    ]
    tracker = Tracker(embed=embed)
    tracker.update(frames)
    tracks = tracker.finish()
    assert len(tracks) == 2
    for track, who in zip(tracks, (0, 1), strict=True):
        assert track.frames.tolist() == [index for index, (one, _) in enumerate(shots) if one == who]


@pytest.mark.data
@pytest.mark.parametrize("name", ["pyfeat_face_noface.mov", "pyfeat_noface_face.mov"])
def test_a_face_that_comes_or_goes_is_seen_exactly_where_each_frame_shows_it(
    data_dir: Path, name: str
) -> None:
    path = data_dir / "video" / name
    shown = [frame.index for frame in _frames(path) if detect(frame.pixels, thorough=False)]
    _, tracks = _tracks(path)
    assert [track.frames.tolist() for track in tracks] == [shown] and 60 < len(shown) < 80


@pytest.mark.data
def test_a_clip_without_faces_has_no_track(data_dir: Path) -> None:
    assert _tracks(data_dir / "video" / "pyfeat_no_face.mp4")[1] == ()


@pytest.mark.data
@pytest.mark.parametrize("every", [1, 2])
def test_boxes_are_those_of_a_search_of_every_picture(data_dir: Path, every: int) -> None:
    """Measured: mean .963 over all clips; the jitter is the detector's own or less."""
    shared, jitter, own_jitter = [], [], []
    for name in ("mead_happy.mp4", "fex_smile.mov", "pyfeat_single_face.mp4"):
        frames = list(_frames(data_dir / "video" / name, 72))
        tracker = Tracker(TrackOptions(every=every))
        boxes = np.array([places[0].box for places in tracker.update(frames)])
        searched = np.array([detect(frame.pixels, thorough=False)[0].box for frame in frames])
        shared += overlaps(boxes, searched).diagonal().tolist()
        jitter += (1 - overlaps(boxes[1:], boxes[:-1]).diagonal()).tolist()
        own_jitter += (1 - overlaps(searched[1:], searched[:-1]).diagonal()).tolist()
    assert np.mean(shared) > 0.95 and np.percentile(shared, 5) > 0.89
    assert np.mean(jitter) < np.mean(own_jitter)
