"""Those who come with the app: ten synthetic faces and drawn pedestrians, as probes, targets and gallery."""

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import gradio as gr
import numpy as np

from core.training.example_index import FOLDER, Index, file_name

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from core.patches.session import Block
    from core.types import Pixels

# Drawn people of a town that no training and no threshold saw; each camera sees them once.
TOWN, WALKERS, CAMERA, OTHERS = 2, 12, 0, (1, 2, 3)
SHOWN: Final = "frontal"
WALKING: Final = FOLDER.parent / "walkers"


def faces() -> list[tuple[str, str]]:
    """(picture, caption) of each synthetic face; gradio serves these files from where they are."""
    gr.set_static_paths([FOLDER])
    return [(str(FOLDER / file_name(name, SHOWN)), title(name)) for name in names()]


def names() -> list[str]:
    """Names of the synthetic faces, as their index has them."""
    return list(Index.load().people)


def title(name: str) -> str:
    """A person's name for the screen."""
    return name.replace("-", " ").capitalize()


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
    import torch

    from core.reid import pedestrians

    rows = [(number, camera, 0) for number in range(WALKERS) for camera in OTHERS]
    pictures = torch.from_numpy(pedestrians.batch(TOWN, np.array(rows))).permute(0, 3, 1, 2).float() / 255
    return _apart(pictures, np.array([walker(number) for number, *_ in rows]))


@lru_cache(maxsize=1)
def album() -> "tuple[Block, ...]":
    """The synthetic faces in those views that only judge; one block each."""
    import torch

    from core.training import patch_people

    found = patch_people.examples(patch_people.JUDGED)
    return _apart(torch.from_numpy(found.pixels).permute(0, 3, 1, 2).float() / 255, found.identities)


def _apart(pictures: "torch.Tensor", identities: "NDArray[np.str_]") -> "tuple[Block, ...]":
    from core.patches.session import Block

    rows = [np.flatnonzero(identities == name) for name in dict.fromkeys(identities.tolist())]
    return tuple(Block(pictures[own], identities[own]) for own in rows)


@lru_cache(maxsize=16)
def lent(name: str) -> "torch.Tensor":
    """Views of a synthetic face that an attacker has, K×3×224×224; none of them judges."""
    import torch

    from core.faces import align, find_batch
    from core.media import images
    from core.training.patch_people import LENT

    pictures = [images.load(FOLDER / file_name(name, view)).pixels for view in LENT]
    crops = [align.align(one, found[0]) for one, found in zip(pictures, find_batch(pictures), strict=True)]
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255


def street_gallery() -> list[tuple[str, str]]:
    """(picture, caption) of each drawn pedestrian; files, because gradio would keep pictures as uploads."""
    gr.set_static_paths([WALKING])
    return [(str(WALKING / f"{walker(number)}.jpg"), title(walker(number))) for number in range(WALKERS)]
