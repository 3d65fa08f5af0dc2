"""The speech encoder: its clock, its blocks, and its states against another implementation's."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from core import speech, weights
from core.speech import whisper
from core.speech.whisper import BLOCK, MARGIN, STEP, Speech, blocks

GOLDEN = Path(__file__).parent / "golden.npz"


class Loudness(nn.Module):
    """Each state is the mean log-mel of its own 20 ms: a network that knows its time and nothing else."""

    def forward(self, spectra: torch.Tensor) -> torch.Tensor:
        assert spectra.shape == (1, 80, 2 * BLOCK)
        return spectra.unflatten(2, (-1, 2)).mean((1, 3))[..., None]


def clicks(seconds: float, *at: float) -> np.ndarray:
    samples = np.zeros(round(seconds * speech.RATE), np.float32)
    for moment in at:
        samples[round(moment * speech.RATE)] = 0.9
    return samples


def glide() -> np.ndarray:
    """Three seconds of a rising tone that swells three times a second, in noise."""
    t = np.arange(3 * speech.RATE) / speech.RATE
    tone = 0.3 * np.sin(2 * np.pi * (200 * t + 150 * t * t)) * (1 + np.sin(2 * np.pi * 3 * t)) / 2
    return (tone + 0.01 * np.random.default_rng(0).standard_normal(len(t))).astype(np.float32)


@pytest.mark.parametrize("samples", [1, STEP, STEP + 1, BLOCK * STEP, BLOCK * STEP + 1, 95 * speech.RATE])
def test_every_state_comes_once_whatever_the_length(samples: int) -> None:
    kept = [state for start, first, end in blocks(samples) for state in range(start + first, start + end)]
    assert kept == list(range(-(-samples // STEP)))
    assert all(0 <= first < end <= BLOCK for _, first, end in blocks(samples))


def test_a_state_inside_a_long_sound_has_heard_a_second_to_both_sides() -> None:
    total = 95 * 50
    for start, first, end in blocks(95 * speech.RATE):
        assert first >= MARGIN or start == 0
        assert end <= BLOCK - MARGIN or start + end == total


def test_clicks_are_heard_at_their_times_across_blocks() -> None:
    moments = (3.0, 28.98, 29.5, 61.0)
    found = Speech(Loudness())(clicks(70, *moments))
    assert len(found) == 70 * 50
    assert np.allclose(np.diff(found.times), speech.STEP_SECONDS)
    loud = found.times[found.values[:, 0] > np.median(found.values) + 0.1]
    for moment in moments:
        assert np.abs(loud - moment).min() <= speech.STEP_SECONDS
    assert all(np.abs(np.array(moments) - time).min() <= 2 * speech.STEP_SECONDS for time in loud)


def test_no_sound_has_no_states() -> None:
    assert Speech(Loudness())(np.zeros(0, np.float32)).values.shape == (0, speech.DIM)


def test_without_its_weights_it_is_not_available(tmp_path, monkeypatch) -> None:
    store = weights.Store(weights.installed().entries, tmp_path, tmp_path, True)
    monkeypatch.setattr(weights, "installed", lambda: store)
    assert not speech.available()


@pytest.mark.weights
def test_states_are_those_of_a_plain_implementation(weight) -> None:
    """``golden.npz``: states of :func:`glide` from a plain torch encoder with librosa's mel filters."""
    weight(speech.NAME)
    golden = np.load(GOLDEN)
    found = speech.load()(glide())
    assert found.values.shape == (150, speech.DIM)
    assert np.abs(found.values[golden["at"]] - golden["values"]).max() < 1e-3  # values reach 9


@pytest.mark.weights
def test_a_click_moves_the_states_at_its_time_most(weight) -> None:
    weight(speech.NAME)
    plain = glide()
    before = speech.load()(plain).values
    for moment in (0.6, 2.4):
        after = speech.load()(np.clip(plain + clicks(3, moment), -1, 1)).values
        moved = np.linalg.norm(after - before, axis=1)
        assert abs(moved.argmax() * speech.STEP_SECONDS - moment) <= 0.06


@pytest.mark.weights
def test_a_long_sound_is_the_same_as_its_blocks(weight) -> None:
    weight(speech.NAME)
    rng = np.random.default_rng(1)
    sound = np.tile(glide(), 12) * rng.uniform(0.5, 1, 36 * speech.RATE).astype(np.float32)
    encoder = speech.load()
    found = encoder(sound)
    second = encoder(sound[28 * speech.RATE :])
    joint = 29 * 50
    assert len(found) == 36 * 50
    assert np.abs(found.values[:joint] - encoder(sound[: 30 * speech.RATE]).values[:joint]).max() < 1e-4
    assert np.abs(found.values[joint:] - second.values[whisper.MARGIN :]).max() < 1e-4
