"""The command line of the audio head: ``python -m core train audio-head --data EMODB --out DIR``."""

import argparse
import hashlib
from pathlib import Path
from typing import Any

from tqdm import tqdm

from core.types import Progress

FILE = "facet_abaw_audio.safetensors"


def add_train(actions: Any) -> None:
    """Add ``audio-head`` to the sub-commands of ``train``."""
    parser = actions.add_parser("audio-head", help="what the ABAW system hears, from EMO-DB")
    parser.add_argument("--data", type=Path, required=True, help="EMO-DB with its labels.csv")
    parser.add_argument("--out", type=Path, required=True, help="for states, checkpoints and the head")
    parser.set_defaults(run=_train)


def _train(chosen: argparse.Namespace) -> int:
    from core import speech
    from core.datasets.emodb import SPEAKERS
    from core.training import abaw_audio

    heard: abaw_audio.Heard | None = None
    with tqdm(total=100, unit="%") as bar:
        for event in abaw_audio.gather(chosen.data, speech.load, chosen.out / abaw_audio.STATES):
            if isinstance(event, Progress):
                bar.set_description(event.message, refresh=False)
                bar.update(round(100 * event.done) - bar.n)
            else:
                heard = event
    assert heard is not None
    tuned, checked = heard.rows(SPEAKERS["training"]), heard.rows(SPEAKERS["validation"])
    for found in abaw_audio.train(tuned, checked, chosen.out):
        if isinstance(found, Progress):
            figures = "  ".join(f"{name} {value:.4f}" for name, value in found.data.items())
            if figures:
                tqdm.write(figures)
        else:
            abaw_audio.save(found, chosen.out / FILE)
    body = (chosen.out / FILE).read_bytes()
    digest = hashlib.sha256(body).hexdigest()
    tqdm.write(f'{{ path = "{FILE}", sha256 = "{digest}", bytes = {len(body)} }},')
    return 0
