"""Advice appears for the flaw it names and for nothing else."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from core.faces import find, quality
from core.types import Face, Pixels, Pose


@pytest.fixture(scope="module")
def photo(drawn: Pixels) -> Pixels:
    rng = np.random.default_rng(0)
    large = np.asarray(cv2.resize(drawn, (512, 512), interpolation=cv2.INTER_CUBIC), np.int16)
    pores = cv2.GaussianBlur(rng.normal(0, 60, (512, 512, 1)), (0, 0), 1.5)[..., None]
    return np.clip(large + pores, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def face(photo: Pixels) -> Face:
    return find(photo)[0]


def _codes(pixels: Pixels, face: Face) -> set[str]:
    return {notice.code for notice in quality.advice(quality.measure(pixels, face), face)}


def test_a_good_face_gets_no_advice(photo: Pixels, face: Face) -> None:
    assert _codes(photo, face) == set()


def test_blur(photo: Pixels, face: Face) -> None:
    blurred = np.asarray(cv2.GaussianBlur(photo, (0, 0), 0.12 * face.eye_distance), np.uint8)
    assert _codes(blurred, face) == {"face-blurred"}


def test_sharpness_falls_with_blur(photo: Pixels, face: Face) -> None:
    values = [
        quality.measure(np.asarray(cv2.GaussianBlur(photo, (0, 0), sigma), np.uint8), face).sharpness
        for sigma in (1, 4, 10)
    ]
    assert values[0] > values[1] > values[2]


@pytest.mark.parametrize(("share", "code"), [(0.2, "face-dark"), (1.0, None)])
def test_darkness(photo: Pixels, face: Face, share: float, code: str | None) -> None:
    assert _codes((photo * share).astype(np.uint8), face) == ({code} if code else set())


def test_overexposure(photo: Pixels, face: Face) -> None:
    washed = np.clip(photo.astype(np.int16) + 110, 0, 255).astype(np.uint8)
    assert "face-bright" in _codes(washed, face)


def test_grey(photo: Pixels, face: Face) -> None:
    grey = cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    assert _codes(np.asarray(grey, np.uint8), face) == {"grey"}


def test_dark_glasses(photo: Pixels, face: Face) -> None:
    masked = photo.copy()
    unit = face.eye_distance
    for x, y in face.five[:2]:
        size = (round(0.42 * unit), round(0.3 * unit))
        cv2.ellipse(masked, (round(float(x)), round(float(y))), size, 0, 0, 360, (20, 20, 22), -1)
    assert "sunglasses" in _codes(masked, face)


@pytest.mark.parametrize(("yaw", "told"), [(50.0, True), (-50.0, True), (20.0, False)])
def test_profile(photo: Pixels, face: Face, yaw: float, told: bool) -> None:
    turned = replace(face, pose=Pose(yaw=yaw, pitch=0.0, roll=0.0))
    assert ("face-profile" in _codes(photo, turned)) is told


def test_a_small_face_is_called_small_and_not_blurred(photo: Pixels) -> None:
    small = np.asarray(cv2.resize(photo, (60, 60), interpolation=cv2.INTER_AREA), np.uint8)
    assert {notice.code for notice in find(small)[0].advice} == {"face-small"}


def test_a_face_outside_its_photo_has_figures(photo: Pixels, face: Face) -> None:
    away = replace(face, five=face.five + 5000, landmarks=face.landmarks + 5000)
    assert np.isfinite(quality.measure(photo, away).sharpness)
