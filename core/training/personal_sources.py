"""The source cache of labelled people, from a folder or from the others of an evaluation."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.errors import Code, UserError
from core.personalize import files
from core.personalize.build import Labelled, build
from core.personalize.evaluate import Clip
from core.personalize.methods import Personalized
from core.personalize.subjects import Sources
from core.personalize.types import Prototypes
from core.types import FloatArray
from core.vision_language import ImageText

SAME = 1 - 1e-5  # cosine from which on a prototype is a frame that is to be judged


def made(clips: Sequence[Clip], classes: tuple[str, ...], model: str, anonymous: bool = False) -> Sources:
    """The source cache of the people of some clips.

    Args:
        clips: labelled.
        classes: names in the order of the labels.
        model: identity of the model that made the embeddings.
        anonymous: call the people source-001, source-002, ... in the order of their names.

    Raises:
        ValueError: no clip.
    """
    names = sorted({clip.subject for clip in clips})
    told = {name: f"source-{number:03d}" if anonymous else name for number, name in enumerate(names, 1)}
    people = []
    for name in names:
        own = [clip for clip in clips if clip.subject == name]
        rows = np.concatenate([clip.embeddings for clip in own])
        people.append(Labelled(told[name], rows, np.concatenate([clip.frame_labels for clip in own])))
    return build(people, classes, model)


def write(sources: Sources, path: Path) -> None:
    """Save a source cache.

    Raises:
        UserError: ``FILE_TOO_LARGE``: it could not be read again.
    """
    data = files.save_sources(sources)
    if len(data) > files.LARGEST[files.SOURCES]:
        raise UserError(
            Code.FILE_TOO_LARGE,
            f"This source cache of {len(data) / 1e6:.0f} MB is larger than any that is read.",
            "Give fewer people.",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def read(path: Path, classes: tuple[str, ...], model: ImageText) -> Sources:
    """A source cache for an evaluation.

    Raises:
        UserError: ``FILE_UNREADABLE``; as :func:`core.personalize.files.load_sources`.
    """
    try:
        data = path.read_bytes()
    except OSError:
        raise UserError(
            Code.FILE_UNREADABLE,
            f"The sources {path.name} cannot be read.",
            "Give the file that python -m core personalize sources wrote.",
        ) from None
    return files.load_sources(data, classes, model.card.identity, model.card.dim)


def keep_apart(sources: Sources, clips: Sequence[Clip]) -> None:
    """Make sure that nobody who is evaluated is in the sources.

    Raises:
        UserError: ``OPTION_RANGE``: somebody is, by name or by a prototype that is one of the frames.
    """
    names = {clip.subject for clip in clips} & set(sources.statistics)
    for clip in clips:
        if clip.subject not in names and (sources.prototypes.vectors @ clip.embeddings.T).max() > SAME:
            names.add(clip.subject)
    if names:
        raise UserError(
            Code.OPTION_RANGE,
            f"{len(names)} of the people who are evaluated are in the sources, {min(names)} among them.",
            "Give sources of other people, or --others; where only names are alike, make them --anonymous.",
        )


def without(sources: Sources, name: str) -> Sources | None:
    """The source cache without one person; None where nobody is left."""
    owners = sources.prototypes.owners
    rows = [row for row, owner in enumerate(owners) if owner != name]
    if not rows:
        return None
    kept = Prototypes(
        sources.prototypes.vectors[rows], sources.prototypes.labels[rows], tuple(owners[row] for row in rows)
    )
    measured = {owner: one for owner, one in sources.statistics.items() if owner != name}
    return replace(sources, prototypes=kept, statistics=measured)


class AmongOthers(Personalized):
    """TTA-CaP on people who are each other's sources: whoever is read lends nothing to themselves."""

    everybody: Sources | None = None

    def meet(self, subject: str, embeddings: FloatArray) -> None:
        """See :class:`core.personalize.methods.Method`."""
        self.sources = None if self.everybody is None else without(self.everybody, subject)
        super().meet(subject, embeddings)


def lines(sources: Sources, clips: Sequence[Clip]) -> Iterator[str]:
    """What a person reads of a source cache."""
    frames = sum(len(clip.embeddings) for clip in clips)
    yield f"{len(sources.statistics)} people, {len(clips)} clips, {frames} frames"
    counts = Counter(sources.prototypes.labels.tolist())
    shown = (f"{name} {counts[label]}" for label, name in enumerate(sources.classes))
    yield f"{len(sources.prototypes)} prototypes: {', '.join(shown)}"
