"""Where anybody may be speaking: a threshold on the level of the sound (our choice).

The level is measured every 20 ms. A moment counts when it is within 25 dB of the clip's own loud moments and
above -50 dB of full scale, or when such a moment is at most 0.2 s away, so that pauses inside a word stay in.
Music and noise pass: this tells silence from sound, not speech from anything else.
"""

from typing import Final

import numpy as np

from core.types import FloatArray, Mask

FLOOR: Final = -50.0  # dB of full scale
BELOW_LOUD: Final = 25.0  # dB
LOUD: Final = 0.95  # quantile of the levels
REACH: Final = 0.2  # seconds
STEP: Final = 0.02  # seconds


def levels(samples: FloatArray, rate: int) -> FloatArray:
    """Root mean square of each 20 ms in dB of full scale; the last piece may be shorter."""
    size = round(STEP * rate)
    count = -(-len(samples) // size)
    padded = np.zeros(count * size)
    padded[: len(samples)] = samples
    power = np.square(padded.reshape(count, size)).mean(1)
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)))


def active(samples: FloatArray, rate: int) -> Mask:
    """Which pieces of 20 ms may hold speech.

    Args:
        samples: N in -1..1, mono.
        rate: samples a second.

    Returns:
        ``ceil(N / (rate / 50))`` bool.
    """
    found = levels(samples, rate)
    if not len(found):
        return np.zeros(0, bool)
    loud = found >= max(FLOOR, float(np.quantile(found, LOUD)) - BELOW_LOUD)
    reach = round(REACH / STEP)
    near = np.convolve(loud, np.ones(2 * reach + 1))[reach : reach + len(loud)]
    return np.asarray(near > 0.5)
