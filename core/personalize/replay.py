"""A person's clips read from the first frame to the last, with everything that a screen may look back at."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.personalize import poison
from core.personalize.methods import Method
from core.personalize.online import Session
from core.personalize.options import Options
from core.personalize.subjects import Sources, statistics
from core.personalize.types import Step, Taken
from core.personalize.vectors import softmax, unit
from core.types import FloatArray, Mask

IMPORTED = -1  # number of an entry that came from a file: no frame of these clips
SURE = 0.95  # probability to which poisoned frames are pushed, where the texts allow it


@dataclass(frozen=True, slots=True)
class Entry:
    """What lay in a cache.

    Attributes:
        frame: index into the replay's frames, ``IMPORTED`` for one that came from a file.
        entropy: at which it was kept, in the unit of the options.
    """

    frame: int
    entropy: float


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """One run over all clips of a person.

    Attributes:
        steps: F, one a frame, all clips one after another.
        starts: C+1 indices: clip c has the frames ``starts[c]`` to ``starts[c + 1]``.
        running: F×K mean logits of the clip up to each frame; the last of a clip is its answer.
        rows: F×D embeddings as they were read, poisoned ones pushed.
        poisoned: F bool: frames that were pushed towards another class on purpose.
        lent: names of the source subjects whose prototypes were used, nearest first.
        milliseconds: CPU time of the loop a frame, without the image encoder; the mean.
        memory: bytes of the person's two caches.
        shelf_memory: bytes of the borrowed prototypes.
        contents: what lay in which cache after each frame, see :meth:`entries`.
    """

    steps: tuple[Step, ...]
    starts: tuple[int, ...]
    running: FloatArray
    rows: NDArray[np.float32]
    poisoned: Mask
    lent: tuple[str, ...]
    milliseconds: float
    memory: int
    shelf_memory: int
    contents: dict[Taken, tuple[tuple[tuple[Entry, ...], ...], ...]]

    def entries(self, cache: Taken, at: int) -> tuple[tuple[Entry, ...], ...]:
        """What lay in a cache after frame ``at``: for each class its entries, lowest entropy first."""
        return self.contents[cache][at]

    def clip_of(self, at: int) -> int:
        """Number of the clip that frame ``at`` belongs to."""
        return int(np.searchsorted(self.starts, at, side="right")) - 1


def replay(
    clips: Sequence[FloatArray],
    text: FloatArray,
    scale: float,
    options: Options,
    sources: Sources | None = None,
    poisoned: Mapping[int, int] | None = None,
    prepare: Callable[[Session], None] | None = None,
) -> tuple[Replay, Session]:
    """Run the method over a person's clips.

    The sources are chosen by all frames before the first is read, without labels.

    Args:
        clips: N×D embeddings each, at least one frame in all; clips without frames are allowed.
        text: K×D embeddings of the classes.
        scale: logit scale.
        options: of the method.
        sources: the source cache, or None for none.
        poisoned: frame -> class towards which it is pushed (:func:`core.personalize.poison.mislead`).
        prepare: called with the new session, for instance to load a saved cache into it.

    Returns:
        What happened, and the session as it was left, for instance to save its caches.

    Raises:
        ValueError: no frame.
        UserError: from ``poisoned`` and ``prepare``.
    """
    rows = np.concatenate([np.asarray(clip, np.float32) for clip in clips])
    if not len(rows):
        raise ValueError("a replay needs at least one frame")
    rows, marked = mislead(rows, text, scale, poisoned or {})
    session = Session(text, scale, options)
    if prepare is not None:
        prepare(session)
    lent: tuple[str, ...] = ()
    if sources is not None and options.nearest_sources:
        person = statistics(rows)
        lent, prototypes = sources.borrow(person, options)
        session.lend(prototypes)
    first, steps, running = session.frames, [], []
    kept: dict[Taken, list[tuple[tuple[Entry, ...], ...]]] = {"positive": [], "negative": []}
    starts = (0, *np.cumsum([len(clip) for clip in clips]).tolist())
    spent = 0.0
    for number in range(len(clips)):
        session.begin()
        for row in rows[starts[number] : starts[number + 1]]:
            started = time.thread_time()  # others may compute in this process
            steps.append(session.step(row))
            spent += time.thread_time() - started
            running.append(session.answer().logits)
            changed = steps[-1].kept is not None or len(steps) - 1 == starts[number]
            for cache, found in kept.items():
                found.append(_contents(session, cache, first) if changed else found[-1])
    return (
        Replay(
            tuple(steps), starts, np.array(running), rows, marked, lent, 1000 * spent / len(rows),
            session.memory, session.shelf.memory if len(session.shelf) else 0,
            {name: tuple(found) for name, found in kept.items()},
        ),
        session,
    )  # fmt: skip


def mislead(
    rows: NDArray[np.float32], text: FloatArray, scale: float, poisoned: Mapping[int, int]
) -> tuple[NDArray[np.float32], Mask]:
    """The frames with some of them pushed towards another class, and which these are.

    They are pushed until the model is 95 % sure, or nearly as sure as it can be of texts that are alike.
    """
    marked = np.zeros(len(rows), bool)
    if not poisoned:
        return rows, marked
    changed = rows.copy()
    sure = {label: min(SURE, 0.99 * _most(text, scale, label)) for label in set(poisoned.values())}
    for place, label in poisoned.items():
        changed[place] = poison.mislead(rows[place], text, scale, label, sure[label])
        marked[place] = True
    return changed, marked


def _most(text: FloatArray, scale: float, label: int) -> float:
    """Probability of a class where a frame is pushed towards it without end."""
    rows = unit(text)
    away = rows[label] - rows.mean(axis=0)
    return float(softmax(scale * (rows @ (away / max(float(np.linalg.norm(away)), 1e-9))))[label])


def beside(method: Method, clips: Sequence[FloatArray]) -> FloatArray:
    """F×K probabilities of the running answer of another method on the same frames.

    Args:
        method: one that has not met anybody, or may forget whom it met.
        clips: as in :func:`replay`, poisoned already where that is wanted.
    """
    method.meet("", np.concatenate([np.asarray(clip) for clip in clips]))
    means: list[FloatArray] = []
    for clip in clips:
        method.begin()
        if len(clip):
            logits = np.array([method.step(row) for row in clip])
            means.append(np.cumsum(logits, axis=0) / np.arange(1, len(logits) + 1)[:, None])
    return softmax(np.concatenate(means))


def _contents(session: Session, name: Taken, first: int) -> tuple[tuple[Entry, ...], ...]:
    cache = session.positive if name == "positive" else session.negative
    buckets = []
    for label, size in enumerate(cache.sizes):
        numbers, entropies = cache.frames[label, :size].tolist(), cache.entropies[label, :size].tolist()
        found = [
            Entry(number - first if number >= first else IMPORTED, entropy)
            for number, entropy in zip(numbers, entropies, strict=True)
        ]
        buckets.append(tuple(sorted(found, key=lambda entry: (entry.entropy, entry.frame))))
    return tuple(buckets)
