"""From a photo to its faces: drawn faces are found wherever they are; bad photos end in one sentence."""

import dataclasses
import threading

import cv2
import numpy as np
import pytest

from core.errors import Code, UserError
from core.faces import detect, find, find_batch, pick, topology
from core.types import Face, Pixels

GREY = 120


def _photo(drawn: Pixels, width: int, height: int, side: int, x: int, y: int) -> Pixels:
    photo = np.full((height, width, 3), GREY, np.uint8)
    way = cv2.INTER_AREA if side < 256 else cv2.INTER_CUBIC
    photo[y : y + side, x : x + side] = cv2.resize(drawn, (side, side), interpolation=way)
    return photo


def _codes(face: Face) -> set[str]:
    return {notice.code for notice in face.advice}


def test_a_drawing_is_measured_where_it_is(drawn: Pixels) -> None:
    face = find(_photo(drawn, 700, 500, 300, 250, 120))[0]
    assert face.landmarks is not None and face.landmarks.shape == (478, 2)
    left, right = topology.eye_centres(face.landmarks)
    assert np.allclose(left, [250 + 0.4 * 300, 120 + 0.42 * 300], atol=6)
    assert np.allclose(right, [250 + 0.6 * 300, 120 + 0.42 * 300], atol=6)
    assert np.allclose(face.five[:2], [left, right], atol=1e-3)
    assert face.pose is not None and abs(face.pose.yaw) < 6 and abs(face.pose.roll) < 3


@pytest.mark.parametrize(("width", "height", "side"), [(120, 120, 110), (1400, 900, 60), (2600, 2600, 2600)])
def test_faces_from_forty_pixels_to_the_whole_photo_are_found(
    drawn: Pixels, width: int, height: int, side: int
) -> None:
    face = find(_photo(drawn, width, height, side, 0, 0))[0]
    assert face.eye_distance == pytest.approx(0.2 * side, rel=0.15)


@pytest.mark.parametrize("lean", [-35, 20, 90, -90])
def test_a_leaning_head_is_measured_upright_and_its_roll_followed(drawn: Pixels, lean: int) -> None:
    photo = _photo(drawn, 500, 500, 300, 100, 100)
    turn = cv2.getRotationMatrix2D((249.5, 249.5), -lean, 1)
    leaning = np.asarray(cv2.warpAffine(photo, turn, (500, 500), borderValue=(GREY,) * 3), np.uint8)
    upright, found = find(photo)[0], find(leaning)[0]
    assert upright.pose and found.pose and upright.landmarks is not None
    assert found.pose.roll - upright.pose.roll == pytest.approx(lean, abs=3)
    expected = upright.landmarks @ turn[:, :2].T + turn[:, 2]
    assert np.linalg.norm(found.landmarks - expected, axis=1).mean() < 0.05 * upright.eye_distance


def test_several_faces_come_largest_first_and_say_so(drawn: Pixels) -> None:
    photo = _photo(drawn, 800, 400, 200, 20, 100)
    photo[50:350, 450:750] = cv2.resize(drawn, (300, 300), interpolation=cv2.INTER_CUBIC)
    faces = find(photo)
    assert [face.box[0] > 400 for face in faces] == [True, False]
    assert all("several-faces" in _codes(face) for face in faces)
    assert [face.box[0] > 400 for face in find(photo, largest_first=False)] == [False, True]


def test_a_batch_finds_what_each_photo_gives_alone(drawn: Pixels) -> None:
    empty = np.full((90, 140, 3), GREY, np.uint8)
    photos = [_photo(drawn, 400, 300, 250, 70, 20), empty, _photo(drawn, 300, 300, 200, 60, 40)]
    together = find_batch(photos)
    assert [len(faces) for faces in together] == [1, 0, 1]
    assert np.abs(together[2][0].landmarks - find(photos[2])[0].landmarks).max() < 0.05


def test_nothing_and_too_small_are_told_apart(drawn: Pixels) -> None:
    with pytest.raises(UserError, match="No face") as nothing:
        find(np.full((200, 300, 3), GREY, np.uint8))
    with pytest.raises(UserError, match="too small") as tiny:
        find(_photo(drawn, 60, 60, 17, 19, 19))
    assert nothing.value.code == tiny.value.code == Code.NO_FACE


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (700, 2), (16, 16)])
def test_odd_sizes_end_in_a_sentence(shape: tuple[int, int]) -> None:
    with pytest.raises(UserError):
        find(np.full((*shape, 3), 200, np.uint8))


def test_picking_a_face() -> None:
    faces = [Face(box=(0, 0, 1, 1), score=s, five=np.zeros((5, 2), np.float32)) for s in (0.9, 0.8)]
    assert pick(faces) is faces[0] and pick(faces, 1) is faces[1]
    for index in (-1, 2):
        with pytest.raises(UserError) as out:
            pick(faces, index)
        assert out.value.code == Code.OPTION_RANGE
    with pytest.raises(UserError) as none:
        pick([])
    assert none.value.code == Code.NO_FACE


def test_threads_share_nothing(drawn: Pixels) -> None:
    photos = [_photo(drawn, 300 + 40 * k, 280, 200, 30 + 30 * k, 40) for k in range(4)]
    alone = [detect(photo) for photo in photos]
    answers: dict[int, list[tuple[Face, ...]]] = {}
    workers = [
        threading.Thread(target=lambda k=k: answers.update({k: [detect(photos[k]) for _ in range(5)]}))
        for k in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for k, expected in enumerate(alone):
        assert all(found[0].box == expected[0].box for found in answers[k])


def test_faces_are_frozen(drawn: Pixels) -> None:
    face = find(_photo(drawn, 300, 300, 250, 20, 20))[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        face.score = 0.0  # type: ignore[misc]
