"""``train stand-ins``: what the rule read is kept for the next encoder, and weights/ takes the heads."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors import safe_open

from core.__main__ import main
from core.abaw.classes import ACTION_UNITS
from core.datasets.expressions import LabelledFaces, Part
from core.expression.base import Card, Encoder, encoders
from core.expression.crop import Framing
from core.expressions import EXPRESSIONS
from core.training import abaw_stand_ins, abaw_teacher, stand_ins_command
from core.types import Face, Pixels


class Tiny(torch.nn.Module):
    """Fixed features of an 8×8 crop."""

    def __init__(self, dim: int, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.weight = torch.nn.Parameter(torch.randn(64, dim, generator=generator) / 8)

    def forward(self, crops: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = crops.flatten(1) @ self.weight
        return features, features[:, : len(EXPRESSIONS)]


def tiny(name: str, dim: int = 10, seed: int = 0) -> Encoder:
    card = Card(name, name, EXPRESSIONS, 8, dim, Framing(), "grey", (0.5,), (0.5,), "made up")
    return Encoder(card, Tiny(dim, seed))


def gather(root: Path, name: str, wanted: Part, size: int) -> LabelledFaces:
    rng = np.random.default_rng(len(name) + len(wanted))
    labels = np.arange(70, dtype=np.int64) % 7
    pixels = (
        rng.integers(0, 60, (70, size, size), dtype=np.uint8) + (labels * 25).astype(np.uint8)[:, None, None]
    )
    return LabelledFaces(pixels, labels, tuple(map(str, labels)))


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Made-up data, a rule that reads brightness, and how many stills it was shown at a time."""
    asked: list[int] = []

    def find(pictures: Sequence[Pixels]) -> tuple[tuple[Face, ...], ...]:
        asked.append(len(pictures))
        return tuple((_face(picture),) if number else () for number, picture in enumerate(pictures))

    def measure(faces: Sequence[Face]) -> np.ndarray:
        return np.repeat(np.array([[face.score] for face in faces], np.float32), 52, axis=1)

    monkeypatch.setattr(abaw_stand_ins, "gather", gather)
    monkeypatch.setattr(abaw_teacher, "find_batch", find)
    monkeypatch.setattr(abaw_teacher.blendshapes, "measure", measure)
    return asked


def _face(picture: Pixels) -> Face:
    points = np.random.default_rng(1).uniform(0, 100, (478, 2)).astype(np.float32)
    return Face((0, 0, 9, 9), float(picture.mean()) / 255, points[:5], points)


def test_the_rule_looks_at_the_same_stills_once(looked: list[int], tmp_path: Path) -> None:
    file, faces = tmp_path / "teacher" / "ckplus-training.npz", gather(tmp_path, "ckplus", "training", 48)
    *events, first = abaw_teacher.measured(faces, file)
    assert sum(looked) == 70 and events[-1].done == 1.0
    assert np.isnan(first.readings).all(1).sum() == len(looked)  # one still a batch shows no face
    assert first.readings.shape == (70, len(ACTION_UNITS))
    looked.clear()
    (again,) = abaw_teacher.measured(faces, file)
    assert not looked
    np.testing.assert_array_equal(again.readings, first.readings)
    assert [kept.name for kept in file.parent.iterdir()] == [file.name]
    *_, other = abaw_teacher.measured(gather(tmp_path, "ckplus", "test", 48), file)
    assert sum(looked) == 70
    assert not np.array_equal(other.readings, first.readings, equal_nan=True)


def test_an_interrupted_measurement_leaves_nothing_that_looks_whole(
    looked: list[int], tmp_path: Path
) -> None:
    file, faces = tmp_path / "ckplus-training.npz", gather(tmp_path, "ckplus", "training", 48)
    events = abaw_teacher.measured(faces, file)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert not file.exists()


def test_the_command_trains_for_one_encoder_then_another_and_measures_once(
    looked: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    members = {"tiny-a": tiny("tiny-a"), "tiny-b": tiny("tiny-b", dim=12, seed=1)}
    monkeypatch.setattr(encoders, "_factories", {name: lambda n=name: members[n] for name in members})
    monkeypatch.setattr(encoders, "_shared", {})
    weights_dir = tmp_path / "weights"
    weights_dir.mkdir()
    monkeypatch.setattr(stand_ins_command, "settings", lambda: SimpleNamespace(weights_dir=weights_dir))
    manifest, file = weights_dir / "manifest.toml", weights_dir / abaw_stand_ins.FILE
    manifest.write_text(f'files = [\n  {{ path = "{file.name}", sha256 = "00", bytes = 1 }},\n]\n')
    chosen = ["train", "stand-ins", "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    for name, stills, dim in (("tiny-a", 4 * 70, 10), ("tiny-b", 0, 12)):
        looked.clear()
        assert main([*chosen, "--encoder", name]) == 0
        assert sum(looked) == stills
        told = capsys.readouterr().out.strip()
        body = file.read_bytes()
        assert hashlib.sha256(body).hexdigest() in told
        assert manifest.read_text() == f"files = [\n  {told}\n]\n"
        with safe_open(file, "pt") as opened:
            assert opened.metadata() == {"encoder": name}
            assert opened.get_tensor("expression.0.weight").shape == (128, dim)
            assert {"scale.low", "scale.high", "units.2.bias", "dimensions.0.weight"} <= set(opened.keys())


def test_new_weights_of_an_encoder_start_a_run_of_their_own(looked: list[int], tmp_path: Path) -> None:
    heads = []
    for seed in (0, 1):
        *_, found = abaw_stand_ins.run(tmp_path, tiny("tiny", seed=seed), tmp_path / "out")
        assert isinstance(found, dict)
        heads.append(found)
    assert len([folder for folder in (tmp_path / "out").iterdir() if folder.name != "teacher"]) == 2
    assert not torch.equal(heads[0]["expression.0.weight"], heads[1]["expression.0.weight"])
    *_, again = abaw_stand_ins.run(tmp_path, tiny("tiny", seed=1), tmp_path / "out")
    assert isinstance(again, dict)
    assert torch.equal(heads[1]["expression.0.weight"], again["expression.0.weight"])


def test_an_unknown_encoder_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ["train", "stand-ins", "--data", str(tmp_path), "--out", str(tmp_path)]
    assert main([*chosen, "--encoder", "nobody"]) == 1
    assert "nobody" in capsys.readouterr().err
