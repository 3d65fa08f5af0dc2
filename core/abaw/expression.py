"""From two classifiers' frame probabilities to one expression a frame (arXiv 2603.12693).

The order is the one of the authors' ABAW notebooks: fill frames without a face, average the head over a
window, average the pretrained classes over the same window, blend with the audio, add the bias of each class,
and let the pretrained class stand where it is sure enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.abaw.classes import EXPRESSIONS, OTHER
from core.abaw.smooth import box_average, interpolate
from core.abaw.types import ClipScores, Options
from core.expressions import canonical
from core.types import FloatArray, Mask

STAND_IN = "contempt"
"""The class of AffectNet that takes the slot of "other"; it is never chosen."""


def softmax(logits: FloatArray) -> FloatArray:
    """Probabilities of N×C logits; each row is shifted by its own maximum, so that none underflows."""
    shifted = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def class_map(classes: Sequence[str]) -> tuple[int | None, ...]:
    """Where each of ``EXPRESSIONS`` stands among an encoder's classes.

    Args:
        classes: the encoder's names in the order of its scores, in any of the usual spellings.

    Returns:
        Eight indices; None for a class that the encoder does not know. "Other" gets contempt's. AffectNet's
        eight classes give 5, 0, 2, 3, 4, 6, 7, 1.

    Raises:
        ValueError: a class has no place, or comes twice.
    """
    names = [canonical(name) for name in classes]
    wanted = [*EXPRESSIONS[:OTHER], STAND_IN]
    unknown = sorted(set(names) - set(wanted))
    if unknown or len(set(names)) < len(names):
        raise ValueError(f"classes without a place, or twice: {unknown or names}")
    return tuple(names.index(name) if name in names else None for name in wanted)


def arrange(probabilities: FloatArray, classes: Sequence[str]) -> FloatArray:
    """An encoder's N×C probabilities in the order of ``EXPRESSIONS``, 0 where it knows no such class."""
    arranged = np.zeros((len(probabilities), len(EXPRESSIONS)))
    for slot, index in enumerate(class_map(classes)):
        if index is not None:
            arranged[:, slot] = probabilities[:, index]
    return arranged


@dataclass(frozen=True, slots=True, eq=False)
class Branches:
    """Both branches after filling, windows and audio, before the bias.

    Attributes:
        decided: F bool, there is something to decide from.
        fixed: F bool, the pretrained class stands; the bias does not touch it.
        pretrained: F×8, the seven classes that may be chosen; rows sum to 1.
        last: F×8, what the bias acts on in all other frames.
        head: ``last`` comes from an expression head, not from the pretrained classes.
        raw: F int, see :class:`core.abaw.types.Timeline`.
        smoothed: F int, the same.
    """

    decided: Mask
    fixed: Mask
    pretrained: FloatArray
    last: FloatArray
    head: bool
    raw: NDArray[np.int64]
    smoothed: NDArray[np.int64]


def branches(scores: ClipScores, options: Options) -> Branches:
    """Everything before the bias; see the module.

    Without a head the pretrained classes decide everywhere, and the bias acts on them (our choice). The audio
    is averaged over the same window (our choice; it amounts to averaging the blend, as all steps are linear).
    """
    seen = np.asarray(scores.seen, dtype=bool)
    decided = np.full(len(seen), seen.any()) if options.fill else seen
    pretrained = _fill(scores.pretrained, seen, options.fill)
    averaged = box_average(pretrained, options.window, decided)
    seven = _seven(averaged)
    if scores.mlp is None:
        raw, smoothed, last = _seven(pretrained), seven, seven
        fixed = np.zeros_like(decided)
    else:
        raw = _fill(scores.mlp, seen, options.fill)
        smoothed = box_average(raw, options.window, decided)
        last = _blend(smoothed, scores, options)
        fixed = decided & confident(averaged, options.confidence)
    labels = [np.where(decided, rows.argmax(axis=1), -1).astype(np.int64) for rows in (raw, smoothed)]
    return Branches(decided, fixed, seven, last, scores.mlp is not None, labels[0], labels[1])


def choose(found: Branches, bias: Sequence[float]) -> tuple[NDArray[np.int64], FloatArray, NDArray[np.int8]]:
    """Add the bias and take a branch in each frame.

    Returns:
        ``final``, ``probabilities`` and ``branch`` of :class:`core.abaw.types.Timeline`.
    """
    rows = np.where(found.fixed[:, None], found.pretrained, biased(found.last, bias))
    final = np.where(found.decided, rows.argmax(axis=1), -1).astype(np.int64)
    branch = np.where(found.fixed | (not found.head), 0, 1)
    branch = np.where(found.decided, branch, -1).astype(np.int8)
    return final, np.where(found.decided[:, None], rows, 0.0), branch


def confident(pretrained: FloatArray, threshold: float) -> Mask:
    """Rows of N×8 whose largest probability, "other" left out, is above p0; at 0 all rows, at 1 none."""
    if threshold <= 0 or threshold >= 1:  # not left to the rounding of a sum of probabilities
        return np.full(len(pretrained), threshold <= 0)
    return np.asarray(pretrained[:, :OTHER].max(axis=1) > threshold)


def biased(probabilities: FloatArray, bias: Sequence[float]) -> FloatArray:
    """Softmax of log-probabilities plus a bias of each class: generalised logit adjustment (GLA).

    Computed as probabilities times exp(bias), which needs no logarithm of 0; equal biases change nothing.

    Args:
        probabilities: N×8, rows need not sum to 1.
        bias: eight numbers.

    Returns:
        N×8, rows sum to 1 (or are 0 as they were).
    """
    shift = np.asarray(bias, dtype=np.float64)
    weighted = probabilities * np.exp(shift - shift.max())
    total = np.einsum("fc->f", weighted)[:, None]  # three times faster than sum over a short axis
    return np.asarray(np.divide(weighted, total, out=np.zeros_like(weighted), where=total > 0))


def _blend(head: FloatArray, scores: ClipScores, options: Options) -> FloatArray:
    if scores.audio is None or options.visual_weight >= 1:
        return head
    audio = box_average(scores.audio, options.window)
    return np.asarray(options.visual_weight * head + (1 - options.visual_weight) * audio)


def _seven(pretrained: FloatArray) -> FloatArray:
    """Rows of the seven classes that may be chosen, "other" set to 0, summing to 1."""
    rows = np.array(pretrained, dtype=np.float64)
    rows[:, OTHER] = 0
    rows[np.einsum("fc->f", rows) == 0, :OTHER] = 1  # nothing but contempt: the seven are equal
    return biased(rows, (0.0,) * len(EXPRESSIONS))


def _fill(values: FloatArray, seen: Mask, fill: bool) -> FloatArray:
    return interpolate(values, seen) if fill else np.where(seen[:, None], values, 0.0)
