"""Those who come with the app: ten synthetic faces and drawn pedestrians, as probes, targets and gallery."""

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import gradio as gr
import numpy as np

from core.training.example_index import FOLDER
from demos.camouflage import examples

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from core.patches.session import Block
    from core.types import Pixels

# Drawn people of a town that no training and no threshold saw; each camera sees them once.
TOWN, WALKERS, CAMERA, OTHERS = 2, 12, 0, (1, 2, 3)
WALKING: Final = FOLDER.parent / "walkers"


def walker(number: int) -> str:
    """A drawn pedestrian's name."""
    return f"walker-{number + 1}"


@lru_cache(maxsize=1)
def walkers() -> "tuple[Pixels, ...]":
    """The drawn pedestrians as the first camera sees them, 256×128×3."""
    from core.reid import pedestrians

    return tuple(pedestrians.draw(TOWN, number, CAMERA, 0) for number in range(WALKERS))


@lru_cache(maxsize=1)
def street() -> "tuple[Block, ...]":
    """The drawn pedestrians as the other cameras see them, so that no camera meets itself; one block each."""
    from core.reid import pedestrians
    from core.reid.protocol import as_input

    rows = [(number, camera, 0) for number in range(WALKERS) for camera in OTHERS]
    pictures = as_input(pedestrians.batch(TOWN, np.array(rows)))
    return _apart(pictures, np.array([walker(number) for number, *_ in rows]))


@lru_cache(maxsize=1)
def album() -> "tuple[Block, ...]":
    """The synthetic faces in those views that only judge; one block each."""
    from core.reid.protocol import as_input
    from core.training import patch_people

    found = patch_people.examples(patch_people.JUDGED)
    return _apart(as_input(found.pixels), found.identities)


def _apart(pictures: "torch.Tensor", identities: "NDArray[np.str_]") -> "tuple[Block, ...]":
    from core.patches.session import Block

    rows = [np.flatnonzero(identities == name) for name in dict.fromkeys(identities.tolist())]
    return tuple(Block(pictures[own], identities[own]) for own in rows)


@lru_cache(maxsize=16)
def lent(name: str) -> "torch.Tensor":
    """Views of a synthetic face that an attacker has, K×3×224×224; none of them judges."""
    from core.faces import find_batch
    from core.faces.align import align_batch
    from core.patches import safety
    from core.training.patch_people import LENT

    pictures = [safety.portrait(name, view) for view in LENT]
    return align_batch([(one, found[0]) for one, found in zip(pictures, find_batch(pictures), strict=True)])


def street_gallery() -> list[tuple[str, str]]:
    """(picture, caption) of each drawn pedestrian; files, because gradio would keep pictures as uploads."""
    gr.set_static_paths([WALKING])
    return [
        (str(WALKING / f"{walker(number)}.jpg"), examples.title(walker(number))) for number in range(WALKERS)
    ]
