"""The command line of the bundled person encoders: ``train person-encoder``.

    python -m core train person-encoder --data DATA --out DIR
    python -m core train person-encoder --architecture facet-person-b --kept 6 --data DATA --out DIR

Checkpoints are kept in ``DIR``, where a second call goes on; the encoder goes to ``weights/``. Without
``--data`` it is trained on drawn pedestrians alone.
"""

import argparse
from pathlib import Path
from typing import Any

from tqdm import tqdm

from core.settings import settings
from core.training.bar import shown


def add_train(actions: Any) -> None:
    """Add ``person-encoder`` to the sub-commands of ``train``."""
    parser = actions.add_parser("person-encoder", help="the encoder of whole people, into weights/")
    parser.add_argument("--data", type=Path, help="the folder of research data, for the crops of MOT17")
    parser.add_argument("--out", type=Path, required=True, help="where checkpoints are kept")
    parser.add_argument("--architecture", help="which encoder: facet-person, or -b, -c, -d after it")
    parser.add_argument("--kept", type=int, help="pictures of each drawn person; drawn anew without it")
    parser.add_argument("--seed", type=int, help="of the order, the augmentation and the network")
    parser.add_argument("--epochs", type=int, help="passes over the training people")
    parser.add_argument("--batch", type=int, help="visits a step")
    parser.add_argument("--identities", type=int, help="drawn people to train on")
    parser.add_argument("--keep", action="store_true", help="leave weights/ as it is")
    parser.set_defaults(run=_train)


def _train(chosen: argparse.Namespace) -> int:
    from core.errors import Code, UserError
    from core.reid import facet
    from core.training import loop, person_encoder

    shots = person_encoder.Options().shots
    names = ("architecture", "kept", "seed", "epochs", "batch", "identities")
    given = {name: getattr(chosen, name) for name in names if getattr(chosen, name) is not None}
    if given.get("architecture", facet.CARD.name) not in person_encoder.ARCHITECTURES:
        known = ", ".join(person_encoder.ARCHITECTURES)
        raise UserError(Code.OPTION_RANGE, "There is no such person encoder.", f"Choose one of: {known}.")
    if 0 < given.get("kept", 0) < shots:
        raise UserError(
            Code.OPTION_RANGE,
            "A visit needs more pictures than are kept.",
            f"Keep at least {shots}.",
        )
    outcome = shown(person_encoder.run(chosen.data, chosen.out, person_encoder.Options(**given)))
    assert outcome is not None
    if loop.is_first():
        tqdm.write(f"Epoch {outcome.best['epoch']:.0f}: mAP {outcome.best['mAP']:.3f} on drawn people")
        if not chosen.keep:
            tqdm.write(person_encoder.save(outcome.model, settings().weights_dir))
    loop.leave()
    return 0
