"""The audio head's rows: at their times, silent where nobody speaks, and no more than a vote."""

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from core import speech
from core.abaw import hearing, models
from core.abaw.analyse import Analysis, analyse
from core.abaw.classes import EXPRESSIONS
from core.abaw.decide import decide
from core.abaw.hearing import SILENCE, Hearing, aligned
from core.abaw.types import Options
from core.media import audio
from core.speech.whisper import BLOCK
from core.types import Audio
from tests.core.abaw.abaw_fakes import random_scores

RATE = speech.RATE
ANGER, SADNESS = EXPRESSIONS.index("anger"), EXPRESSIONS.index("sadness")
TIMES = np.arange(100) / 25


class Pitch(nn.Module):
    """States tell high sound from low: one number each, the difference of the spectrum's halves."""

    def forward(self, spectra: torch.Tensor) -> torch.Tensor:
        per_state = spectra.reshape(1, 80, BLOCK, 2).mean(3)
        return (per_state[:, 40:].mean(1) - per_state[:, :40].mean(1))[..., None]


class HighIsAnger(nn.Module):
    """High sound is anger, low sound sadness."""

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        logits = torch.full((len(states), len(EXPRESSIONS)), -10.0)
        logits[:, ANGER], logits[:, SADNESS] = 20 * states[:, 0], -20 * states[:, 0]
        return logits


EAR = Hearing(speech.Speech(Pitch()), HighIsAnger(), "made up")


def tone(seconds: float, pitch: float) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.2 * np.sin(2 * np.pi * pitch * time)).astype(np.float32)


LOW_PAUSE_HIGH = np.concatenate([tone(1, 200), np.zeros(RATE, np.float32), tone(2, 4000)])


@pytest.mark.parametrize("start", [0.0, -0.5, 0.4])
def test_rows_follow_the_sound_on_the_clock_of_the_frames(start: float) -> None:
    rows = EAR.rows(Audio(LOW_PAUSE_HIGH, RATE, start), TIMES)
    assert rows.shape == (100, len(EXPRESSIONS))
    assert np.allclose(rows.sum(1), 1)
    heard = TIMES - start
    low, high = (heard > 0.1) & (heard < 0.9), (heard > 2.1) & (heard < 3.9)
    pause = (heard > 1.25) & (heard < 1.75)
    assert (rows[low].argmax(1) == SADNESS).all() and rows[low].max() > 0.9
    assert (rows[pause] == SILENCE).all()
    assert (rows[high].argmax(1) == ANGER).all()
    assert (rows[heard < -0.02] == SILENCE).all() and (rows[heard > 4.02] == SILENCE).all()


def test_a_frame_takes_the_nearest_state() -> None:
    rows = np.arange(10.0)[:, None].repeat(8, 1)
    found = aligned(rows, np.array([-0.011, -0.009, 0.0, 0.029, 0.031, 0.18, 0.2]))[:, 0]
    assert found.tolist() == [SILENCE, 0, 0, 1, 2, 9, SILENCE]


def test_sound_without_speech_has_no_rows() -> None:
    assert EAR.rows(Audio(np.zeros(4 * RATE, np.float32), RATE, 0.0), TIMES) is None
    assert EAR.rows(Audio(tone(1, 200), RATE, 60.0), TIMES) is None  # begins after the last frame


def test_sound_long_after_the_last_frame_is_not_heard() -> None:
    heard = []

    def stream(samples: np.ndarray) -> Iterator[speech.States]:
        heard.append(len(samples))
        return EAR.encoder.stream(samples)

    replace(EAR, encoder=SimpleNamespace(stream=stream)).rows(Audio(tone(60, 200), RATE, 0.0), TIMES)
    assert heard == [round((TIMES[-1] + hearing.TAIL) * RATE)]


def test_silence_never_changes_what_the_picture_says() -> None:
    scores = random_scores(100, missing=0, audio=np.full((100, 8), SILENCE))
    plain = decide(scores, Options(confidence=1))
    for weight in (0.05, 0.5, 0.9):
        assert (decide(scores, Options(confidence=1, visual_weight=weight)).final == plain.final).all()


def test_all_people_of_a_clip_get_the_same_rows_and_the_sentence(monkeypatch, tmp_path) -> None:
    people = {n: random_scores(100, seed=n, audio=None) for n in (0, 4)}
    monkeypatch.setattr(audio, "load", lambda path, rate: Audio(LOW_PAUSE_HIGH, rate, 0.0))
    found = hearing.add(tmp_path, people, EAR)
    assert (found[0].audio == found[4].audio).all()
    assert found[4].stand_ins["audio"] == "made up"
    assert found[4].mlp is people[4].mlp
    monkeypatch.setattr(audio, "load", lambda path, rate: None)
    assert hearing.add(tmp_path, people, EAR) is people


def test_without_an_ear_the_sound_is_not_even_decoded(monkeypatch, tmp_path) -> None:
    def decoded(path, rate):
        raise AssertionError

    monkeypatch.setattr(audio, "load", decoded)
    people = {0: random_scores(10, audio=None)}
    assert hearing.add(tmp_path, people, None) is people


def test_models_hear_only_while_the_encoder_is_here(monkeypatch) -> None:
    monkeypatch.setattr(hearing, "available", lambda: False)
    assert models.load().ear is None
    monkeypatch.setattr(hearing, "available", lambda: True)
    monkeypatch.setattr(hearing, "load", lambda: EAR)
    assert models.load().ear is EAR  # fetched since, and no restart needed


@pytest.mark.weights
@pytest.mark.data
def test_a_real_clip_with_sound_is_heard_in_every_frame(weight, data_dir) -> None:
    weight(speech.NAME)
    *_, found = analyse(data_dir / "video" / "mead_M030_sad_3_001.mp4", models.load())
    assert isinstance(found, Analysis)
    scores = found.scores[found.tracks[0].number]
    assert scores.audio.shape == (found.frames, len(EXPRESSIONS))
    assert np.allclose(scores.audio.sum(1), 1)
    assert scores.stand_ins["audio"] == hearing.STAND_IN
    assert found.seconds["sound"] > 0
    spoken = (scores.audio != SILENCE).any(1)
    assert 0.2 < spoken.mean() <= 1
    assert scores.audio[spoken][:, EXPRESSIONS.index("surprise")].max() < 1e-6
    picture, both = (decide(scores, Options(confidence=1, visual_weight=w)) for w in (1.0, 0.0))
    assert not np.allclose(picture.probabilities, both.probabilities)
