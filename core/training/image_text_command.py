"""The command line of the bundled image-text model: ``train image-text``.

    python -m core train image-text --data DATA --out DIR

What the frozen encoders and the geometric rule say of the stills is kept in ``DIR``; the joint goes to
``weights/``. On two cores the descriptions take about a quarter of an hour, the joint a minute.
"""

import argparse
from pathlib import Path
from typing import Any

from tqdm import tqdm

from core.settings import settings
from core.training.bar import shown


def add_train(actions: Any) -> None:
    """Add ``image-text`` to the sub-commands of ``train``."""
    parser = actions.add_parser("image-text", help="the joint of the image-text model, into weights/")
    parser.add_argument("--data", type=Path, required=True, help="the folder of research data")
    parser.add_argument("--out", type=Path, required=True, help="for what was described and measured")
    parser.set_defaults(run=_train)


def _train(chosen: argparse.Namespace) -> int:
    from core.abaw import models
    from core.training import image_text
    from core.vision_language import facet, sentences

    read, bank = sentences.load(), image_text.bank()
    scale = models.load().scale
    assert scale is not None  # the bundled heads bring it
    vectors = dict(zip(bank, read(bank), strict=True))
    joint = shown(image_text.run(chosen.data, facet.frozen(), vectors, scale, chosen.out))
    assert joint is not None
    tqdm.write(image_text.save(joint, settings().weights_dir))
    return 0
