"""One person of a clip as a model sees them: which frames, whose face, and what is left of the pixels."""

import weakref
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
import torch

from core.errors import Code, UserError
from core.faces.track import Place
from core.personalize import watch as module
from core.personalize.types import Watched
from core.personalize.watch import Pace, photos, watch
from core.types import Face, FaceTrack, Frame, Progress
from tests.core.media.clips import clip, level
from tests.core.personalize.personalize_fakes import Quarters

LEFT, RIGHT = (4.0, 8.0, 24.0, 32.0), (40.0, 8.0, 56.0, 26.0)
FIVE = np.zeros((5, 2), np.float32)


@dataclass
class Seen:
    """Where a made tracker sees somebody: frames ``first`` to ``last``, up to ``owned`` for good."""

    box: tuple[float, float, float, float]
    first: int = 0
    last: int = 999
    owned: int = 999

    def places(self, number, frames):
        return [
            Place(number, self.box, FIVE, 0.9) if self.first <= frame.index <= self.last else None
            for frame in frames
        ]

    def track(self, number, count):
        at = np.arange(self.first, min(self.last, self.owned, count - 1) + 1)
        boxes = np.tile(np.array(self.box, np.float32), (len(at), 1))
        return FaceTrack(number, at, at / 25, boxes, np.zeros((len(at), 5, 2)), np.ones(len(at)), at >= 0)


@pytest.fixture
def people(monkeypatch):
    """Puts a made tracker in place of the real one; give it who is seen."""

    def put(*seen):
        class Made:
            def __init__(self, options, embed):
                self.count = 0

            def update(self, frames):
                self.count += len(frames)
                rows = [one.places(number, frames) for number, one in enumerate(seen)]
                return tuple(
                    tuple(row[at] for row in rows if row[at] is not None) for at in range(len(frames))
                )

            def finish(self):
                return tuple(one.track(number, self.count) for number, one in enumerate(seen))

        monkeypatch.setattr(module, "Tracker", Made)
        monkeypatch.setattr(module.following, "identity", lambda: (None, None))

    return put


@pytest.fixture
def path(tmp_path):
    """50 frames at 25 a second, whose left half tells the frame's number; the right half is black."""

    def frames():
        for index in range(50):
            pixels = np.zeros((48, 64, 3), np.uint8)
            pixels[:, :32] = level(index)
            yield Frame(index, index / 25, pixels)

    return clip(tmp_path / "ann.mp4", frames())


def person(path, model=None, *rest, **more):
    *events, found = watch(path, model or Quarters(), *rest, **more)
    assert isinstance(found, Watched) and all(isinstance(event, Progress) for event in events)
    return found


def numbers(found):
    """The numbers (mod 20) that grey thumbnails tell."""
    return ((found.thumbnails.mean((1, 2, 3)) - 20) / 10).round().astype(int).tolist()


def test_five_faces_a_second_are_embedded_each_in_its_own_frame(people, path):
    people(Seen(LEFT))
    model = Quarters()
    found = person(path, model)
    np.testing.assert_allclose(found.times, np.arange(10) / 5, atol=1e-3)
    assert numbers(found) == [at % 20 for at in range(0, 50, 5)]
    assert model.cuts == len(found) == 10
    assert found.embeddings.dtype == np.float32 and found.embeddings.shape == (10, 12)
    np.testing.assert_allclose(np.linalg.norm(found.embeddings, axis=1), 1, atol=1e-6)
    assert found.thumbnails.shape == (10, 48, 48, 3) and found.thumbnails.dtype == np.uint8
    assert (found.name, found.absent, found.others) == ("ann", 0, 0)
    assert found.clip is not None and found.clip.width == 64
    assert set(found.seconds) == {"decode", "track", "encode"}


@pytest.mark.parametrize(("rate", "count"), [(1.0, 3), (12.5, 25), (100.0, 50)])
def test_the_pace_says_how_many(people, path, rate, count):
    people(Seen(LEFT))
    assert len(person(path, None, Pace(rate))) == count  # 0, 0.92 and 1.92 s: a tenth of a slot early


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_batches_change_nothing(people, path, batch):
    people(Seen(LEFT), Seen(RIGHT))
    usual, other = person(path), person(path, None, Pace(batch=batch))
    np.testing.assert_array_equal(usual.thumbnails, other.thumbnails)
    np.testing.assert_allclose(usual.embeddings, other.embeddings, atol=1e-6)


def test_the_main_person_comes_out_and_the_others_are_counted(people, path):
    people(Seen(RIGHT), Seen(LEFT), Seen(RIGHT, first=10, last=20))
    found = person(path)
    assert found.others == 2
    assert numbers(found) == [at % 20 for at in range(0, 50, 5)]  # the right half, and who is there, is black


