"""Silence told from sound."""

import numpy as np

from core.speech.activity import active, levels

RATE = 16000


def hum(seconds: float, level: float) -> np.ndarray:
    """A tone of this many dB of full scale."""
    time = np.arange(round(seconds * RATE)) / RATE
    return (np.sqrt(2) * 10 ** (level / 20) * np.sin(2 * np.pi * 200 * time)).astype(np.float32)


def test_levels_are_those_of_the_tone() -> None:
    assert np.abs(levels(hum(1, -20), RATE) + 20).max() < 0.01
    assert len(levels(np.zeros(321), RATE)) == 2


def test_speech_between_silences_is_found_with_a_little_before_and_after() -> None:
    samples = np.concatenate([np.zeros(RATE), hum(1, -20), np.zeros(RATE)])
    found = active(samples, RATE)
    assert len(found) == 150
    assert found[40:110].all()
    assert not found[:39].any() and not found[111:].any()


def test_a_pause_inside_a_word_stays_in_and_a_long_one_does_not() -> None:
    def paused(seconds: float) -> np.ndarray:
        return active(np.concatenate([hum(1, -20), np.zeros(round(seconds * RATE)), hum(1, -20)]), RATE)

    assert paused(0.3).all()
    assert not paused(1.0).all()


def test_quiet_background_beside_loud_speech_is_silence_and_so_is_a_quiet_room() -> None:
    both = active(np.concatenate([hum(2, -15), hum(2, -55)]), RATE)
    assert both[:100].all() and not both[111:].any()
    assert not active(hum(2, -60), RATE).any()
    assert active(hum(2, -45), RATE).all()  # a soft voice alone


def test_no_samples_are_no_moments() -> None:
    assert active(np.zeros(0), RATE).shape == (0,)
