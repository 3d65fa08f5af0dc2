"""The command line of the audio head: ``python -m core train audio-head --data EMODB --out DIR``.

The head replaces the one in ``weights/``.
"""

import argparse
from pathlib import Path
from typing import Any

from tqdm import tqdm

from core.settings import settings
from core.training.bar import shown
from core.types import Progress


def add_train(actions: Any) -> None:
    """Add ``audio-head`` to the sub-commands of ``train``."""
    parser = actions.add_parser("audio-head", help="the bundled audio head from EMO-DB, into weights/")
    parser.add_argument("--data", type=Path, required=True, help="EMO-DB with its labels.csv")
    parser.add_argument("--out", type=Path, required=True, help="for the states of the sound and checkpoints")
    parser.set_defaults(run=_train)


def _train(chosen: argparse.Namespace) -> int:
    from core import speech
    from core.datasets.emodb import SPEAKERS
    from core.training import abaw_audio, loop

    heard = shown(abaw_audio.gather(chosen.data, speech.load, chosen.out / abaw_audio.STATES))
    assert heard is not None
    tuned, checked = heard.rows(SPEAKERS["training"]), heard.rows(SPEAKERS["validation"])
    try:
        for found in abaw_audio.train(tuned, checked, chosen.out):
            if not isinstance(found, Progress):
                tqdm.write(abaw_audio.save(found, settings().weights_dir))
            elif found.data:
                tqdm.write("  ".join(f"{name} {value:.4f}" for name, value in found.data.items()))
    finally:
        loop.leave()
    return 0
