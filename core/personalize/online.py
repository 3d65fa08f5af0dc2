"""The loop of TTA-CaP: one frame at a time, retrieval and update in the order that the options name.

What comes later depends on what came before: the caches hold the first confident frames until better ones
appear, so the same frames in another order may get other answers. That is the method, not a fault.
"""

from collections import deque
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.personalize import gates
from core.personalize.caches import Cache
from core.personalize.fuse import Fused, fuse
from core.personalize.options import Options
from core.personalize.retrieve import Found, Shelf, entries
from core.personalize.types import Answer, Gate, Kept, Prototypes, Step, Taken
from core.personalize.vectors import Vectors, entropy, softmax, unit
from core.types import FloatArray


class Session:
    """One person's caches and the clip that is running; never shared between people.

    Nothing in here has parameters or gradients: embeddings go in as they are, texts stay as they were given.

    Attributes:
        text: K×D float32 unit vectors of the classes, read-only.
        scale: logit scale, for instance 100.
        positive, negative: the person's caches.
        shelf: prototypes of the source subjects that were chosen for this person.
        entropy_unit: nats that one unit of the measured entropy stands for.
    """

    def __init__(
        self,
        text: FloatArray | Tensor,
        scale: float,
        options: Options | None = None,
        prototypes: Prototypes | None = None,
    ) -> None:
        self.options = options if options is not None else Options()
        self.text = unit(_array(text))
        self.text.flags.writeable = False
        self.scale = scale
        classes, dim = self.text.shape
        self.positive = Cache(classes, self.options.positive_capacity, dim)
        self.negative = Cache(classes, self.options.negative_capacity, dim)
        self.entropy_unit = log(classes) if self.options.normalise_entropy and classes > 1 else 1.0
        self._labels: deque[int] = deque(maxlen=self.options.window)
        self._frame = 0
        self._seen = 0
        self._sum = np.zeros(classes)
        self.lend(prototypes)

    def lend(self, prototypes: Prototypes | None) -> None:
        """Put these prototypes on the shelf in place of those before; None empties it.

        Raises:
            ValueError: vectors of another length than the texts', or a class that they do not have.
        """
        classes, dim = self.text.shape
        if prototypes is None or not self.options.nearest_sources:
            prototypes = Prototypes(np.zeros((0, dim), np.float32), np.zeros(0, np.int64), ())
        if prototypes.vectors.shape[1] != dim:
            raise ValueError("prototypes and texts are embeddings of one model")
        self.shelf = Shelf(prototypes, classes, self.options.neighbours)

    def begin(self) -> None:
        """Start the next clip of this person: its window and its mean start anew.

        With the scope "video" the caches are emptied too.
        """
        self._labels.clear()
        self._seen = 0
        self._sum = np.zeros_like(self._sum)
        if self.options.scope == "video":
            self.positive.clear()
            self.negative.clear()

    @property
    def frames(self) -> int:
        """How many frames this session has seen: the number that the next one gets."""
        return self._frame

    def step(self, embedding: FloatArray | Tensor) -> Step:
        """Read one frame.

        Args:
            embedding: D numbers of any positive scale, without a gradient.

        Raises:
            ValueError: another length than the texts', zero, or not finite.
        """
        look = self._look(embedding)
        early = self.options.retrieval == "before"
        fused = self._fuse(look) if early else None
        judged = fused.logits if fused is not None and self.options.judge == "fused" else look.logits
        verdict = self._judge(judged, look.scores)
        kept, refused = self._update(look.vector, verdict)
        fused = fused if fused is not None else self._fuse(look)
        self._sum += fused.logits
        self._seen += 1
        self._frame += 1
        return Step(
            frame=self._frame - 1,
            before=softmax(look.logits),
            after=softmax(fused.logits),
            logits=fused.logits,
            label=look.label,
            answer=int(fused.logits.argmax()),
            judged=verdict.label,
            entropy=verdict.entropy,
            temporal=verdict.temporal,
            confident=verdict.confident,
            prototype=verdict.prototype,
            ambiguous=verdict.ambiguous,
            kept=kept,
            refused=refused,
            weights=fused.weights,
            norms=fused.norms,
            length=fused.length,
        )

    def answer(self) -> Answer:
        """What the clip shows so far: arg-max of the mean logits.

        Raises:
            ValueError: no frame since :meth:`begin`.
        """
        if not self._seen:
            raise ValueError("a clip without frames has no answer")
        logits = self._sum / self._seen
        return Answer(int(logits.argmax()), logits, self._seen)

    def adopt(self, positive: dict[str, NDArray[Any]], negative: dict[str, NDArray[Any]]) -> None:
        """Take over the states of two caches; the next frame's number follows theirs."""
        self.positive.restore(positive)
        self.negative.restore(negative)
        last = max(int(state["frames"].max(initial=-1)) for state in (positive, negative))
        self._frame = max(self._frame, last + 1)

    def forget(self) -> None:
        """Delete everything that was kept of this person, prototypes chosen for them included."""
        self.begin()
        self.positive.clear()
        self.negative.clear()
        self.lend(None)
        self._frame = 0

    @property
    def memory(self) -> int:
        """Bytes of the person's two caches; they do not grow. Prototypes are ``shelf.memory``."""
        return self.positive.memory + self.negative.memory

    def _look(self, embedding: FloatArray | Tensor) -> "_Look":
        """The zero-shot prediction and what the prototypes answer."""
        vector = unit(_array(embedding))
        if vector.shape != self.text.shape[1:]:
            raise ValueError("an embedding is as long as those of the texts")
        logits = self.scale * (self.text @ vector).astype(np.float64)
        label = int(logits.argmax())
        cosines = self.shelf.cosines(vector)
        scores = self.shelf.scores(cosines)
        return _Look(vector, logits, label, scores, self.shelf.answer(cosines, scores, label, self.options))

    def _fuse(self, look: "_Look") -> Fused:
        caches = (self.positive, self.negative)
        positive, negative = (entries(cache, look.vector, look.label, self.options) for cache in caches)
        found = (look.source, positive, negative)
        return fuse(look.vector, look.logits, found, self.text, self.scale, self.options)

    def _judge(self, logits: FloatArray, scores: FloatArray) -> "_Verdict":
        """What the gates say of a prediction; its label joins the window."""
        options, label = self.options, int(logits.argmax())
        measured = entropy(softmax(logits)) / self.entropy_unit
        self._labels.append(label)
        prototype, clear = gates.prototype(scores, label, options)
        return _Verdict(
            label,
            int(logits.argmin()),
            measured,
            gates.temporal(self._labels, options),
            gates.confident(measured, options),
            prototype,
            gates.ambiguous(measured, options),
            clear or not options.prototype_gate,
        )

    def _update(self, vector: Vectors, verdict: "_Verdict") -> tuple[Kept | None, bool]:
        """Offer the frame to the one cache whose gates it passes."""
        options = self.options
        if verdict.temporal.passed and verdict.confident.passed and verdict.prototype.passed:
            return self._keep("positive", vector, verdict.label, verdict.entropy)
        doubtful = verdict.ambiguous or not options.entropy_gate
        agreed = verdict.clear if options.negative_gate == "margin" else verdict.prototype.passed
        if verdict.temporal.passed and doubtful and agreed:
            label = verdict.label if options.negative_bucket == "predicted" else verdict.least
            return self._keep("negative", vector, label, verdict.entropy)
        return None, False

    def _keep(self, name: Taken, vector: Vectors, label: int, measured: float) -> tuple[Kept | None, bool]:
        cache = self.positive if name == "positive" else self.negative
        if not cache.capacity:
            return None, False
        placed = cache.add(vector, label, measured, self._frame)
        return (Kept(name, label, placed.evicted), False) if placed.entered else (None, True)


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    vector: Vectors
    logits: FloatArray
    label: int
    scores: FloatArray
    source: Found | None


@dataclass(frozen=True, slots=True, eq=False)
class _Verdict:
    label: int
    least: int
    entropy: float
    temporal: Gate
    confident: Gate
    prototype: Gate
    ambiguous: bool
    clear: bool


def _array(values: FloatArray | Tensor) -> FloatArray:
    """As NumPy; a tensor that asks for a gradient is refused, so that none can run through a session."""
    if isinstance(values, Tensor):
        if values.requires_grad:
            raise ValueError("embeddings come without a gradient: compute them in inference mode")
        return np.asarray(values.float().cpu().numpy())
    return np.asarray(values)
