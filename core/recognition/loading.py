"""Load recognisers once a process, say which can be had, and embed batches with several of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core import weights
from core.faces.align import align_batch
from core.recognition.base import Recognizer, recognizers
from core.types import Face, FloatArray, Pixels


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether a recogniser can be used now.

    Attributes:
        name: the recogniser.
        present: its weights are on this machine.
        reason: one sentence on what is missing; empty when present.
        bytes_to_fetch: size of the download that would make it usable, 0 when present.
    """

    name: str
    present: bool
    reason: str
    bytes_to_fetch: int


def load(name: str) -> Recognizer:
    """The recogniser called ``name``, built at the first call and shared by the whole process.

    Args:
        name: one of ``recognizers``.

    Returns:
        In evaluation mode, parameters without gradients; safe to call from several threads.

    Raises:
        UserError: an unknown name, or weights that cannot be had (codes ``weights-…``).
    """
    return recognizers.shared(name)


def available() -> tuple[Availability, ...]:
    """State of every registered recogniser, without fetching or loading anything."""
    states = ((name, weights.status(name)) for name in recognizers)
    return tuple(
        Availability(name, state.present, "" if state.present else state.reason, state.bytes_to_fetch)
        for name, state in states
    )


def embed(names: Sequence[str], aligned: Tensor, *, batch: int = 16) -> dict[str, Tensor]:
    """Embed faces with several recognisers, in batches and without gradients.

    For gradients call the members themselves: ``load(name)(aligned)``.

    Args:
        names: recognisers, each loaded when needed.
        aligned: N×3×224×224 RGB in 0..1, the canonical frame; N may be 0.
        batch: faces in one forward pass.

    Returns:
        N×dim unit embeddings by name.
    """
    found: dict[str, Tensor] = {}
    with torch.inference_mode():
        for name in names:
            model = load(name)
            parts = [model(part) for part in torch.split(aligned, batch)] if len(aligned) else []
            found[name] = torch.cat(parts) if parts else aligned.new_empty(0, model.dim)
    return found


def embedder(name: str) -> Callable[[Pixels, Sequence[Face]], FloatArray]:
    """A recogniser as ``core.faces.track.Tracker`` takes it: pixels and N faces -> N×dim unit embeddings.

    Raises:
        UserError: at once, when its weights cannot be had.
    """
    load(name)

    def run(pixels: Pixels, faces: Sequence[Face]) -> FloatArray:
        vectors: FloatArray = embed([name], align_batch([(pixels, face) for face in faces]))[name].numpy()
        return vectors

    return run
