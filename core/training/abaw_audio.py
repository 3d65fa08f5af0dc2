"""The audio head of the ABAW tab from EMO-DB: :func:`gather`, :func:`train`, :func:`save`.

AffWild2 is not public, so the head learns from acted German sentences: a stand-in, named as one on the
screen. Each state of the speech encoder is one row and has the label of its whole sentence, as a frame has in
ABAW; states of silence are left out. Boredom is left out too: "other" in ABAW is whatever the seven are not,
and a head that knew it as boredom alone would hear it in every tired voice. Nobody acts surprise. The logits
of both are held down.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from core import speech
from core.abaw.classes import EXPRESSIONS
from core.abaw.heads import ExpressionHead, class_weights, expression_loss
from core.datasets import emodb
from core.datasets.emodb import Utterance
from core.training import bundled, loop
from core.training.abaw_stand_ins import Rows, never, recipe
from core.training.loop import Options, Outcome
from core.types import FloatArray, Progress

UNHEARD: Final = ("surprise", "other")
FILE: Final = "facet_abaw_audio.safetensors"
STATES: Final = "emodb-states.safetensors"
OPTIONS: Final = Options(epochs=12, batch=256, cpu=True)


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """All states in which something is said.

    Attributes:
        states: N×384 of the encoder.
        spectra: N×80, the log-mel spectrum at the same times, for the control.
        clips: N int64, which utterance.
        utterances: the sentences, in the order of their numbers.
    """

    states: Tensor
    spectra: Tensor
    clips: Tensor
    utterances: tuple[Utterance, ...]

    @property
    def emotions(self) -> NDArray[np.int64]:
        """ABAW's class of each utterance."""
        return np.array([EXPRESSIONS.index(one.emotion) for one in self.utterances], np.int64)

    def rows(
        self, speakers: Sequence[str], of: str = "states", emotions: NDArray[np.int64] | None = None
    ) -> Rows:
        """Inputs and labels of some speakers.

        Args:
            speakers: whose.
            of: ``states`` or ``spectra``.
            emotions: other labels of the utterances, for a control.
        """
        labels = torch.from_numpy(self.emotions if emotions is None else emotions)
        chosen = torch.tensor([one.speaker in speakers for one in self.utterances])[self.clips]
        inputs: Tensor = getattr(self, of)
        return Rows(inputs[chosen].float(), labels[self.clips[chosen]])


def known(root: Path) -> tuple[Utterance, ...]:
    """The utterances of EMO-DB whose emotion ABAW has."""
    return tuple(one for one in emodb.read(root) if one.emotion in EXPRESSIONS)


def gather(root: Path, encoder: Callable[[], speech.Speech], kept: Path) -> Iterator[Progress | Heard]:
    """Hear every sentence once.

    Args:
        root: the folder of EMO-DB.
        encoder: gives the speech encoder when it is needed.
        kept: a file in which the states are kept in half precision, and found again.

    Yields:
        Progress, then everything that was heard.
    """
    utterances = known(root)
    if not kept.is_file():
        parts: list[tuple[Tensor, Tensor, Tensor]] = []
        for number, one in enumerate(utterances):
            yield Progress(number / len(utterances), f"Hearing {one.path.name}")
            states, spectra = hear(sound(one.path), encoder())
            parts.append((states.half(), spectra.half(), torch.full((len(states),), number)))
        kept.parent.mkdir(parents=True, exist_ok=True)
        names = ("states", "spectra", "clips")
        save_file(dict(zip(names, map(torch.cat, zip(*parts, strict=True)), strict=True)), kept)
    yield Heard(**load_file(kept), utterances=utterances)


def sound(path: Path) -> FloatArray:
    """A recording as 16 kHz mono."""
    import librosa

    return np.asarray(librosa.load(path, sr=speech.RATE, mono=True)[0], np.float32)


def hear(samples: FloatArray, encoder: speech.Speech) -> tuple[Tensor, Tensor]:
    """N×384 states and N×80 log-mel spectra of the moments of at most 30 s that are not silent."""
    states = torch.from_numpy(encoder(samples).values)
    pairs = encoder.log_mel(samples)[0].reshape(80, -1, 2).mean(2).T[: len(states)]
    spoken = torch.from_numpy(speech.active(samples, speech.RATE))
    return states[spoken], pairs[spoken]


def train(
    tuned: Rows, checked: Rows, folder: Path, options: Options = OPTIONS
) -> Iterator[Progress | Outcome]:
    """Train one head; the epoch with the lowest loss on the validation speakers is kept.

    Args:
        tuned: rows of the training speakers.
        checked: rows of the validation speakers.
        folder: for the loop's checkpoints.
        options: of the loop.
    """
    torch.manual_seed(options.seed)
    head = ExpressionHead(tuned.inputs.shape[1])
    loss = partial(expression_loss, weights=class_weights(tuned.labels))
    for event in loop.run(recipe(head, tuned, checked, loss), folder, options):
        if isinstance(event, Outcome):
            never(event.model, UNHEARD)
        yield event


def save(outcome: Outcome, folder: Path) -> str:
    """Write the head to the folder of weights, with the name of its encoder; the manifest's line."""
    state = {name: value.detach().half().contiguous() for name, value in outcome.model.state_dict().items()}
    return bundled.install(state, folder / FILE, {"encoder": speech.NAME})
