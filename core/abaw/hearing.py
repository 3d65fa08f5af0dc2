"""What a clip sounds like: the audio head's probabilities for every frame (arXiv 2603.12693).

States of the speech encoder go through a perceptron of 128 units, and each frame takes what the state at its
own time says (the paper scales indices, which is the same where sound and picture begin and end together).
Where nobody can be speaking all eight classes are equal (our choice): such a row changes no order, so that
silence says nothing and the picture decides alone.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors import safe_open
from torch import nn

from core import speech, weights
from core.abaw.classes import EXPRESSIONS
from core.abaw.heads import ExpressionHead
from core.abaw.types import ClipScores
from core.errors import Code, UserError
from core.media import audio
from core.types import Audio, FloatArray

HEAD: Final = "facet-abaw-audio"
STAND_IN: Final = (
    "Trained on acted German sentences (EMO-DB, six speakers) instead of AffWild2, which is not public: "
    "acted feelings, and another language than in most clips. It never hears surprise or “other”."
)
SILENCE: Final = 1 / len(EXPRESSIONS)
TAIL: Final = 1.0  # seconds of sound after the last frame that are still heard


@dataclass(frozen=True, slots=True, eq=False)
class Hearing:
    """The speech encoder with the audio head.

    Attributes:
        encoder: of the sound.
        head: its states -> N×8 logits.
        stand_in: a sentence on what the head was really trained on.
    """

    encoder: speech.Speech
    head: nn.Module
    stand_in: str = STAND_IN

    def rows(self, sound: Audio, times: FloatArray) -> FloatArray | None:
        """F×8 probabilities at the times of frames.

        Args:
            sound: at 16 kHz.
            times: F seconds from the first frame, rising.

        Returns:
            Rows sum to 1; None when nothing but silence is heard.
        """
        end = max(round((times[-1] + TAIL - sound.start) * sound.rate), 0) if len(times) else 0
        samples = sound.samples[:end]
        spoken = speech.active(samples, sound.rate)
        if not spoken.any():
            return None
        with torch.inference_mode():
            parts = [
                self.head(torch.from_numpy(block.values)).softmax(1).numpy()
                for block in self.encoder.stream(samples)
            ]
        said = np.concatenate(parts).astype(np.float64)
        said[~spoken] = SILENCE
        return aligned(said, times - sound.start)


def aligned(rows: FloatArray, times: FloatArray) -> FloatArray:
    """The row of the state nearest to each time, silence before the first and after the last.

    Args:
        rows: T×8, one every 20 ms.
        times: F seconds from the first state.
    """
    at = np.rint(times / speech.STEP_SECONDS).astype(np.int64)
    there = (at >= 0) & (at < len(rows))
    found = np.full((len(times), rows.shape[1]), SILENCE)
    found[there] = rows[at[there]]
    return found


def available() -> bool:
    """Whether clips can be heard now: the encoder is fetched only when somebody asks for it."""
    return speech.available() and weights.status(HEAD).present


@lru_cache(maxsize=1)
def load() -> Hearing:
    """Encoder and head, built once a process.

    Raises:
        UserError: their weights cannot be had, or the head is for another encoder.
    """
    with safe_open(weights.resolve(HEAD), "pt") as file:
        if (file.metadata() or {}).get("encoder") != speech.NAME:
            raise UserError(
                Code.WEIGHTS_CORRUPT,
                "The audio head is not for this speech encoder.",
                "Restore the weights folder of this copy, for instance with: git checkout -- weights",
            )
        state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    head = ExpressionHead(speech.DIM)
    head.load_state_dict(state)
    return Hearing(speech.load(), head.eval().requires_grad_(False))


def add(path: Path, scores: dict[int, ClipScores], hearing: Hearing | None) -> dict[int, ClipScores]:
    """The scores of a clip's people with what is heard, the same for everybody.

    Without sound, without speech or without ``hearing`` they stay as they are.
    """
    sound = audio.load(path, speech.RATE) if hearing is not None and scores else None
    if hearing is None or sound is None:
        return scores
    rows = hearing.rows(sound, next(iter(scores.values())).times)
    if rows is None:
        return scores
    return {
        number: replace(one, audio=rows, stand_ins={**one.stand_ins, "audio": hearing.stand_in})
        for number, one in scores.items()
    }
