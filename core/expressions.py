"""The basic expressions under one spelling, whatever a data set or a checkpoint calls them."""

from typing import Final

EXPRESSIONS: Final = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""The seven classes of FER2013, in its order; the order of the scores of every encoder trained on it."""

AFFECTNET: Final = (
    "anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise",
)  # fmt: skip
"""The eight classes of AffectNet, in the order of EmotiEffLib's scores."""

SPELLINGS: Final = {
    "angry": "anger",
    "happy": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
    "disgusted": "disgust",
    "fearful": "fear",
}


def canonical(name: str) -> str:
    """A class name in lower case and the noun form used throughout (``Happy`` -> ``happiness``)."""
    lower = name.strip().lower()
    return SPELLINGS.get(lower, lower)
