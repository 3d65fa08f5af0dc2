"""Latents of many crops of the training photographs, made once and kept."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from core.datasets import flowers as photographs
from core.datasets.flowers import CLASSES, Photographs
from core.diffusion import network
from core.errors import Code, UserError
from core.training.loop import BEST

FILE = "latents.safetensors"
EACH = 12  # crops of a photograph
WHOLE = (120, 160)  # sides of the crops, so that each shows most of a flower
SEED = 1
MEAN = "mean."


def as_pictures(found: Photographs) -> Tensor:
    """N×S×S×3 -> a uint8 tensor N×3×S×S."""
    return torch.from_numpy(found.pixels).permute(0, 3, 1, 2).contiguous()


def crops(pictures: Tensor, sides: tuple[int, int]) -> Tensor:
    """A random square of each picture, mirrored half of the time; chance is torch's own.

    Args:
        pictures: N×3×S×S uint8.
        sides: smallest and largest side in pixels.

    Returns:
        N×3×64×64 in -1..1.
    """
    cut = []
    for picture in pictures:
        side = int(torch.randint(sides[0], sides[1] + 1, ()))
        top, left = torch.randint(0, picture.shape[1] - side + 1, (2,)).tolist()
        piece = picture[None, :, top : top + side, left : left + side].float()
        piece = nn.functional.interpolate(piece, network.SIZE, mode="bicubic", antialias=True)
        cut.append(piece.flip(3) if torch.rand(()) < 0.5 else piece)
    return (torch.cat(cut) / 127.5 - 1).clamp(-1, 1)


def trained(folder: Path, inside: str) -> dict[str, Tensor]:
    """The averaged weights that a run kept.

    Args:
        folder: of the run.
        inside: name of the network within the model that was trained.

    Raises:
        UserError: no run ended there.
    """
    if not (folder / BEST).is_file():
        raise UserError(
            Code.FILE_UNREADABLE,
            f"No {folder.name} was trained in {folder.parent.name}.",
            "Train that part first.",
        )
    start = f"{MEAN}{inside}."
    return {
        name.removeprefix(start): value
        for name, value in load_file(folder / BEST).items()
        if name.startswith(start)
    }


def coder(out: Path) -> Any:
    """The autoencoder that was trained in ``out``."""
    net = network.autoencoder()
    net.load_state_dict(trained(out / "autoencoder", "coder"))
    return net.eval().requires_grad_(False)


def bank(data: Path, out: Path) -> dict[str, Tensor]:
    """The latents, read from ``out`` where they are there already.

    Returns:
        ``latents`` N×4×16×16 of mean 0 and deviation 1 in each channel, ``labels`` N, and the ``shift`` and
        ``scale`` of the channels, 4 each: a latent of the autoencoder is ``latent * scale + shift``.

    Raises:
        UserError: the data is not there, or no autoencoder was trained in ``out``.
    """
    if not (out / FILE).is_file():
        save_file(_make(data, coder(out)), out / FILE)
    return load_file(out / FILE)


@torch.inference_mode()
def _make(data: Path, net: Any) -> dict[str, Tensor]:
    found = photographs.read(data, CLASSES, "train")
    pictures, labels = as_pictures(found), torch.from_numpy(found.labels)
    torch.manual_seed(SEED)
    rows = [
        net.encode(crops(part, WHOLE)).latent_dist.sample()
        for _ in range(EACH)
        for part in torch.split(pictures, 48)
    ]
    latents = torch.cat(rows)
    shift, scale = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    latents = (latents - shift.view(1, -1, 1, 1)) / scale.view(1, -1, 1, 1)
    return {"latents": latents, "labels": labels.repeat(EACH), "shift": shift, "scale": scale}
