"""Searches on a validation split: a bias of each class, thresholds of the action units, p0, delta and w.

Generalised logit adjustment (GLA) in ABAW-10 is one bias a class, searched for the best macro-F1 of the
validation set (arXiv 2603.12693). That macro-F1 is a staircase in each bias; our coordinate search walks all
of its steps instead of a grid. Every search takes its split explicitly and leaves its name in the result.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.abaw.classes import ACTION_UNITS, EXPRESSIONS, IGNORED_LABEL
from core.abaw.decide import active, decide
from core.abaw.expression import branches
from core.abaw.score import unit_f1
from core.abaw.split import Split, Tuned, figures
from core.types import FloatArray

REACH = 5.0
"""Largest bias (of a log-probability) that is tried; our choice."""
GRID = tuple(round(0.1 * step, 1) for step in range(1, 10))
CLASSES = len(EXPRESSIONS)


def search_bias(split: Split, start: Tuned, sweeps: int = 3) -> Tuned:
    """Search the eight biases one after another for the best macro-F1 of the final decision.

    Args:
        split: clips with expression labels.
        start: the other options, p0 included: frames that the pretrained class decides are left as they are.
        sweeps: passes over the classes; fewer when one changes nothing.

    Returns:
        ``start`` with the bias (mean 0) and the macro-F1 that it reaches on ``split``.

    Raises:
        ValueError: no frame of the split carries an expression label.
    """
    logits, fixed, truth = _annotated(split, start)
    bias = np.clip(np.array(start.options.bias), -REACH, REACH)
    best = _f1(logits + bias, fixed, truth)
    for _ in range(sweeps):
        before = best
        for label in range(CLASSES):
            candidate = bias.copy()
            candidate[label] = _best_step(logits + bias, fixed, truth, label, bias[label])
            reached = _f1(logits + candidate, fixed, truth)
            if reached > best:
                best, bias = reached, candidate
        if best == before:
            break
    centred = bias - bias.mean()
    return start.searched(replace(start.options, bias=tuple(centred.tolist())), split, best)


def search_thresholds(split: Split, start: Tuned, grid: tuple[float, ...] = GRID) -> Tuned:
    """For each action unit the threshold with the best F1; the lowest of equals.

    A unit that the split never shows, or that no threshold finds, keeps the one it had.

    Args:
        split: clips with action unit labels and scores.
        start: the other options.
        grid: thresholds that are tried.

    Raises:
        ValueError: no clip of the split has both.
    """
    timelines = [decide(clip.scores, start.options) for clip in split.clips]
    pairs = [
        (clip.units, line.units)
        for clip, line in zip(split.clips, timelines, strict=True)
        if clip.units is not None and line.units is not None
    ]
    if not pairs:
        raise ValueError("no clip has both labels and scores of action units")
    truth, strengths = map(np.concatenate, zip(*pairs, strict=True))
    tried = np.array([unit_f1(truth, active(strengths, (value,) * len(ACTION_UNITS))) for value in grid])
    best = zip(tried.argmax(axis=0), tried.max(axis=0), start.options.unit_thresholds, strict=True)
    thresholds = tuple(grid[place] if reached > 0 else kept for place, reached, kept in best)
    return start.searched(
        replace(start.options, unit_thresholds=thresholds), split, float(tried.max(axis=0).mean())
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One setting of the grid and its macro-F1 on the tuning split."""

    confidence: float
    window: int
    visual_weight: float
    tuning_macro_f1: float


def search_grid(
    split: Split,
    start: Tuned,
    confidences: tuple[float, ...] = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    windows: tuple[int, ...] = (0, 5, 15, 25, 50, 100),
    weights: tuple[float, ...] = (1.0,),
) -> tuple[Tuned, tuple[Row, ...]]:
    """Try every p0, delta and w together; the first of equals is taken.

    Returns:
        The best setting and the whole table, in the order of the nested loops.
    """
    table = tuple(
        Row(confidence, window, weight, figures(split, changed).macro_f1)
        for confidence in confidences
        for window in windows
        for weight in weights
        for changed in [replace(start.options, confidence=confidence, window=window, visual_weight=weight)]
    )
    best = max(table, key=lambda row: row.tuning_macro_f1)
    options = replace(
        start.options, confidence=best.confidence, window=best.window, visual_weight=best.visual_weight
    )
    return start.searched(options, split, best.tuning_macro_f1), table


Integers = NDArray[np.int64]


def _annotated(split: Split, start: Tuned) -> tuple[FloatArray, Integers, Integers]:
    """Of annotated frames: logits of the last branch, the fixed answer (-1 where the bias acts), labels."""
    parts = []
    for clip in split.clips:
        if clip.expressions is not None:
            found = branches(clip.scores, start.options)
            known = (clip.expressions != IGNORED_LABEL) & found.decided
            answers = np.where(found.fixed, found.pretrained.argmax(axis=1), -1)
            # Log of 0 would make every later difference nan; e^-100 is never chosen within REACH.
            logits = np.log(np.maximum(found.last, np.exp(-100.0)))
            parts.append((logits[known], answers[known], clip.expressions[known]))
    if not sum(len(truth) for _, _, truth in parts):
        raise ValueError("no frame of this split carries an expression label")
    logits, fixed, truth = map(np.concatenate, zip(*parts, strict=True))
    return logits, fixed, truth.astype(np.int64)


def _f1(logits: FloatArray, fixed: Integers, truth: Integers) -> float:
    answers = np.where(fixed >= 0, fixed, logits.argmax(axis=1))
    hits = np.bincount(truth[answers == truth], minlength=CLASSES)
    involved = np.bincount(answers, minlength=CLASSES) + np.bincount(truth, minlength=CLASSES)
    return float((2 * hits / np.maximum(involved, 1)).mean())


def _best_step(logits: FloatArray, fixed: Integers, truth: Integers, label: int, bias: float) -> float:
    """The bias of one class with the best macro-F1 when the others stay; the nearest to ``bias`` of equals.

    Frames are sorted by how much the class lacks to win them. Lifting its bias hands them over one after
    another, so running sums give the F1 of every step of the staircase.
    """
    others = logits.copy()
    others[:, label] = -np.inf
    free = fixed < 0
    rival, labels = others.argmax(axis=1)[free], truth[free]
    lack = (others.max(axis=1) - logits[:, label])[free] + bias
    order = np.argsort(lack, kind="stable")
    lack, rival, labels = lack[order], rival[order], labels[order]
    settled, settled_truth = fixed[~free], truth[~free]
    support = np.bincount(truth, minlength=CLASSES)
    total = np.zeros(len(lack) + 1)
    for name in range(CLASSES):
        asked = rival == name if name != label else np.ones(len(lack), dtype=bool)
        right = asked & (labels == name)
        moved = [np.concatenate([[0], np.cumsum(flags)]) for flags in (asked, right)]
        answered, hits = moved if name == label else [sums[-1] - sums for sums in moved]
        answered = answered + (settled == name).sum()
        hits = hits + ((settled == name) & (settled_truth == name)).sum()
        total += 2 * hits / np.maximum(answered + support[name], 1)
    ends = np.concatenate([[-REACH], np.clip(lack, -REACH, REACH), [REACH]])
    steps = (ends[:-1] + ends[1:]) / 2  # between two frames' lacks: all of equal lack move together
    total[ends[1:] <= ends[:-1]] = -1.0
    return float(min(steps[total >= total.max() - 1e-12], key=lambda step: abs(step - bias)))
