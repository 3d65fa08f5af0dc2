"""Tiny data in AffWild2's and DVD's layouts: labels that switch slowly, and features that tell of them."""

from pathlib import Path

import numpy as np

from core.abaw.features import Features, FeatureStore
from core.datasets.affwild2 import FOLDERS
from core.datasets.frame_labels import COLUMNS, Task

DIM, CLASSES = 24, 7
HASH = "ab" * 32
PARTS = {"training": ("Train_Set", "Training"), "validation": ("Validation_Set", "Validation")}
VIDEOS = {"training": ("v1", "v2_left", "v2_right"), "validation": ("w1", "w2", "w3_left")}


def make(root: Path, frames: int = 61, seed: int = 0) -> tuple[Path, Path]:
    """Write annotations of all four tasks and features.

    Returns:
        The folder of annotations and the one of features.
    """
    rng = np.random.default_rng(seed)
    data, store = root / "data", FeatureStore(root / "features", "tiny", HASH)
    mix = {task: rng.normal(size=(width, DIM)) for task, width in ((0, 8), (1, 2), (2, 12), (3, 2))}
    for part, names in VIDEOS.items():
        for name in names:
            classes = np.repeat(rng.integers(0, 8, frames), 6)[:frames]
            dimensions = np.clip(np.cumsum(rng.normal(0, 0.2, (frames, 2)), 0), -1, 1)
            units = np.repeat(rng.random((frames, 12)) < 0.3, 5, 0)[:frames].astype(int)
            violence = np.repeat(rng.integers(0, 2, frames), 9)[:frames]
            features = (
                np.eye(8)[classes] @ mix[0]
                + dimensions @ mix[1]
                + units @ mix[2]
                + np.eye(2)[violence] @ mix[3]
            )
            features += rng.normal(0, 0.1, features.shape)
            rows = {
                Task.EXPRESSION: [str(value) for value in classes],
                Task.DIMENSIONS: [f"{v:.3f},{a:.3f}" for v, a in dimensions],
                Task.UNITS: [",".join(map(str, row)) for row in units],
            }
            for unlabelled in rng.choice(frames, 5, replace=False):
                rows[Task.EXPRESSION][unlabelled] = "-1"
                rows[Task.DIMENSIONS][unlabelled] = "-5,-5"
                rows[Task.UNITS][unlabelled] = ",".join(["-1"] * 12)
            for task, lines in rows.items():
                folder = data / FOLDERS[task] / PARTS[part][0]
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{name}.txt").write_text("\n".join((",".join(COLUMNS[task]), *lines)) + "\n")
            folder = data / PARTS[part][1] / "annotations"
            folder.mkdir(parents=True, exist_ok=True)
            numbered = [f"{number},{label}" for number, label in enumerate(violence, 1)]
            (folder / f"{name}.csv").write_text("\n".join(("Frame_Number,Label", *numbered)) + "\n")
            longer = np.concatenate([features, features[-1:]])  # videos have a frame more than labels
            seen = rng.random(frames + 1) < 0.95
            scores = rng.normal(size=(frames + 1, CLASSES))
            store.save(name, Features(longer, scores, np.arange(frames + 1) / 25, seen))
    return data, root / "features"
