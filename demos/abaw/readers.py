"""The networks of the video tab, by their names in the manifest."""

from core import weights
from demos.models import runnable

ENCODER = "facet-expression"
OTHERS = ("yunet", "face-landmarker", "dlib-resnet", "facet-abaw-heads")
"""What finds, measures and tells apart faces, and the heads."""
SPEECH = "whisper-tiny-en"
HEARING = (SPEECH, "facet-abaw-audio")
"""What hears the sound, where the first was fetched."""


def encoders() -> list[tuple[str, str]]:
    """(title, name) of the expression encoders, the app's own first."""
    known = [(entry.title, entry.name) for entry in runnable("expression")]
    return sorted(known, key=lambda item: item[1] != ENCODER)


def needed(encoder: str = ENCODER) -> tuple[str, ...]:
    """What an analysis with this encoder works with, as far as the manifest knows it."""
    known = {entry.name for entry in weights.entries()}
    return tuple(name for name in (*OTHERS, encoder) if name in known)


def listed() -> list[str]:
    """Everything the tab may use, for the panel."""
    known = {entry.name for entry in weights.entries()}
    hearing = (name for name in HEARING if name in known)
    return list(dict.fromkeys([*needed(), *hearing, *(name for _, name in encoders())]))
