"""Random scores of a clip."""

import numpy as np

from core.abaw.classes import ACTION_UNITS, EXPRESSIONS
from core.abaw.types import ClipScores


def random_scores(frames=200, seed=0, missing=0.2, **changes):
    rng = np.random.default_rng(seed)
    seen = rng.random(frames) >= missing
    fields = {
        "times": np.arange(frames) / 25,
        "seen": seen,
        "boxes": np.zeros((frames, 4), np.float32),
        "pretrained": faces(rng, seen),
        "mlp": faces(rng, seen),
        "audio": rng.dirichlet(np.ones(len(EXPRESSIONS)), frames),
        "valence_arousal": rng.uniform(-1, 1, (frames, 2)) * seen[:, None],
        "units": rng.random((frames, len(ACTION_UNITS))) * seen[:, None],
        "units_second": rng.random((frames, len(ACTION_UNITS))) * seen[:, None],
        "violence": rng.random(frames),
    }
    return ClipScores(**{**fields, **changes})


def faces(rng, seen):
    return rng.dirichlet(np.full(len(EXPRESSIONS), 0.4), len(seen)) * seen[:, None]
