import numpy as np
import pytest

from benchmarks import recognition_data as data
from benchmarks.recognition import accuracy, all_pairs, calibration, official
from core.datasets.folders import Photo
from core.datasets.lfw import Pair


def faces(*names: str) -> data.Set:
    photos = tuple(Photo(name.rsplit("_", 1)[0], name, b"") for name in names)
    return data.Set("toy", photos, np.zeros((len(names), 5, 2), np.float32), 0)


def test_every_photo_meets_every_other_once() -> None:
    embedded = np.eye(4, dtype=np.float32)[[0, 0, 1, 2]]
    scores = all_pairs(embedded, np.array(["a", "a", "b", "c"]))
    assert scores.genuine.tolist() == [1.0]
    assert scores.people.tolist() == ["a"]
    assert len(scores.impostor) == 5


def test_accuracy_takes_its_threshold_from_the_other_folds() -> None:
    genuine = np.array([True, True, False, False] * 2)
    folds = np.repeat([2, 3], 4)
    apart = np.array([0.9, 0.8, 0.1, 0.2] * 2)
    assert accuracy(apart, genuine, folds) == 1
    # fold 3 lies lower: the threshold learnt on fold 2 rejects its genuine pairs
    shifted = np.array([0.9, 0.8, 0.1, 0.2, 0.5, 0.4, 0.0, 0.1])
    assert accuracy(shifted, genuine, folds) == pytest.approx((0.5 + 1.0) / 2)


def test_thresholds_keep_away_from_tuning_and_reporting_people() -> None:
    pairs = (
        Pair("Tuned_0001", "Tuned_0002", True, 0),
        Pair("Kept_0001", "Kept_0002", True, 5),
        Pair("Kept_0001", "Ten_0001", False, 6),
    )
    photos = faces(
        "Tuned_0001", "Kept_0001", "Ten_0001", "Kept_0002", *(f"Kept_{i:04d}" for i in range(3, 20))
    )
    chosen = calibration(photos, pairs, {"Ten"})
    assert {photos.photos[i].identity for i in chosen} == {"Kept"}
    assert len(chosen) == 10


def test_official_pairs_leave_out_tuning_folds_and_missing_faces() -> None:
    pairs = (
        Pair("A_0001", "A_0002", True, 1),
        Pair("A_0001", "A_0002", True, 2),
        Pair("A_0001", "B_0001", False, 2),
        Pair("A_0001", "Gone_0001", False, 2),
    )
    embedded = np.array([[1, 0], [0.6, 0.8], [0, 1]], np.float32)
    scores, genuine, folds = official(faces("A_0001", "A_0002", "B_0001"), pairs, embedded)
    np.testing.assert_allclose(scores, [0.6, 0.0])
    assert genuine.tolist() == [True, False]
    assert folds.tolist() == [2, 2]


def test_grey_keeps_size_and_drops_colour() -> None:
    pixels = np.array([[[255, 0, 0], [10, 10, 10]]], np.uint8)
    assert data.grey(pixels).tolist() == [[[76] * 3, [10] * 3]]
