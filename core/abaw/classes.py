"""What the ABAW challenges annotate, in the order of their files (Kollias et al., AffWild2)."""

from typing import Final

EXPRESSIONS: Final = (
    "neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise", "other",
)  # fmt: skip
OTHER: Final = EXPRESSIONS.index("other")
ACTION_UNITS: Final = (
    "AU1", "AU2", "AU4", "AU6", "AU7", "AU10", "AU12", "AU15", "AU23", "AU24", "AU25", "AU26",
)  # fmt: skip
DIMENSIONS: Final = ("valence", "arousal")
IGNORED_LABEL: Final = -1
"""Annotation of a frame without expression or action-unit label; -5 is the one of valence-arousal."""
IGNORED_DIMENSION: Final = -5.0
