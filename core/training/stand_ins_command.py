"""The command line of the bundled ABAW heads: ``train stand-ins``.

    python -m core train stand-ins --data DATA --out DIR [--encoder facet-expression]

What the geometric rule reads is kept in ``DIR/teacher`` and serves every encoder. The heads replace
those in ``weights/``; they answer for one encoder only, so another encoder's take its place.
"""

import argparse
from pathlib import Path
from typing import Any

from tqdm import tqdm

from core.settings import settings
from core.training.bar import shown


def add_train(actions: Any) -> None:
    """Add ``stand-ins`` to the sub-commands of ``train``."""
    parser = actions.add_parser("stand-ins", help="the bundled ABAW heads, into weights/")
    parser.add_argument("--data", type=Path, required=True, help="the folder of research data")
    parser.add_argument("--out", type=Path, required=True, help="for what was measured and checkpoints")
    parser.add_argument("--encoder", default="facet-expression", help="on whose features they stand")
    parser.set_defaults(run=_train)


def _train(chosen: argparse.Namespace) -> int:
    from core import expression
    from core.training import abaw_stand_ins, loop

    encoder = expression.load(chosen.encoder)
    try:
        heads = shown(abaw_stand_ins.run(chosen.data, encoder, chosen.out))
        assert heads is not None
        tqdm.write(abaw_stand_ins.save(heads, chosen.encoder, settings().weights_dir))
    finally:
        loop.leave()
    return 0
