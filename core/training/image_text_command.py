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
from core.types import Progress


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

    frozen, read, bank = facet.frozen(), sentences.load(), image_text.bank()
    scale = models.load().scale
    assert scale is not None  # the bundled heads bring it
    vectors = dict(zip(bank, read(bank), strict=True))
    with tqdm(total=100, unit="%") as bar:
        images: image_text.Described | None = None
        for event in image_text.gathered(chosen.data, frozen.describe, scale, chosen.out):
            if isinstance(event, Progress):
                bar.set_description(event.message, refresh=False)
                bar.update(round(90 * event.done) - bar.n)
            else:
                images = event
        assert images is not None
        for step in image_text.train(images, vectors):
            if isinstance(step, Progress):
                bar.set_description(f"{step.message}, loss {step.data['loss']:.3f}", refresh=False)
                bar.update(round(90 + 10 * step.done) - bar.n)
            else:
                bar.write(image_text.save(step, settings().weights_dir))
    return 0
