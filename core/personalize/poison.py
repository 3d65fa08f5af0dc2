"""Frames that the model is made to mistake, to see which of them the gates keep out."""

import numpy as np

from core.errors import Code, UserError
from core.personalize.vectors import Vectors, softmax, unit
from core.types import FloatArray


def mislead(
    embedding: FloatArray, text: FloatArray, scale: float, label: int, confidence: float = 0.95
) -> Vectors:
    """Push a frame towards the text of another class, just as far as the zero-shot model believes it.

    z + a (t_label - mean text), with the smallest a at which the class has the probability asked for. The
    picture behind it stays what it was: prototypes may still recognise it, and that is what is tested.

    Args:
        embedding: D, a real frame of the stream.
        text: K×D embeddings of the classes.
        scale: logit scale.
        label: class that it shall be taken for.
        confidence: probability of that class, between 0 and 1.

    Returns:
        D unit vector; the frame itself where the model believes so already.

    Raises:
        UserError: ``OPTION_RANGE``: no push makes the model so sure.
    """
    start, rows = unit(embedding).astype(np.float64), unit(text).astype(np.float64)
    direction = rows[label] - rows.mean(axis=0)

    def sure(push: float) -> bool:
        moved = start + push * direction
        shares = softmax(scale * (rows @ (moved / np.linalg.norm(moved))))
        return bool(shares[label] >= confidence)

    if sure(0.0):
        return unit(start)
    low, high = 0.0, 1.0
    while not sure(high):
        low, high = high, 2 * high
        if high > 1e4:
            raise UserError(
                Code.OPTION_RANGE,
                "No frame makes the model this sure of that class.",
                "Choose a lower confidence or another class.",
            )
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if sure(middle) else (middle, high)
    return unit(start + high * direction)
