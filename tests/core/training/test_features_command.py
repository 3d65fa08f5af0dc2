"""``abaw features`` stores what later commands train on: from videos and from cropped pictures."""

import shutil
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from core import weights
from core.__main__ import main
from core.abaw import extract, models
from core.abaw.features import FeatureStore
from core.abaw.models import Models
from core.datasets import affwild2
from core.datasets.affwild2 import FOLDERS, PARTS
from core.datasets.frame_labels import COLUMNS, Task
from core.errors import Code, UserError
from core.expression.base import Card, Encoder
from core.expression.crop import Framing
from core.expressions import EXPRESSIONS
from core.media import video
from core.types import FaceTrack, Frame
from core.vision_language import vit

EXAMPLES = Path(__file__).parents[3] / "demos" / "abaw" / "examples"


class Means(torch.nn.Module):
    """The mean colours of the quarters of a crop."""

    def forward(self, crops: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = torch.nn.functional.adaptive_avg_pool2d(crops, 2).flatten(1)
        return features, features[:, :7]


TINY = Encoder(Card("tiny", "", EXPRESSIONS, 16, 12, Framing(), "rgb", (0.0,) * 3, (1.0,) * 3, ""), Means())


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "load", lambda name: Models(TINY))


def annotate(root: Path, rows: dict[str, int], part: str = "training") -> None:
    """Labels that change every ten frames."""
    folder = root / FOLDERS[Task.EXPRESSION] / PARTS[part]  # type: ignore[index]
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in rows.items():
        lines = [str(number // 10 % 8) for number in range(count)]
        text = "\n".join((",".join(COLUMNS[Task.EXPRESSION]), *lines)) + "\n"
        (folder / f"{name}.txt").write_text(text)


def crop(root: Path, name: str, frames: list[int], side: int = 20) -> None:
    """Pictures whose brightness is the frame's number."""
    (root / name).mkdir(parents=True)
    for number in frames:
        picture = np.full((side, side, 3), 2 * number, np.uint8)
        cv2.imwrite(str(root / name / f"{number + 1:05d}.png"), picture)


def test_features_labels_training_and_evaluation_follow_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the bundled encoder on real files: two videos in folders of their own, one of two people."""
    for folder, example, name in (
        ("batch1", "smile", "v1"), ("batch1", "two-people", "v2"), ("batch2", "smile", "w1"),
        ("batch2", "two-people", "w2"),
    ):  # fmt: skip
        (tmp_path / "videos" / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(EXAMPLES / f"{example}.mp4", tmp_path / "videos" / folder / f"{name}.mp4")
    smile, two = (sum(map(len, video.frames(EXAMPLES / f"{name}.mp4"))) for name in ("smile", "two-people"))
    data, features, head = (str(tmp_path / name) for name in ("data", "features", "head"))
    annotate(tmp_path / "data", {"v1": smile - 1, "v2_left": two - 1, "v2_right": two - 1})
    annotate(tmp_path / "data", {"w1": smile - 1, "w2_right": two - 1}, "validation")
    making = ["abaw", "features", str(tmp_path / "videos"), "--out", features, "--data", data]
    assert main(making) == 0
    assert "4 of 4 videos" in capsys.readouterr().out
    store = FeatureStore.only(Path(features))
    assert store.names() == ("v1", "v2_left", "v2_right", "w1", "w2_right")
    assert (store.encoder, store.classes) == ("facet-expression", EXPRESSIONS)
    left, right = store.load("v2_left"), store.load("v2_right")
    assert len(left) == len(right) == two
    both = left.seen & right.seen
    assert both.mean() > 0.9  # every frame is measured
    assert not np.allclose(left.features[both], right.features[both])
    np.testing.assert_array_equal(right.features, store.load("w2_right").features)
    assert not np.asarray(left.features)[~left.seen].any()
    chosen = ["expr", "--data", data, "--features", features]
    assert main(["train", "abaw", *chosen, "--out", head, "--epochs", "2", "--cpu"]) == 0
    assert main(["evaluate", "abaw", *chosen, "--head", head]) == 0
    assert f"{smile + two - 2} labelled frames in 2 videos" in capsys.readouterr().out


def test_what_is_stored_is_left_alone_and_a_bad_video_does_not_stop_the_others(
    tiny: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    shutil.copy(EXAMPLES / "smile.mp4", folder / "good.mp4")
    (folder / "broken.mp4").write_bytes(b"no video at all" * 50)
    (folder / "notes.txt").write_text("not a video")
    making = ["abaw", "features", str(folder), "--out", str(tmp_path / "out")]
    assert main(making) == 1
    told = capsys.readouterr().out
    assert told.count("broken was skipped") == 1 and "1 of 2 videos" in told
    store = FeatureStore.only(tmp_path / "out")
    assert store.names() == ("good",)
    asked = []
    original = extract.from_video
    monkeypatch.setattr(
        extract, "from_video", lambda path, *rest: asked.append(path) or original(path, *rest)
    )
    (folder / "broken.mp4").unlink()
    assert main(making) == 0
    assert not asked
    shutil.copy(EXAMPLES / "smile.mp4", folder / "later.mp4")
    assert main(making) == 0
    assert [path.stem for path in asked] == ["later"]


def test_frames_are_let_go_after_their_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures: list[weakref.ref[np.ndarray]] = []
    most, encode = 0, extract.encode

    def watched(frames: Sequence[Frame], *rest: Any) -> None:
        nonlocal most
        pictures.extend(weakref.ref(frame.pixels) for frame in frames)
        most = max(most, sum(one() is not None for one in pictures))
        encode(frames, *rest)

    monkeypatch.setattr(extract, "encode", watched)
    modes = []
    for event in extract.from_video(EXAMPLES / "smile.mp4", ["v"], Models(TINY)):
        modes.append(torch.is_inference_mode_enabled())
        found = event
    assert not any(modes)
    assert len(pictures) == len(found.people["v"]) == 204
    assert most <= 2 * 16  # the batch at hand, and what the next one is read beside


@pytest.mark.data
def test_a_face_that_leaves_a_real_clip_is_unseen_from_then_on(data_dir: Path) -> None:
    path = data_dir / "video" / "pyfeat_face_noface.mov"
    *_, found = extract.from_video(path, ["clip"], models.load())
    rows = found.people["clip"]
    count = sum(map(len, video.frames(path)))
    assert len(rows) == count
    assert rows.seen[: count // 4].mean() > 0.9 > 0.1 > rows.seen[-count // 4 :].mean()
    assert np.isfinite(rows.features).all() and not rows.features[~rows.seen].any()
    norms = np.linalg.norm(rows.features[rows.seen].astype(np.float32), axis=1)
    assert norms.min() > 0


def test_a_video_without_anybody_has_features_and_says_so(
    tiny: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "videos").mkdir()
    writer = cv2.VideoWriter(
        str(tmp_path / "videos" / "empty.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 25, (96, 96)
    )
    for _ in range(7):
        writer.write(np.full((96, 96, 3), 90, np.uint8))
    writer.release()
    assert main(["abaw", "features", str(tmp_path / "videos"), "--out", str(tmp_path / "out")]) == 0
    assert "Nobody is seen in empty" in capsys.readouterr().out
    found = FeatureStore.only(tmp_path / "out").load("empty")
    assert len(found) == 7 and not found.seen.any()


def test_cropped_pictures_keep_their_places_and_the_annotation_tells_the_length(
    tiny: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crops = tmp_path / "cropped"
    crop(crops, "v1", [0, 1, 4, 70])
    crop(crops, "v2_left", [2], side=8)
    (crops / "empty").mkdir()
    crop(crops, "torn", [0])
    (crops / "torn" / "00001.png").write_bytes(b"")
    annotate(tmp_path / "data", {"v1": 90})
    making = ["abaw", "features", str(crops), "--cropped", "--out", str(tmp_path / "out")]
    assert main([*making, "--data", str(tmp_path / "data")]) == 1
    told = capsys.readouterr().out
    assert "empty was skipped" in told and "torn/00001.png cannot be decoded" in told and "2 of 4" in told
    store = FeatureStore.only(tmp_path / "out")
    first, second = store.load("v1"), store.load("v2_left")
    assert (len(first), len(second)) == (90, 3)
    assert np.flatnonzero(first.seen).tolist() == [0, 1, 4, 70]
    assert np.flatnonzero(second.seen).tolist() == [2]
    np.testing.assert_allclose(first.features[:5, 0], np.array([0, 2, 0, 0, 8]) / 255, atol=1e-3)
    np.testing.assert_allclose(first.scores[70], 140 / 255, atol=1e-3)


def test_more_pictures_than_a_batch_are_the_same_as_one_by_one(tmp_path: Path) -> None:
    crop(tmp_path, "v1", list(range(extract.PICTURES + 5)))
    found = extract.from_crops(affwild2.crops(tmp_path, "v1"), "v1", TINY).people["v1"]
    np.testing.assert_allclose(found.features[:, 0], np.arange(len(found)) * 2 / 255, atol=1e-3)


def track(number: int, x: float, high: float = 40, frames: int = 10) -> FaceTrack:
    boxes = np.tile(np.array([x, 0, x + 20, high], np.float32), (frames, 1))
    at = np.arange(frames)
    return FaceTrack(number, at, at / 25, boxes, np.zeros((frames, 5, 2)), np.ones(frames), at >= 0)


def test_names_go_to_the_people_they_mean() -> None:
    left, right, passer = track(0, 100), track(1, 10, high=50), track(2, 60, frames=2)
    right, left = left, right  # the second one found stands at the left

    def numbers(names: list[str], tracks: list[FaceTrack]) -> dict[str, int | None]:
        found = extract.assign(names, tracks, 200)
        return {name: None if one is None else one.number for name, one in found.items()}

    both = [right, left, passer]
    assert numbers(["v"], both) == {"v": 1}  # the larger one
    assert numbers(["v_left", "v_right"], both) == {"v_left": 1, "v_right": 0}
    assert numbers(["v", "v_right"], both) == {"v": 1, "v_right": 0}
    assert numbers(["v", "v_left"], both) == {"v": 0, "v_left": 1}
    assert numbers(["v_left", "v_right"], [right]) == {"v_left": None, "v_right": 0}
    assert numbers(["v_left"], []) == {"v_left": None}


def test_folders_without_anything_are_told(
    tiny: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    making = ["abaw", "features", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main(making) == 1
    assert "holds no video" in capsys.readouterr().err
    assert main([*making, "--cropped"]) == 1
    assert "cropped pictures" in capsys.readouterr().err
    with pytest.raises(UserError) as raised:
        affwild2.lengths(tmp_path)
    assert raised.value.code is Code.LABELS_INVALID


def test_whole_pictures_are_stored_for_violence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Halves(torch.nn.Module):
        """The mean colours of the left and right halves of a picture, as normalised."""

        def forward(self, crops: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.adaptive_avg_pool2d(crops, (1, 2)).flatten(1)

    monkeypatch.setattr(vit, "state_of", lambda path: {})
    monkeypatch.setattr(vit, "Backbone", lambda state: Halves())
    monkeypatch.setattr(weights, "resolve", lambda name: tmp_path)
    (tmp_path / "clips").mkdir()
    for name in ("one", "two"):
        shutil.copy(EXAMPLES / "smile.mp4", tmp_path / "clips" / f"{name}.mp4")
    (tmp_path / "clips" / "broken.mp4").write_bytes(b"no video")
    command = ["abaw", "features", str(tmp_path / "clips"), "--whole", "--out", str(tmp_path / "out")]
    assert main(command) == 1  # one file is none
    assert "broken was skipped" in capsys.readouterr().out
    store = FeatureStore.only(tmp_path / "out")
    assert store.encoder == vit.NAME and store.names() == ("one", "two")
    found = store.load("one")
    frames = [frame for batch in video.frames(EXAMPLES / "smile.mp4") for frame in batch]
    assert found.features.shape == (len(frames), 6) and found.scores.shape == (len(frames), 0)
    assert found.seen.all()
    left = frames[100].pixels[:, :160].mean((0, 1)) / 255
    assert found.features[100][::2] == pytest.approx((left - vit.MEAN) / vit.STD, abs=0.02)
