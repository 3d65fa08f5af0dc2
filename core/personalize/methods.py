"""One interface for every way to read a person's stream, and the two ends: zero-shot and the full method."""

from abc import ABC, abstractmethod
from typing import Literal

import numpy as np

from core.personalize.online import Session
from core.personalize.options import Options
from core.personalize.subjects import Sources, statistics
from core.personalize.types import Step
from core.personalize.vectors import Vectors, softmax, unit
from core.types import FloatArray

Choice = Literal["nearest", "farthest", "random"]


class Method(ABC):
    """Reads embeddings one by one; :meth:`meet` comes before a subject's clips, :meth:`begin` before each.

    Attributes:
        name: for tables.
    """

    name: str

    def meet(self, subject: str, embeddings: FloatArray) -> None:  # noqa: B027 - most methods need nothing
        """A new person: forget the one before.

        Args:
            subject: name.
            embeddings: N×D frames of this person without labels, for methods that look at them beforehand.
        """

    def begin(self) -> None:  # noqa: B027
        """The next clip of the same person."""

    @abstractmethod
    def step(self, embedding: FloatArray) -> FloatArray:
        """K logits of the next frame, whose mean over a clip is the clip's answer.

        Args:
            embedding: D, of any positive length.
        """

    def probabilities(self, embedding: FloatArray) -> FloatArray:
        """K probabilities of the next frame; a step like :meth:`step`."""
        return softmax(self.step(embedding))

    @property
    def memory(self) -> int:
        """Bytes that are kept of the person."""
        return 0


class ZeroShot(Method):
    """The image-text model alone.

    Args:
        text: K×D embeddings of the classes.
        scale: logit scale.
    """

    name = "zero-shot"

    def __init__(self, text: FloatArray, scale: float) -> None:
        self.text: Vectors = unit(text)
        self.scale = scale

    def step(self, embedding: FloatArray) -> FloatArray:
        """See :class:`Method`."""
        logits: FloatArray = self.scale * (self.text @ unit(embedding)).astype(np.float64)
        return logits


class Personalized(Method):
    """TTA-CaP: a :class:`core.personalize.online.Session` a person.

    The sources are chosen by all of the person's frames before the first is read, without labels, as in the
    code of June 2026; ``calibration`` restricts that to the first ones, for a stream that is really live.

    Args:
        text: K×D embeddings of the classes.
        scale: logit scale.
        options: of the method.
        sources: the source cache, or None for none.
        choice: which subjects lend their prototypes; the others than "nearest" are controls.
        calibration: how many first frames choose the sources; 0 for all.
        seed: of a random choice.
        name: for tables.
    """

    def __init__(
        self,
        text: FloatArray,
        scale: float,
        options: Options | None = None,
        sources: Sources | None = None,
        *,
        choice: Choice = "nearest",
        calibration: int = 0,
        seed: int = 0,
        name: str = "TTA-CaP",
    ) -> None:
        self.text, self.scale, self.name = unit(text), scale, name
        self.options = options if options is not None else Options()
        self.sources, self.choice, self.calibration = sources, choice, calibration
        self.session = Session(self.text, scale, self.options)
        self.chosen: tuple[str, ...] = ()
        self.last: Step | None = None
        self._rng = np.random.default_rng(seed)

    def meet(self, subject: str, embeddings: FloatArray) -> None:
        """See :class:`Method`."""
        self.session = Session(self.text, self.scale, self.options)
        self.chosen, self.last = (), None
        if self.sources is None or not self.options.nearest_sources:
            return
        person = statistics(embeddings[: self.calibration] if self.calibration else embeddings)
        ranked = self.sources.nearest(person, len(self.sources.statistics), self.options.shrinkage)
        if self.choice == "farthest":
            ranked = ranked[::-1]
        elif self.choice == "random":
            ranked = tuple(self._rng.permutation(sorted(ranked)).tolist())
        self.chosen, lent = self.sources.borrow(person, self.options, ranked)
        self.session.lend(lent)

    def begin(self) -> None:
        """See :class:`Method`."""
        self.session.begin()

    def step(self, embedding: FloatArray) -> FloatArray:
        """See :class:`Method`; everything of the frame is in ``last``."""
        self.last = self.session.step(embedding)
        return self.last.logits

    @property
    def memory(self) -> int:
        """See :class:`Method`; prototypes of others are not counted."""
        return self.session.memory
