"""Methods side by side on the streams of people: WAR, UAR and macro-F1 of clips or frames, by subject.

As in TTA-CaP a clip's answer is the arg-max of its mean logits, and clips are pooled, not their frames.
Intervals resample subjects.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from core.metrics.classification import Report, confusion, report
from core.metrics.intervals import Interval, bootstrap
from core.personalize.methods import Method
from core.types import FloatArray

Unit = Literal["video", "frame"]
Labels = NDArray[np.int64]
FIGURES: Final = ("WAR", "UAR", "macro-F1")


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A stream of one person.

    Attributes:
        subject: who.
        name: identifies the clip.
        embeddings: N×D.
        label: class of the clip, -1 where it has none.
        labels: N classes of its frames, -1 where one has none; None where the clip's holds for all.
    """

    subject: str
    name: str
    embeddings: FloatArray
    label: int
    labels: Labels | None = None

    @property
    def frame_labels(self) -> Labels:
        """N."""
        return np.full(len(self.embeddings), self.label) if self.labels is None else self.labels


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Answers of one method, in the order of the clips.

    Attributes:
        name: of the method.
        videos: a class a clip.
        frames: for each clip N classes.
        seconds: CPU time of this process over all steps.
        memory: largest number of bytes kept of one person.
    """

    name: str
    videos: Labels
    frames: tuple[Labels, ...]
    seconds: float
    memory: int


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Figures of one run.

    Attributes:
        report: pooled, for each subject, and the mean over subjects.
        intervals: name in ``FIGURES`` -> pooled figure with its interval; empty for one subject.
    """

    report: Report
    intervals: dict[str, Interval]


def run(method: Method, clips: Sequence[Clip]) -> Run:
    """Read every subject's clips in their order; each subject starts anew.

    Raises:
        ValueError: a clip without frames.
    """
    videos = np.full(len(clips), -1, np.int64)
    frames: list[Labels] = [np.zeros(0, np.int64)] * len(clips)
    seconds, memory = 0.0, 0
    for subject in dict.fromkeys(clip.subject for clip in clips):
        places = [place for place, clip in enumerate(clips) if clip.subject == subject]
        method.meet(subject, np.concatenate([clips[place].embeddings for place in places]))
        for place in places:
            if not len(clips[place].embeddings):
                raise ValueError("a clip without frames has no answer")
            method.begin()
            started = time.process_time()
            logits = np.array([method.step(row) for row in clips[place].embeddings])
            seconds += time.process_time() - started
            videos[place] = logits.mean(axis=0).argmax()
            frames[place] = logits.argmax(axis=1)
        memory = max(memory, method.memory)
    return Run(method.name, videos, tuple(frames), seconds, memory)


Shots = dict[str, tuple[FloatArray, Labels]]


def take_shots(clips: Sequence[Clip], count: int) -> tuple[Shots, tuple[Clip, ...]]:
    """Set labelled frames aside for :class:`core.personalize.peers.TipAdapter`.

    Args:
        clips: streams of people.
        count: the first frames of each class that each subject shows.

    Returns:
        Embeddings and labels by subject, and the clips without those frames, for every method alike; a clip
        that lost all of its frames is gone.
    """
    left: dict[tuple[str, int], int] = {}
    shots: dict[str, tuple[list[FloatArray], list[int]]] = {}
    rest = []
    for clip in clips:
        rows, labels = shots.setdefault(clip.subject, ([], []))
        kept = []
        for place, label in enumerate(clip.frame_labels.tolist()):
            room = left.setdefault((clip.subject, label), count)
            if label < 0 or not room:
                kept.append(place)
                continue
            left[clip.subject, label] = room - 1
            rows.append(clip.embeddings[place])
            labels.append(label)
        if kept:
            own = None if clip.labels is None else clip.labels[kept]
            rest.append(replace(clip, embeddings=clip.embeddings[kept], labels=own))
    found = {
        name: (np.array(rows), np.array(labels, np.int64)) for name, (rows, labels) in shots.items() if labels
    }
    return found, tuple(rest)


def evaluate(found: Run, clips: Sequence[Clip], classes: int, unit: Unit = "video") -> Evaluation:
    """Figures of a run against the labels; what has no label is left out.

    Args:
        found: of these clips.
        clips: with their labels.
        classes: how many are declared.
        unit: what counts as one sample.

    Raises:
        ValueError: nothing has a label.
    """
    truth, answers, subjects = _samples(found, clips, unit)
    tables = _tables(truth, answers, subjects, classes)
    intervals = {}
    if len(tables) > 1:
        for name in FIGURES:
            intervals[name] = bootstrap(_figure(name, tables), np.arange(len(tables)))
    return Evaluation(report(truth, answers, classes, subjects), intervals)


def compare(a: Run, b: Run, clips: Sequence[Clip], classes: int, unit: Unit = "video") -> dict[str, Interval]:
    """Pooled figures of ``a`` minus those of ``b`` on the same clips, with intervals over subjects.

    Raises:
        ValueError: fewer than two subjects.
    """
    tables = []
    for found in (a, b):
        truth, answers, subjects = _samples(found, clips, unit)
        tables.append(_tables(truth, answers, subjects, classes))
    differences = {}
    for name in FIGURES:
        first, second = (_figure(name, table) for table in tables)

        def both(
            drawn: NDArray[np.int64],
            first: Callable[[NDArray[np.int64]], float] = first,
            second: Callable[[NDArray[np.int64]], float] = second,
        ) -> float:
            return first(drawn) - second(drawn)

        differences[name] = bootstrap(both, np.arange(len(tables[0])))
    return differences


def _samples(found: Run, clips: Sequence[Clip], unit: Unit) -> tuple[Labels, Labels, NDArray[np.str_]]:
    if unit == "video":
        truth = np.array([clip.label for clip in clips])
        answers = found.videos
        subjects = np.array([clip.subject for clip in clips])
    else:
        truth = np.concatenate([clip.frame_labels for clip in clips])
        answers = np.concatenate(found.frames)
        subjects = np.repeat([clip.subject for clip in clips], [len(clip.embeddings) for clip in clips])
    known = truth >= 0
    if not known.any():
        raise ValueError("nothing here has a label")
    return truth[known], answers[known], subjects[known]


def _tables(truth: Labels, answers: Labels, subjects: NDArray[np.str_], classes: int) -> FloatArray:
    """S×K×K counts, one table a subject."""
    tables = [
        confusion(truth[subjects == name], answers[subjects == name], classes) for name in np.unique(subjects)
    ]
    return np.array(tables, np.float64)


def _figure(name: str, tables: FloatArray) -> Callable[[NDArray[np.int64]], float]:
    """One of ``FIGURES`` as a function of drawn subjects."""

    def figure(drawn: NDArray[np.int64]) -> float:
        table = tables[drawn].sum(axis=0)
        hits, true, said = np.diag(table), table.sum(axis=1), table.sum(axis=0)
        if name == "WAR":
            return float(hits.sum() / table.sum())
        if name == "UAR":
            return float((hits[true > 0] / true[true > 0]).mean())
        return float((2 * hits / np.maximum(true + said, 1)).mean())

    return figure
