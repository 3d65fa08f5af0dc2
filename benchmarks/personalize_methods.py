"""What ``benchmarks.personalize_people`` compares: the method, its peers, its ablations and its controls."""

from dataclasses import replace
from typing import Final

import numpy as np

from core.personalize.methods import Choice, Method, Personalized, ZeroShot
from core.personalize.options import ABLATIONS, JUNE, MARCH, Options, ablate
from core.personalize.peers import EntropyTuning, Tda
from core.personalize.subjects import Sources, statistics
from core.types import FloatArray

FULL: Final = "TTA-CaP, ours"


class Shares(ZeroShot):
    """Control: of the same nearest people only how common each class is, added to the zero-shot logits."""

    def __init__(self, text: FloatArray, scale: float, sources: Sources, options: Options) -> None:
        super().__init__(text, scale)
        self.sources, self.options = sources, options
        self._logs = np.zeros(len(text))

    def meet(self, subject: str, embeddings: FloatArray) -> None:
        """See :class:`core.personalize.methods.Method`."""
        _, lent = self.sources.borrow(statistics(embeddings), self.options)
        counts = np.bincount(lent.labels, minlength=len(self.text)) + 1.0
        self._logs = np.log(counts / counts.sum())

    def step(self, embedding: FloatArray) -> FloatArray:
        """See :class:`core.personalize.methods.Method`."""
        logits: FloatArray = super().step(embedding) + self._logs
        return logits


def methods(text: FloatArray, scale: float, sources: Sources) -> dict[str, Method]:
    """By name, the full method first."""
    ours = Options()
    lending = replace(ours, borrowing="subject", nearest_sources=20)

    def full(options: Options, choice: Choice = "nearest", seed: int = 0) -> Method:
        return Personalized(text, scale, options, sources, choice=choice, seed=seed)

    found: dict[str, Method] = {
        FULL: full(ours),
        "zero-shot": ZeroShot(text, scale),
        "TDA": Tda(text, scale),
        "entropy tuning a frame": EntropyTuning(text, scale, "frame"),
        "entropy tuning a video": EntropyTuning(text, scale, "video"),
        "March 2026": full(MARCH),
        "June 2026": full(JUNE),
    }
    found |= {name: full(ablate(ours, name)) for name in ABLATIONS}
    return found | {
        "source cache alone": full(replace(ours, lambda_positive=0.0, lambda_negative=0.0)),
        "random people": full(ours, "random"),
        "farthest people": full(ours, "farthest"),
        "all 232 people": full(replace(ours, nearest_sources=1000)),
        "20 nearest people lend all": full(lending),
        "their class shares alone": Shares(text, scale, sources, lending),
        "entries vote by shares": full(replace(ours, entry_votes="shares")),
        "gates on zero-shot": full(replace(ours, judge="zero-shot")),
    }
