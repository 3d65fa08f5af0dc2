"""Load expression encoders once a process and say which can be had."""

from core import weights
from core.expression.base import Encoder, encoders
from core.weights import Status


def load(name: str) -> Encoder:
    """The encoder called ``name``, built at the first call and shared by the whole process.

    Whoever adapts one changes its own copy (``encoders.create``).

    Args:
        name: one of ``encoders``.

    Returns:
        In evaluation mode, parameters without gradients; safe to call from several threads.

    Raises:
        UserError: an unknown name, or weights that cannot be had (codes ``weights-…``).
    """
    return encoders.shared(name)


def available() -> dict[str, Status]:
    """State of the weights of every registered encoder, without fetching or loading anything."""
    return {name: weights.status(name) for name in encoders}
