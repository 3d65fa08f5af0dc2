"""The command line of the bundled source cache: ``train source-cache --data DATA``; minutes on two cores."""

import argparse
from pathlib import Path
from typing import Any

from tqdm import tqdm

from core.settings import settings
from core.training.bar import shown


def add_train(actions: Any) -> None:
    """Add ``source-cache`` to the sub-commands of ``train``."""
    parser = actions.add_parser("source-cache", help="TTA-CaP's bundled source subjects, into weights/")
    parser.add_argument("--data", type=Path, required=True, help="the folder of research data")
    parser.set_defaults(run=_train)


def _train(chosen: argparse.Namespace) -> int:
    from core import vision_language
    from core.training import source_cache
    from core.vision_language import facet

    sources = shown(source_cache.run(chosen.data, vision_language.load(facet.CARD.name)))
    assert sources is not None
    tqdm.write(source_cache.save(sources, settings().weights_dir))
    return 0
