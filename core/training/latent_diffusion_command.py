"""The command line of the bundled latent diffusion: ``train latent-diffusion``.

    python -m core train latent-diffusion --data DATA --out DIR [--part autoencoder|unet]

Checkpoints are kept in ``DIR``, where a second run goes on; when both parts are trained they go to
``weights/``.
"""

import argparse
from pathlib import Path
from typing import Any

from tqdm import tqdm

from core.settings import settings
from core.training.bar import shown


def add_train(actions: Any) -> None:
    """Add ``latent-diffusion`` to the sub-commands of ``train``."""
    parser = actions.add_parser("latent-diffusion", help="the prior of natural patches, into weights/")
    parser.add_argument("--data", type=Path, required=True, help="the folder of research data")
    parser.add_argument("--out", type=Path, required=True, help="for checkpoints")
    parser.add_argument(
        "--part", choices=("autoencoder", "unet"), help="only one; the autoencoder comes first"
    )
    parser.set_defaults(run=_train)


def _train(chosen: argparse.Namespace) -> int:
    from core.training import latent_diffusion, loop

    try:
        if chosen.part != "unet":
            shown(latent_diffusion.train_autoencoder(chosen.data, chosen.out))
        if chosen.part != "autoencoder":
            shown(latent_diffusion.train_denoiser(chosen.data, chosen.out))
            if loop.is_first():
                for line in latent_diffusion.install(chosen.out, settings().weights_dir):
                    tqdm.write(line)
    finally:
        loop.leave()
    return 0
