"""The audio head's training on made-up states."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from core import speech
from core.abaw.classes import EXPRESSIONS
from core.datasets.emodb import Utterance
from core.training import abaw_audio
from core.training.abaw_audio import UNHEARD, Heard
from core.training.loop import Options, Outcome

ACTED = ("anger", "disgust", "fear", "happiness", "neutral", "sadness")
EACH = 12


def heard(speakers: Sequence[str] = ("a", "b"), seed: int = 0) -> Heard:
    """Each speaker says each emotion twice; states point where the emotion is."""
    draw = np.random.default_rng(seed)
    said = [Utterance(Path(f"{s}{e}{n}"), s, "t", e) for s in speakers for e in ACTED for n in range(2)]
    emotions = [EXPRESSIONS.index(one.emotion) for one in said for _ in range(EACH)]
    states = 2 * np.eye(8)[emotions] + draw.normal(0, 0.4, (len(emotions), 8))
    clips = torch.arange(len(said)).repeat_interleave(EACH)
    return Heard(torch.from_numpy(states).half(), torch.zeros(len(states), 3), clips, tuple(said))


def test_rows_are_those_of_the_speakers_with_the_label_of_their_sentence() -> None:
    all_of_it = heard(("a", "b", "c"))
    rows = all_of_it.rows(["b"])
    assert len(rows) == len(ACTED) * 2 * EACH
    assert rows.inputs.argmax(1).eq(rows.labels).float().mean() > 0.9
    assert rows.inputs.dtype == torch.float32
    other = np.zeros(len(all_of_it.utterances), np.int64)
    assert not all_of_it.rows(["b"], emotions=other).labels.any()
    assert all_of_it.rows(["a", "c"], "spectra").inputs.shape == (len(ACTED) * 4 * EACH, 3)


def test_the_head_learns_and_never_says_what_nobody_acted(tmp_path) -> None:
    tuned, checked, held = (heard(("a", "b"), n).rows(["a", "b"]) for n in range(3))
    *_, found = abaw_audio.train(tuned, checked, tmp_path, Options(epochs=25, batch=64, cpu=True))
    assert isinstance(found, Outcome)
    logits = found.model(held.inputs)
    assert logits.argmax(1).eq(held.labels).float().mean() > 0.9
    unheard = [EXPRESSIONS.index(name) for name in UNHEARD]
    assert logits.softmax(1)[:, unheard].max() < 1e-6
    line = abaw_audio.save(found, tmp_path)
    assert abaw_audio.FILE in line
    with safe_open(tmp_path / abaw_audio.FILE, "pt") as file:
        assert file.metadata() == {"encoder": speech.NAME}
        assert {file.get_tensor(name).dtype for name in file.keys()} == {torch.float16}  # noqa: SIM118


class Counting:
    """Hears two states in whatever it is given."""

    calls = 0

    def __call__(self, samples: np.ndarray) -> speech.States:
        type(self).calls += 1
        return speech.States(np.arange(50) / 50, np.ones((50, speech.DIM), np.float32))

    def log_mel(self, samples: np.ndarray) -> torch.Tensor:
        return torch.arange(3000.0).expand(1, 80, 3000)


def test_every_known_sentence_is_heard_once_and_kept(tmp_path, monkeypatch) -> None:
    names = ("fear.flac", "boredom.flac", "anger.flac")
    lines = [f"{name},3,a01,{name.removesuffix('.flac')},16000,1" for name in names]
    (tmp_path / "labels.csv").write_text("\n".join(["file,speaker,text,emotion,sample_rate,seconds", *lines]))
    for name in names:
        (tmp_path / name).touch()
    loud = np.concatenate([np.ones(12800), np.zeros(3200)]).astype(np.float32) / 4
    monkeypatch.setattr(abaw_audio, "sound", lambda path: loud)
    for _ in range(2):
        *_, found = abaw_audio.gather(tmp_path, Counting, tmp_path / "kept.safetensors")
    assert isinstance(found, Heard)
    assert Counting.calls == 2
    assert [one.emotion for one in found.utterances] == ["fear", "anger"]  # boredom has no class in ABAW
    assert found.clips.tolist() == [0] * 50 + [1] * 50  # the pause at the end is within reach of the voice
    assert found.spectra[3, 0] == pytest.approx(6.5)  # the mean of two columns of 10 ms
