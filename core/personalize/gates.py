"""The three gates that a frame passes before it may be kept (TTA-CaP, section on the tri-gate update)."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from core.personalize.options import Options
from core.personalize.types import Gate
from core.types import FloatArray


def temporal(labels: Sequence[int], options: Options) -> Gate:
    """Is the current label the one that the clip has shown of late?

    Args:
        labels: the last predictions of the clip, at most W, the current one last; fewer at its beginning.
        options: rule and switch.
    """
    current, counts = labels[-1], Counter(labels)
    share = counts[current] / len(labels)
    if options.temporal_rule == "unanimous":
        return _verdict(share, 1.0, share == 1.0, options.temporal_gate)
    # The current label is the latest, so among the commonest it wins every tie.
    most = max(counts.values())
    return _verdict(share, most / len(labels), counts[current] == most, options.temporal_gate)


def confident(entropy: float, options: Options) -> Gate:
    """Is the entropy (in the unit of the options) below tau+?"""
    threshold = options.entropy_positive
    return _verdict(entropy, threshold, entropy < threshold, options.entropy_gate)


def ambiguous(entropy: float, options: Options) -> bool:
    """Does the entropy lie from tau+ up to below tau-?"""
    return options.entropy_positive <= entropy < options.entropy_negative


def prototype(scores: FloatArray, label: int, options: Options) -> tuple[Gate, bool]:
    """Do the prototypes say the same class, and clearly?

    Args:
        scores: K mean cosines to the nearest prototypes, -inf for a class without any.
        label: the predicted class.
        options: threshold and switch.

    Returns:
        The gate, and whether the lead alone is large enough; both pass where no class has a prototype.
    """
    best = int(scores.argmax())
    if scores[best] == -np.inf:
        return Gate(float("nan"), options.margin, True, False), True
    second = float(np.delete(scores, best).max()) if len(scores) > 1 else -np.inf
    lead = float(scores[best]) - second
    clear = lead > options.margin
    return _verdict(lead, options.margin, clear and best == label, options.prototype_gate), clear


def _verdict(value: float, threshold: float, passed: bool, asked: bool) -> Gate:
    return Gate(float(value), threshold, passed or not asked, asked)
