"""Heads that somebody trained: found in a folder, taken where they fit, left out where they do not."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from core import weights
from core.abaw import models, trained, whole
from core.abaw.analyse import Analysis, analyse
from core.abaw.features import FeatureStore
from core.abaw.trained import HEAD, fitting, head
from core.datasets.frame_labels import Task
from core.errors import UserError
from core.settings import settings
from core.vision_language import vit

EXAMPLE = Path(__file__).parents[3] / "demos" / "abaw" / "examples" / "smile.mp4"
STORE = FeatureStore(Path(), "tiny", "0" * 12)


def put(
    folder: Path, task: Task, features: str = STORE.folder.name, dim: int = 6, branch: str = "features"
) -> None:
    """An untrained head as ``train abaw`` writes it."""
    torch.manual_seed(0)
    folder.mkdir(parents=True)
    about = {"task": task.value, "dim": str(dim), "branch": branch, "features": features, "length": "8"}
    save_file(head(task, dim).state_dict(), folder / HEAD, about)


def test_heads_that_fit_are_found_and_others_left_out(tmp_path: Path) -> None:
    put(tmp_path / "expr", Task.EXPRESSION)
    put(tmp_path / "other", Task.DIMENSIONS, features="another-encoder")
    put(tmp_path / "second", Task.UNITS, branch="scores")
    (tmp_path / "empty").mkdir()
    found = fitting(tmp_path, [STORE])
    assert set(found) == {Task.EXPRESSION}
    assert found[Task.EXPRESSION].model(torch.zeros(2, 6)).shape == (2, 8)


def test_of_two_heads_for_one_task_the_first_by_name_counts(tmp_path: Path) -> None:
    put(tmp_path / "b", Task.EXPRESSION)
    put(tmp_path / "a", Task.EXPRESSION, dim=6)
    first = fitting(tmp_path, [STORE])[Task.EXPRESSION]
    torch.testing.assert_close(
        first.model.state_dict(), trained.Trained.load(tmp_path / "a", STORE).model.state_dict()
    )


@pytest.mark.parametrize("content", [b"", b"no head", b"\x08" + bytes(7) + b"{}      "])
def test_a_file_that_is_no_head_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "expr").mkdir()
    (tmp_path / "expr" / HEAD).write_bytes(content)
    with pytest.raises(UserError, match="expr") as trouble:
        fitting(tmp_path, [STORE])
    assert str(tmp_path) not in trouble.value.message + trouble.value.hint


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of heads that the settings name."""
    monkeypatch.setenv("FACET_ABAW_HEADS", str(tmp_path))
    settings.cache_clear()
    models._load.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    settings.cache_clear()
    models._load.cache_clear()


def test_a_trained_head_takes_the_place_of_a_stand_in(own: Path) -> None:
    encoder = models._bundled("facet-expression").encoder
    name = FeatureStore(Path(), encoder.card.name, encoder.fingerprint).folder.name
    put(own / "va", Task.DIMENSIONS, features=name, dim=encoder.card.dim)
    put(own / "old", Task.EXPRESSION, features="facet-expression-000000000000", dim=encoder.card.dim)
    loaded = models.load()
    assert "dimensions" not in loaded.stand_ins and "expression" in loaded.stand_ins
    wanted = trained.Trained.load(own / "va", FeatureStore(Path(), encoder.card.name, encoder.fingerprint))
    some = torch.randn(3, encoder.card.dim)
    torch.testing.assert_close(loaded.modules["dimensions"](some), wanted.model(some))
    assert loaded.watching is None


def test_a_violence_head_scores_every_frame(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Halves(torch.nn.Module):
        def forward(self, crops: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.adaptive_avg_pool2d(crops, (1, 2)).flatten(1)

    put(own / "violence", Task.VIOLENCE, features=whole.store(Path()).folder.name)
    monkeypatch.setattr(vit, "load", Halves)
    present = weights.status("yunet")
    monkeypatch.setattr(weights, "status", lambda name: present if name == vit.NAME else weights.entry(name))
    loaded = models._load("facet-expression", own)
    *_, found = analyse(EXAMPLE, loaded)
    assert isinstance(found, Analysis)
    scores = found.scores[found.tracks[0].number]
    assert scores.violence is not None and scores.violence.shape == (found.frames,)
    assert np.isfinite(scores.violence).all() and 0 <= scores.violence.min() <= scores.violence.max() <= 1
    assert found.seconds["pictures"] > 0
