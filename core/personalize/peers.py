"""Other ways to adapt to a stream, written from their published equations, in the same harness."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from math import log, log2
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.personalize.caches import Cache
from core.personalize.methods import ZeroShot
from core.personalize.vectors import Vectors, entropy, softmax, unit
from core.types import FloatArray


@dataclass(frozen=True, slots=True)
class TdaOptions:
    """Constants of TDA; the defaults are its ImageNet setting.

    Attributes:
        positive_capacity, negative_capacity: entries a class.
        positive_weight, negative_weight: alpha.
        positive_sharpness, negative_sharpness: beta.
        entropy: a frame enters the negative cache between these two.
        mask: a class counts against a negative where its probability lies between these two.
        published_entropy: divide the entropy in nats by log2 K as the published code does, so that at most
            0.693 is reached; else by ln K.
    """

    positive_capacity: int = 3
    negative_capacity: int = 2
    positive_weight: float = 2.0
    negative_weight: float = 0.117
    positive_sharpness: float = 5.0
    negative_sharpness: float = 1.0
    entropy: tuple[float, float] = (0.2, 0.5)
    mask: tuple[float, float] = (0.03, 1.0)
    published_entropy: bool = True


class Tda(ZeroShot):
    """Karmanov et al., "Efficient Test-Time Adaptation of Vision-Language Models", arXiv 2403.18293.

    Every frame is offered to the positive cache, an unsure one to the negative cache as well, and then both
    are read: l + a exp(-b (1 - cos)) · one-hot labels - the same with masks of the negatives' probabilities.
    What is simplified: one embedding a frame instead of one of many augmented views.

    Args:
        text: K×D embeddings of the classes.
        scale: logit scale.
        options: its constants.
    """

    name = "TDA"

    def __init__(self, text: FloatArray, scale: float, options: TdaOptions | None = None) -> None:
        super().__init__(text, scale)
        self.options = options if options is not None else TdaOptions()
        classes, dim = self.text.shape
        self.positive = Cache(classes, self.options.positive_capacity, dim)
        self.negative = Cache(classes, self.options.negative_capacity, dim)
        self.masks = np.zeros((classes, self.options.negative_capacity, classes))
        base = log2(classes) if self.options.published_entropy else log(classes)
        self._unit = base if classes > 1 else 1.0
        self._frame = 0

    def meet(self, subject: str, embeddings: FloatArray) -> None:
        """See :class:`core.personalize.methods.Method`."""
        self.positive.clear()
        self.negative.clear()
        self.masks.fill(0)
        self._frame = 0

    def step(self, embedding: FloatArray) -> FloatArray:
        """See :class:`core.personalize.methods.Method`."""
        options, vector = self.options, unit(embedding)
        logits: FloatArray = self.scale * (self.text @ vector).astype(np.float64)
        shares = softmax(logits)
        label, unsure = int(logits.argmax()), entropy(shares)
        self.positive.add(vector, label, unsure, self._frame)
        low, high = options.entropy
        if low < unsure / self._unit < high:
            placed = self.negative.add(vector, label, unsure, self._frame)
            if placed.entered:
                below, above = options.mask
                self.masks[label, placed.place] = (shares > below) & (shares < above)
        self._frame += 1
        classes = len(logits)
        near = _affinity(self.positive, vector, options.positive_sharpness)
        logits = logits + options.positive_weight * near.sum(axis=1)
        if len(self.negative):
            against = _affinity(self.negative, vector, options.negative_sharpness)
            logits -= options.negative_weight * (against.reshape(-1) @ self.masks.reshape(-1, classes))
        return logits

    @property
    def memory(self) -> int:
        """See :class:`core.personalize.methods.Method`."""
        return self.positive.memory + self.negative.memory + self.masks.nbytes


def _affinity(cache: Cache, vector: Vectors, sharpness: float) -> FloatArray:
    """K×L of exp(-beta (1 - cos)), 0 where a place is free."""
    cosines = (cache.vectors.reshape(-1, len(vector)) @ vector).reshape(cache.taken.shape)
    near: FloatArray = np.exp(-sharpness * (1 - cosines.astype(np.float64))) * cache.taken
    return near


class TipAdapter(ZeroShot):
    """Zhang et al., "Tip-Adapter", arXiv 2111.03930, without training.

    It needs labelled frames of the person, which must not be scored: l + a exp(-b (1 - cos)) · their one-hot
    labels.

    Args:
        text: K×D embeddings of the classes.
        scale: logit scale.
        shots: subject -> N×D embeddings and N labels; a person without any is read zero-shot.
        weight: alpha.
        sharpness: beta.
    """

    name = "Tip-Adapter"

    def __init__(
        self,
        text: FloatArray,
        scale: float,
        shots: Mapping[str, tuple[FloatArray, NDArray[np.int64]]],
        weight: float = 1.0,
        sharpness: float = 5.5,
    ) -> None:
        super().__init__(text, scale)
        self.shots, self.weight, self.sharpness = shots, weight, sharpness
        self._keys: Vectors = np.zeros((0, self.text.shape[1]), np.float32)
        self._values = np.zeros((0, len(self.text)))

    def meet(self, subject: str, embeddings: FloatArray) -> None:
        """See :class:`core.personalize.methods.Method`."""
        keys, labels = self.shots.get(subject, (self._keys[:0], np.zeros(0, np.int64)))
        self._keys = unit(keys)
        self._values = np.eye(len(self.text))[labels]

    def step(self, embedding: FloatArray) -> FloatArray:
        """See :class:`core.personalize.methods.Method`."""
        cosines = (self._keys @ unit(embedding)).astype(np.float64)
        return super().step(embedding) + self.weight * np.exp(-self.sharpness * (1 - cosines)) @ self._values

    @property
    def memory(self) -> int:
        """See :class:`core.personalize.methods.Method`."""
        return self._keys.nbytes + self._values.nbytes


class EntropyTuning(ZeroShot):
    """Entropy-minimising tuning in the manner of TPT (Shu et al., arXiv 2209.07511), on embeddings alone.

    A gradient moves the K text vectors so that the mean prediction over the surest of the clip's last frames
    gets a smaller entropy. What is simplified, and weaker for it: TPT tunes a few prompt tokens through the
    text encoder (so all classes move together) and averages over 64 augmented views of one image; here each
    class vector moves freely and earlier frames of the clip stand in for views.

    Args:
        text: K×D embeddings of the classes.
        scale: logit scale.
        scope: "frame" starts from the given texts at each frame as TPT does, "video" goes on within a clip.
        views: how many of the clip's last frames, the current one included.
        share: of them, those of lowest entropy, that are averaged; at least one.
        rate: of AdamW.
        steps: of the gradient, a frame.
    """

    def __init__(
        self,
        text: FloatArray,
        scale: float,
        scope: Literal["frame", "video"] = "frame",
        views: int = 32,
        share: float = 0.1,
        rate: float = 5e-3,
        steps: int = 1,
    ) -> None:
        super().__init__(text, scale)
        self.name = f"entropy tuning a {scope}"
        self.scope, self.share, self.rate, self.steps = scope, share, rate, steps
        self._views: deque[Tensor] = deque(maxlen=views)
        self._start = torch.from_numpy(self.text.copy())
        self._restart()

    def meet(self, subject: str, embeddings: FloatArray) -> None:
        """See :class:`core.personalize.methods.Method`."""
        self.begin()

    def begin(self) -> None:
        """See :class:`core.personalize.methods.Method`."""
        self._views.clear()
        self._restart()

    def step(self, embedding: FloatArray) -> FloatArray:
        """See :class:`core.personalize.methods.Method`."""
        vector = torch.from_numpy(unit(embedding))
        self._views.append(vector)
        if self.scope == "frame":
            self._restart()
        views = torch.stack(list(self._views))
        with torch.inference_mode(False), torch.enable_grad():
            for _ in range(self.steps):
                self._optimizer.zero_grad()
                self._loss(views).backward()  # type: ignore[no-untyped-call]
                self._optimizer.step()
        with torch.no_grad():
            logits = self._logits(vector[None])[0]
        return logits.double().numpy()

    def _restart(self) -> None:
        with torch.inference_mode(False):
            self._tuned = self._start.clone().requires_grad_()
        self._optimizer = torch.optim.AdamW([self._tuned], lr=self.rate)

    def _logits(self, views: Tensor) -> Tensor:
        return self.scale * views @ torch.nn.functional.normalize(self._tuned, dim=1).T

    def _loss(self, views: Tensor) -> Tensor:
        """Entropy of the mean prediction over the surest views."""
        shares = self._logits(views).softmax(1)
        unsure = -(shares * shares.clamp_min(1e-12).log()).sum(1)
        surest = unsure.detach().argsort()[: max(1, int(self.share * len(views)))]
        mean = shares[surest].mean(0)
        return -(mean * mean.clamp_min(1e-12).log()).sum()
