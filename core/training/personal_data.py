"""Labelled clips of people under the known layouts, and the sentences that stand for their classes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from core.datasets import bah, biovid, person_clips, stressid
from core.datasets.person_clips import PersonClip
from core.errors import Code, UserError
from core.expressions import EXPRESSIONS, canonical
from core.vision_language import prompts

Part = Literal["train", "test"]
CLASSES: Final[dict[str, tuple[str, ...]]] = {
    "folder": EXPRESSIONS,
    "biovid": ("no pain", "pain"),
    "stressid": ("no stress", "stress"),
    "bah": ("no hesitancy", "hesitancy"),
}
"""Layout -> names of its classes, in the order of the labels; those of a folder may be others."""
SENTENCES: Final = {
    "no pain": "a photo of a person who looks neutral",
    "pain": "a photo of a person in pain",
    "no stress": "a photo of a person who looks relaxed",
    "stress": "a photo of a person who looks stressed and tense",
    "no hesitancy": "a photo of a person who looks sure of what to say",
    "hesitancy": "a photo of a person who hesitates and looks torn",
}
"""Class that is no expression -> its sentence; ours."""


def read(
    folder: Path, layout: str, classes: Sequence[str] = (), split: Path | None = None, part: Part = "test"
) -> tuple[tuple[PersonClip, ...], tuple[str, ...]]:
    """The clips of a data set and the names of their classes.

    Args:
        folder: of the data set.
        layout: one of ``CLASSES``.
        classes: names of the class folders, for the layout "folder" alone; none for the expressions.
        split: file of BAH's clips; None for the published place of ``part`` under the folder.
        part: of BAH, which comes divided.

    Raises:
        UserError: ``LABELS_INVALID``: nothing there under this layout; ``OPTION_RANGE``: classes that cannot
            be chosen, fewer than two, or one twice.
    """
    if classes and layout != "folder":
        raise UserError(
            Code.OPTION_RANGE, f"The classes of {layout} are given by its labels.", "Leave --classes out."
        )
    if split is not None and layout != "bah":
        raise UserError(Code.OPTION_RANGE, f"{layout} has no split file.", "Leave --split out.")
    names = tuple(name.strip().lower() for name in classes) or CLASSES[layout]
    if len(set(names)) < max(len(names), 2) or not all(names):
        raise UserError(
            Code.OPTION_RANGE, "Classes are two or more different names.", "Give them with commas between."
        )
    if layout == "folder":
        found = person_clips.read(folder, names)
    elif layout == "biovid":
        found = biovid.read(folder)
    elif layout == "stressid":
        found = stressid.read(folder)
    else:
        found = bah.read(folder, split or folder / bah.SPLITS / f"{part}.txt")
    if any(clip.label >= len(names) for clip in found):
        raise UserError(
            Code.LABELS_INVALID,
            f"The labels in {folder.name} have more classes than {len(names)}.",
            f"These are known for {layout}: {', '.join(names)}.",
        )
    return found, names


def passed_over(folder: Path, classes: Sequence[str]) -> tuple[str, ...]:
    """Names of class folders, under the layout "folder", that are none of the classes; by name."""
    people = person_clips.folders(folder)
    inside = {one.name.lower() for person in people for one in person_clips.folders(person)}
    return tuple(sorted(inside - set(classes)))


def sentences(classes: Sequence[str], given: str = "") -> tuple[str, ...]:
    """One sentence a class.

    Args:
        classes: names.
        given: sentences of one's own, in the order of the classes, with ``|`` between.

    Raises:
        UserError: ``OPTION_RANGE``: not one sentence a class.
    """
    if not given:
        return tuple(_sentence(name) for name in classes)
    own = tuple(sentence.strip() for sentence in given.split("|"))
    if len(own) != len(classes) or not all(own):
        raise UserError(
            Code.OPTION_RANGE,
            f"There are {len(classes)} classes and {sum(map(bool, own))} sentences.",
            f"Give one for each of {', '.join(classes)}, with | between.",
        )
    return own


def _sentence(name: str) -> str:
    if name in SENTENCES:
        return SENTENCES[name]
    return prompts.DEFAULT.format(prompts.PLAIN.get(canonical(name), name))
