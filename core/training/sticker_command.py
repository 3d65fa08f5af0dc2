"""The command line of the detector of stickers: ``train sticker-detector``.

    python -m core train sticker-detector --data DATA --out DIR

DIR keeps the patches that the detector learns from; the detector and the scales of natural crops go to
``weights/``.
"""

import argparse
from pathlib import Path
from typing import Any

from tqdm import tqdm

from core.settings import settings
from core.training.bar import shown


def add_train(actions: Any) -> None:
    """Add ``sticker-detector`` to the sub-commands of ``train``."""
    parser = actions.add_parser("sticker-detector", help="what naturalness is held to, into weights/")
    parser.add_argument("--data", type=Path, required=True, help="the folder of research data")
    parser.add_argument("--out", type=Path, required=True, help="for the patches that it learns from")
    parser.add_argument("--seed", type=int, default=0)
    parser.set_defaults(run=_train)


def _train(chosen: argparse.Namespace) -> int:
    from core.patches import naturalness
    from core.training import bundled, sticker_detector

    plan = sticker_detector.Plan(seed=chosen.seed)
    held = shown(sticker_detector.train(chosen.data, chosen.out, plan))
    assert held is not None
    path = chosen.out / naturalness.FILE
    naturalness.save(held, path)
    tqdm.write(bundled.put(path.read_bytes(), settings().weights_dir / naturalness.FILE))
    for name, (low, middle, high) in naturalness.reference(held).items():
        tqdm.write(f"{name:<10} natural crops: 5 % {low:.4f}, half {middle:.4f}, 95 % {high:.4f}")
    return 0
