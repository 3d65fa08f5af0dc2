"""EMO-DB: ten actors say ten German sentences in seven emotions.

Burkhardt, Paeschke, Rolfes, Sendlmeier, Weiss: "A database of German emotional speech", Interspeech 2005.
Read from a folder with ``labels.csv`` (file, speaker, text, emotion) and the recordings it names.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.datasets.expressions import Part
from core.errors import Code, UserError

SPEAKERS: Final[dict[Part, tuple[str, ...]]] = {
    "training": ("3", "8", "9", "10", "11", "13"),
    "validation": ("12", "14"),
    "test": ("15", "16"),
}
"""Women and men in equal numbers; our choice, made before anything was measured."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One recording.

    Attributes:
        path: the sound file.
        speaker: the actor's number.
        text: the sentence's code.
        emotion: one of anger, boredom, disgust, fear, happiness, sadness and neutral.
    """

    path: Path
    speaker: str
    text: str
    emotion: str


def read(root: Path) -> tuple[Utterance, ...]:
    """All utterances in the order of ``labels.csv``.

    Raises:
        UserError: there is no such list, or it names a file that is not there.
    """
    try:
        with (root / "labels.csv").open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        found = tuple(Utterance(root / r["file"], r["speaker"], r["text"], r["emotion"]) for r in rows)
    except (OSError, KeyError):
        raise UserError(
            Code.FILE_UNREADABLE,
            "There is no list of EMO-DB's recordings in this folder.",
            "Give a folder with labels.csv, whose columns are file, speaker, text and emotion.",
        ) from None
    absent = [one.path.name for one in found if not one.path.is_file()]
    if absent or not found:
        raise UserError(
            Code.FILE_UNREADABLE,
            f"{len(absent)} recordings of EMO-DB are not in this folder." if absent else "The list is empty.",
            "Put the recordings beside labels.csv.",
        )
    return found