def test_frames_without_the_person_are_absent(people, path):
    people(Seen(LEFT, first=7, last=31))
    found = person(path)
    np.testing.assert_allclose(found.times, [0.4, 0.6, 0.8, 1.0, 1.2], atol=1e-3)
    assert found.absent == 5


def test_a_place_that_was_only_expected_after_the_last_measured_one_is_no_sighting(people, path):
    people(Seen(LEFT, last=41, owned=38))
    assert person(path).times[-1] == pytest.approx(1.4, abs=1e-3)


def test_a_person_in_no_due_frame_gives_way(people, path):
    people(Seen((0.0, 0.0, 64.0, 4800.0), first=1, last=4), Seen(LEFT))
    found = person(path)
    assert len(found) == 10 and found.others == 1


@pytest.mark.parametrize("seen", [(), (Seen(LEFT, first=1, last=4),)])
def test_nobody_in_the_due_frames_is_told(people, path, seen):
    people(*seen)
    with pytest.raises(UserError) as caught:
        person(path)
    assert caught.value.code == Code.NO_FACE


def test_cancelled_after_the_first_batch_what_was_read_is_the_result(people, path):
    people(Seen(LEFT))
    found = person(path, cancelled=lambda: True)
    assert len(found) == 4 and found.times[-1] == pytest.approx(0.6, abs=1e-3)  # 16 frames


def test_frames_are_let_go_after_their_batch(people, path, monkeypatch):
    people(Seen(LEFT))
    pixels, most, embed = [], 0, module._embed

    def watched(wanted, *rest):
        nonlocal most
        pixels.extend(weakref.ref(frame.pixels) for frame, _ in wanted)
        most = max(most, sum(one() is not None for one in pixels))
        embed(wanted, *rest)

    monkeypatch.setattr(module, "_embed", watched)
    person(path, None, Pace(rate=25, batch=4))
    assert len(pixels) == 50 and most <= 8  # the batch at hand, and what the next one is read beside


def test_progress_rises_and_leaves_torch_as_it_was(people, path):
    people(Seen(LEFT))
    shares = []
    for event in watch(path, Quarters()):
        assert not torch.is_inference_mode_enabled() and torch.is_grad_enabled()
        shares += [event.done] if isinstance(event, Progress) else []
    assert shares[0] == 0 and all(a <= b for a, b in pairwise(shares)) and 0.5 < shares[-1] < 1


@pytest.mark.parametrize("options", [{"rate": 0.0}, {"rate": float("nan")}, {"rate": 500}, {"batch": 0}])
def test_a_pace_out_of_range_is_refused(options):
    with pytest.raises(UserError) as caught:
        Pace(**options)
    assert caught.value.code == Code.OPTION_RANGE


def picture(grey):
    return np.full((40, 40, 3), grey, np.uint8)


def face(x=10.0):
    return Face((x, 10.0, x + 16, 30.0), 0.9, FIVE)


def rows(pictures, **more):
    *_, found = photos(pictures, Quarters(), **more)
    assert isinstance(found, Watched)
    return found


def test_photos_are_a_clip_of_their_largest_faces(monkeypatch):
    black = face(22.0)

    def find(pictures):
        return tuple(
            () if pixels[0, 0, 0] == 90 else (face(), black, black)[: 1 + (pixels[0, 0, 0] == 40) * 2]
            for pixels in pictures
        )

    monkeypatch.setattr(module, "find_batch", find)
    greys = (20, 90, 40, 60, 80)
    found = rows([picture(grey) for grey in greys], name="ann", batch=2)
    assert found.times.tolist() == [0, 2, 3, 4]
    assert found.thumbnails.mean((1, 2, 3)).tolist() == [20, 40, 60, 80]
    assert (found.name, found.clip, found.absent, found.others) == ("ann", None, 1, 2)
    assert set(found.seconds) == {"decode", "track", "encode"}
    np.testing.assert_allclose(np.linalg.norm(found.embeddings, axis=1), 1, atol=1e-6)
    whole = rows([picture(grey) for grey in greys], batch=16)
    np.testing.assert_allclose(found.embeddings, whole.embeddings, atol=1e-6)


@pytest.mark.parametrize("pictures", [[], [picture(90)] * 3])
def test_photos_without_a_face_are_told(pictures):
    """With the detector that comes with the repository."""
    with pytest.raises(UserError) as caught:
        rows(pictures)
    assert caught.value.code == Code.NO_FACE
