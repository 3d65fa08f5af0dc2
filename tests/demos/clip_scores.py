"""Scores of people in a clip that nobody filmed: slowly changing classes, seen through noise."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.abaw.classes import ACTION_UNITS, EXPRESSIONS, OTHER
from core.abaw.types import ClipScores
from core.types import Clip, FloatArray

CLIP = Clip(320, 240, 8.0, 25.0, 200, 0, True)


def soften(logits: FloatArray) -> FloatArray:
    raised = np.exp(logits - logits.max(1, keepdims=True))
    return raised / raised.sum(1, keepdims=True)


def truth(frames: int, seed: int = 0) -> FloatArray:
    return np.repeat(np.random.default_rng(seed).integers(0, OTHER, frames // 40 + 1), 40)[:frames]


def clip_scores(frames: int = 200, seed: int = 0, *, gap: bool = True, **heads: Any) -> ClipScores:
    """One person; ``heads`` replaces what the heads say, None for a head that is not there."""
    draw, classes = np.random.default_rng(seed + 1), len(EXPRESSIONS)
    signal = np.eye(classes)[truth(frames, seed)] * 3
    sure = signal + draw.normal(0, 1.3, (frames, classes))
    sure[:, OTHER] = -50
    seen = np.ones(frames, bool)
    if gap:
        seen[frames // 3 : frames // 3 + frames // 10] = False
    times = np.arange(frames) / 25
    units = (np.sin(times[:, None] / 2 + np.arange(len(ACTION_UNITS))) + 1) / 2
    found: dict[str, Any] = {
        "pretrained": soften(sure),
        "mlp": soften(0.8 * signal + draw.normal(0, 1.6, (frames, classes))),
        "valence_arousal": np.stack([np.sin(times / 2), np.cos(times / 3)], 1) * 0.6,
        "units": units,
        "units_second": units,
        **heads,
    }
    for values in found.values():
        if isinstance(values, np.ndarray) and values.ndim == 2:
            values[~seen] = 0
    boxes = np.tile([40.0, 40.0, 120.0, 140.0], (frames, 1))
    boxes[~seen] = np.nan
    sentences = {"mlp": "trained on photos, not on AffWild2", "units": "taught by a rule"}
    return ClipScores(times, seen, boxes, **found, encoder="some-encoder", stand_ins=sentences)


@dataclass
class Found:
    """What ``core.abaw.analyse`` ends in, as far as the tab looks at it."""

    scores: dict[int, ClipScores]
    clip: Clip = CLIP
    tracks: tuple[Any, ...] = ()
    thumbnails: dict[int, Any] = field(default_factory=dict)
    notices: tuple[Any, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)


def desk(*people: ClipScores, path: Path | None = None) -> Any:
    """A desk on which a clip was analysed."""
    from demos.abaw.desk import Desk

    made = Desk()
    made.start(path or Path("no-such-clip.mp4"), CLIP, "clip")
    made.found(Found(dict(enumerate(people or (clip_scores(),)))))  # type: ignore[arg-type]
    return made
