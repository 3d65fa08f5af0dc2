"""The encoder of Whisper tiny.en on sound of any length (Radford et al., arXiv 2212.04356).

    load()(samples).values

The network takes 30 s at a time. Longer sound goes through in blocks that overlap by two margins, so that
each state has heard at least a second to both sides, and only one block is in memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from core import weights
from core.speech.network import from_checkpoint
from core.types import FloatArray

NAME: Final = "whisper-tiny-en"
RATE: Final = 16000
DIM: Final = 384
STEP: Final = 320  # samples between two states
STEP_SECONDS: Final = STEP / RATE
BLOCK: Final = 1500  # states of 30 s
MARGIN: Final = 50  # states


@dataclass(frozen=True, slots=True, eq=False)
class States:
    """What the encoder makes of a stretch of sound.

    Attributes:
        times: T float, seconds from the first sample; each state is centred at its time.
        values: T×D float32.
    """

    times: FloatArray
    values: FloatArray

    def __len__(self) -> int:
        return len(self.times)


class Speech:
    """A speech encoder: 16 kHz mono sound -> a state every 20 ms."""

    def __init__(self, net: nn.Module) -> None:
        """Take a network from 1×80×3000 log-mel spectra to 1×1500×D states."""
        import transformers

        self.net = net.eval().requires_grad_(False)
        extractor: Any = transformers.WhisperFeatureExtractor
        self._spectra = extractor()  # its defaults are those of tiny.en

    def __call__(self, samples: FloatArray) -> States:
        """All states at once; see :meth:`stream`."""
        blocks = list(self.stream(samples))
        if not blocks:
            return States(np.zeros(0), np.zeros((0, DIM), np.float32))
        return States(
            np.concatenate([block.times for block in blocks]),
            np.concatenate([block.values for block in blocks]),
        )

    def stream(self, samples: FloatArray) -> Iterator[States]:
        """States of at most 30 s at a time.

        Args:
            samples: N in -1..1 at 16 kHz, mono.

        Yields:
            Stretches that follow each other; together ``ceil(N / 320)`` states.
        """
        for start, first, end in blocks(len(samples)):
            heard = np.asarray(samples[start * STEP : (start + BLOCK) * STEP], np.float32)
            with torch.inference_mode():
                found = self.net(self.log_mel(heard))[0]
            kept = found[first:end].numpy()
            yield States(np.arange(start + first, start + end) * STEP_SECONDS, kept)

    def log_mel(self, samples: FloatArray) -> Tensor:
        """1×80×3000 log-mel spectra of at most 30 s, a column every 10 ms; silence follows shorter sound."""
        found = self._spectra(samples, sampling_rate=RATE, return_tensors="pt").input_features
        return torch.as_tensor(found)


def blocks(count: int) -> Iterator[tuple[int, int, int]]:
    """How ``count`` samples go through the network.

    Yields:
        First state of a block, and from which to which of the block's own states are kept.
    """
    total, start = -(-count // STEP), 0
    while total:
        last = start + BLOCK >= total
        yield start, MARGIN if start else 0, total - start if last else BLOCK - MARGIN
        if last:
            return
        start += BLOCK - 2 * MARGIN


def available() -> bool:
    """Whether the encoder's weights are on this machine; asks no network."""
    return weights.status(NAME).present


@lru_cache(maxsize=1)
def load() -> Speech:
    """The encoder in single precision, built once a process; safe to call from several threads.

    Raises:
        UserError: its weights cannot be had (codes ``weights-…``).
    """
    file = torch.load(weights.resolve(NAME), map_location="cpu", weights_only=True, mmap=True)
    return Speech(from_checkpoint(file["dims"], file["model_state_dict"]))
