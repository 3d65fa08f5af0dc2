"""One answer for a whole clip."""

from dataclasses import dataclass

import numpy as np

from core.abaw.classes import EXPRESSIONS
from core.abaw.types import Timeline
from core.types import FloatArray

APEX_SHARE = 0.25  # of the decided frames; acted clips begin and often end neutral


@dataclass(frozen=True, slots=True, eq=False)
class ClipExpression:
    """What a clip shows at its height.

    Attributes:
        label: index into ``EXPRESSIONS``; -1 when no frame was decided.
        probabilities: 8 means over the apex frames; rows sum to 1.
        frames: how many frames the mean rests on.
    """

    label: int
    probabilities: FloatArray
    frames: int


def clip_expression(timeline: Timeline, share: float = APEX_SHARE) -> ClipExpression:
    """The expression of the frames in which the face is least neutral (our choice).

    Args:
        timeline: any person's.
        share: of the decided frames that count, in 0..1; at least one does.

    Returns:
        The class with the largest mean probability over those frames; neutral can win too.
    """
    rows = timeline.probabilities[timeline.final >= 0]
    if not len(rows):
        return ClipExpression(-1, np.zeros(len(EXPRESSIONS)), 0)
    count = max(1, round(share * len(rows)))
    neutral = rows[:, EXPRESSIONS.index("neutral")]
    apex = np.argsort(neutral, kind="stable")[:count]
    mean = rows[apex].mean(axis=0)
    return ClipExpression(int(mean.argmax()), mean, count)
