"""The fusion of a frame with what was retrieved for it, as vectors or as votes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.personalize.options import Options
from core.personalize.retrieve import Found
from core.personalize.vectors import Vectors, length, softmax
from core.types import FloatArray

Four = tuple[float, float, float, float]
Three = tuple[Found | None, Found | None, Found | None]


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """Result of one frame.

    Attributes:
        logits: K.
        weights, norms, length: see :class:`core.personalize.types.Step`.
        vector: D unit vector, or None at logit level.
    """

    logits: FloatArray
    weights: Four
    norms: Four
    length: float
    vector: Vectors | None


def fuse(
    vector: Vectors,
    logits: FloatArray,
    found: Three,
    text: Vectors,
    scale: float,
    options: Options,
) -> Fused:
    """z_f = norm(z_t + l_src z_src + l_pos z_pos - l_neg z_neg), or the same with logits and votes.

    The weights of parts that are absent, turned off or dropped by the agreement filter are 0. Where no part
    is left beside the target the zero-shot logits are returned as they are, to the bit.

    Args:
        vector: D unit vector of the frame.
        logits: its K zero-shot logits.
        found: source, positive and negative part.
        text: K×D unit vectors of the classes.
        scale: logit scale.
        options: level, lambdas, weighting and agreement.
    """
    weights = _weights(logits, found, text, scale, options)
    norms = _norms(vector, logits, found, options)
    if options.level == "logit":
        if not any(weights[1:]):
            return Fused(logits, weights, norms, float("nan"), None)
        total = weights[0] * logits
        one = scale if options.scale_votes else 1.0
        own = one if options.entry_votes == "scores" else 1.0  # shares are no cosines
        units = (one, own, own)
        for weight, unit, part in zip(weights[1:], units, found, strict=True):
            if part is not None and weight:
                total = total + weight * unit * part.votes
        if options.average:
            total = total / sum(weight for weight in weights if weight > 0)
        return Fused(total, weights, norms, float("nan"), None)
    if not any(weights[1:]):
        return Fused(logits, weights, norms, abs(weights[0]), vector)
    mixed = np.float32(weights[0]) * vector
    for weight, part in zip(weights[1:], found, strict=True):
        if part is not None and weight:
            mixed = mixed + np.float32(weight) * part.vector
    size = length(mixed)
    if size < 1e-6:  # the parts cancel: there is no direction but the frame's own
        return Fused(logits, weights, norms, size, vector)
    mixed = mixed / np.float32(size)
    return Fused(scale * (text @ mixed).astype(np.float64), weights, norms, size, mixed)


def _weights(
    logits: FloatArray,
    found: Three,
    text: Vectors,
    scale: float,
    options: Options,
) -> Four:
    lambdas = (1.0, options.lambda_source, options.lambda_positive, options.lambda_negative)
    used = [True, *(part is not None and lam > 0 for part, lam in zip(found, lambdas[1:], strict=True))]
    if options.weighting == "equal" and not options.agreement:
        return _signed(lambdas, used)
    opinions = [softmax(logits)]
    for place, part in enumerate(found):
        scores = place == 0 or options.entry_votes == "scores"
        opinions.append(_opinion(part, scores, text, scale, options))
    if options.agreement:
        used = [*agreeing(opinions[:3], used[:3]), used[3]]
    if options.weighting == "equal":
        return _signed(lambdas, used)
    confidence = np.array([lam * p.max() for lam, p in zip(lambdas, opinions, strict=True)])
    if options.weighting == "attention":
        confidence = softmax(np.where(used, confidence / options.temperature, -np.inf))
    return _signed(confidence.tolist(), used)


def _signed(values: Sequence[float], used: list[bool]) -> Four:
    one, source, positive, negative = (
        float(value) if on else 0.0 for value, on in zip(values, used, strict=True)
    )
    return one, source, positive, 0.0 - negative


def agreeing(opinions: list[FloatArray], used: list[bool]) -> list[bool]:
    """Which of target, source and positive part stay: those of the majority, else the most confident one.

    Args:
        opinions: K probabilities of each.
        used: which of them take part.
    """
    labels = [int(p.argmax()) if on else -1 for p, on in zip(opinions, used, strict=True)]
    for label in labels:
        if label >= 0 and labels.count(label) > 1:
            return [other == label for other in labels]
    best = max((place for place, on in enumerate(used) if on), key=lambda place: float(opinions[place].max()))
    return [place == best for place in range(len(used))]


def _opinion(part: Found | None, scores: bool, text: Vectors, scale: float, options: Options) -> FloatArray:
    """Probabilities of one part: of its vector, or at logit level of its votes (our reading)."""
    if part is None:
        return np.zeros(len(text))
    if options.level == "logit":
        return softmax(options.source_sharpness * part.votes) if scores else part.votes
    return softmax(scale * (text @ part.vector).astype(np.float64))


def _norms(vector: Vectors, logits: FloatArray, found: Three, options: Options) -> Four:
    votes = options.level == "logit"
    one = length(logits if votes else vector)
    source, positive, negative = (
        0.0 if part is None else length(part.votes if votes else part.vector) for part in found
    )
    return one, source, positive, negative
