"""Real photographs: every one of lfw10 gives its face, and its mirror image the mirrored face."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.datasets import folders
from core.faces import find_batch, regions, topology
from core.types import Face, Pixels

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def photos(data_dir: Path) -> list[Pixels]:
    return [photo.pixels() for photo in folders.people(data_dir / "faces" / "lfw10")]


@pytest.fixture(scope="module")
def faces(photos: list[Pixels]) -> list[tuple[Face, ...]]:
    return list(find_batch(photos))


def test_every_photo_gives_its_face(photos: list[Pixels], faces: list[tuple[Face, ...]]) -> None:
    assert len(photos) == 100 and all(faces)
    for found in faces:  # LFW centres its person
        nose = found[0].five[2]
        assert np.abs(nose - 125).max() < 45
        assert 25 < found[0].eye_distance < 60


def test_detected_points_and_landmarks_agree(faces: list[tuple[Face, ...]]) -> None:
    for face, *_ in faces:
        assert face.landmarks is not None
        x0, y0, x1, y1 = face.box
        low, high = face.landmarks[:468].min(0), face.landmarks[:468].max(0)
        shared = max(0, min(x1, high[0]) - max(x0, low[0])) * max(0, min(y1, high[1]) - max(y0, low[1]))
        union = (x1 - x0) * (y1 - y0) + np.prod(high - low) - shared
        assert shared / union > 0.5


def test_a_mirrored_photo_gives_the_mirrored_face(
    photos: list[Pixels], faces: list[tuple[Face, ...]]
) -> None:
    chosen = range(0, 100, 9)
    flipped = find_batch([np.ascontiguousarray(photos[i][:, ::-1]) for i in chosen])
    errors, yaws = [], []
    for i, others in zip(chosen, flipped, strict=True):
        face, other = faces[i][0], others[0]
        assert face.landmarks is not None and face.pose and other.pose
        back = (other.landmarks * [-1, 1] + [249, 0])[topology.MIRROR]
        errors.append(np.linalg.norm(back - face.landmarks, axis=1).mean() / face.eye_distance)
        yaws.append(face.pose.yaw + other.pose.yaw)
        assert other.pose.roll == pytest.approx(-face.pose.roll, abs=5)
    assert np.median(errors) < 0.03 and np.max(errors) < 0.08
    assert np.abs(yaws).max() < 8


def test_most_photos_are_good_and_dark_glasses_are_seen(faces: list[tuple[Face, ...]]) -> None:
    codes = [{notice.code for notice in found[0].advice} - {"several-faces"} for found in faces]
    assert sum(not code for code in codes) >= 90
    assert sum("sunglasses" in code for code in codes) == 1  # one of the hundred wears them


@pytest.mark.parametrize("lean", [-30, 30])
def test_roll_follows_the_photo(photos: list[Pixels], faces: list[tuple[Face, ...]], lean: int) -> None:
    chosen = range(0, 100, 11)
    turn = cv2.getRotationMatrix2D((124.5, 124.5), -lean, 1)
    leaning = [
        np.asarray(cv2.warpAffine(photos[i], turn, (250, 250), borderMode=cv2.BORDER_REPLICATE), np.uint8)
        for i in chosen
    ]
    for i, others in zip(chosen, find_batch(leaning), strict=True):
        assert others[0].pose.roll - faces[i][0].pose.roll == pytest.approx(lean, abs=3)
        assert others[0].pose.yaw == pytest.approx(faces[i][0].pose.yaw, abs=6)


def test_bare_skin_is_most_of_a_face(photos: list[Pixels], faces: list[tuple[Face, ...]]) -> None:
    shares = []
    for pixels, found in zip(photos[::10], faces[::10], strict=True):
        whole = regions.paintable(found[0], 250, 250)
        shares.append(regions.paintable(found[0], 250, 250, pixels=pixels).sum() / whole.sum())
    assert np.median(shares) > 0.9 and min(shares) > 0.6


def test_flowers_are_hardly_ever_faces(data_dir: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    column = parquet.read_table(data_dir / "natural" / "flowers12.parquet").column("image")
    chosen = np.random.default_rng(0).choice(len(column), 100, replace=False)
    encoded = [column[int(i)].as_py() for i in chosen]
    raw = [item["bytes"] if isinstance(item, dict) else item for item in encoded]
    photos = [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB) for data in raw]
    assert sum(bool(faces) for faces in find_batch(photos)) <= 2
