"""From a clip's scores to its timeline; cheap enough to run again at every move of a slider.

Orders and windows are those of arXiv 2603.12693: expressions as in :mod:`core.abaw.expression`; valence and
arousal averaged over a long window; action units as the mean of two branches, averaged over a short one and
held against a threshold each.
"""

import numpy as np

from core.abaw import expression
from core.abaw.smooth import box_average, interpolate
from core.abaw.types import ClipScores, Options, Timeline
from core.types import FloatArray, Mask


def decide(scores: ClipScores, options: Options) -> Timeline:
    """Apply the steps after the networks.

    Args:
        scores: what the networks said about one person.
        options: which steps, and how strongly.

    Returns:
        A timeline with as many rows as the clip has frames.
    """
    seen = np.asarray(scores.seen, dtype=bool)
    found = expression.branches(scores, options)
    final, probabilities, branch = expression.choose(found, options.bias)
    units = _over_time(
        mix(scores.units, scores.units_second, options.unit_mix), seen, options.window_units, options
    )
    violence = None
    if scores.violence is not None:  # of the whole picture: known in every frame
        violence = box_average(scores.violence, options.window_violence)
    return Timeline(
        raw=found.raw,
        smoothed=found.smoothed,
        final=final,
        probabilities=probabilities,
        branch=branch,
        filled=~seen & (branch >= 0),
        valence_arousal=_over_time(scores.valence_arousal, seen, options.window_dimensions, options),
        units=units,
        active=None if units is None else active(units, options.unit_thresholds),
        violence=violence,
        violent=None if violence is None else np.asarray(violence > options.violence_threshold),
    )


def mix(first: FloatArray | None, second: FloatArray | None, weight: float) -> FloatArray | None:
    """Action units of two branches, ``weight`` on the first; where one is missing, the other alone."""
    if first is None or second is None:
        return second if first is None else first
    return np.asarray(weight * first + (1 - weight) * second)


def active(units: FloatArray, thresholds: tuple[float, ...]) -> Mask:
    """Strengths (N×12) above their thresholds; with 0.5 everywhere the same as rounding; nan never is."""
    return np.asarray(units > np.asarray(thresholds))


def _over_time(values: FloatArray | None, seen: Mask, half: int, options: Options) -> FloatArray | None:
    """Fill and average one head's rows; nan where nothing is known."""
    if values is None:
        return None
    known = np.full(len(seen), seen.any()) if options.fill else seen
    filled = interpolate(values, seen) if options.fill else np.asarray(values, dtype=np.float64)
    averaged = box_average(filled, half, known)
    averaged[~known] = np.nan
    return averaged
