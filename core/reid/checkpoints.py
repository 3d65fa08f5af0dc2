"""What torchreid's checkpoints share: how the file is read, and how pictures are normalised for them."""

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import Code, UserError

PREFIX: Final = "module."
UNUSED: Final = ("classifier.",)
_SCALAR: Final = np.float64().__reduce__()[0]
# Training checkpoints keep the rank-1 share as a NumPy number.
NUMBERS: Final[Sequence[Any]] = (
    *((_SCALAR, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
    *(np.dtype, type(np.dtype("float32")), type(np.dtype("float64"))),
)


class Normalised(nn.Module):
    """Colours with the mean and deviation of ImageNet taken out."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name, values in (("mean", (0.485, 0.456, 0.406)), ("deviation", (0.229, 0.224, 0.225))):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """N×3×H×W RGB in 0..1 -> the same shape."""
        return (pixels - self.mean) / self.deviation


def state_of(path: Path) -> dict[str, Tensor]:
    """Parameters by name, without the identity classifier.

    Args:
        path: parameters themselves or a training checkpoint with them under ``state_dict``; names may begin
            with the ``module.`` of data-parallel training. Only tensors and numbers are unpickled.

    Raises:
        UserError: ``FILE_UNREADABLE``.
    """
    try:
        with torch.serialization.safe_globals(list(NUMBERS)):
            held = _held(path)
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, ValueError) as problem:
        raise _unreadable(path.name) from problem
    if isinstance(held, Mapping) and isinstance(held.get("state_dict"), Mapping):
        held = held["state_dict"]
    if not isinstance(held, Mapping) or not all(isinstance(value, Tensor) for value in held.values()):
        raise _unreadable(path.name)
    named = {str(name).removeprefix(PREFIX): value for name, value in held.items()}
    return {name: value for name, value in named.items() if not name.startswith(UNUSED)}


def _held(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except UnicodeDecodeError:  # written by Python 2, as the oldest files of the model zoo are
        return torch.load(path, map_location="cpu", weights_only=True, encoding="latin1")


def fill(net: nn.Module, state: Mapping[str, Tensor], name: str) -> None:
    """Load every parameter; only the count of a batch norm's batches may be missing.

    Raises:
        UserError: ``FILE_UNREADABLE``: other names or shapes.
    """
    try:
        missing, extra = net.load_state_dict(state, strict=False)
    except RuntimeError as problem:  # shapes
        raise _unreadable(name) from problem
    if extra or any(not lacking.endswith("num_batches_tracked") for lacking in missing):
        raise _unreadable(name)


def _unreadable(name: str) -> UserError:
    return UserError(
        Code.FILE_UNREADABLE,
        f"{name} is not a checkpoint of this person encoder.",
        "Give a file of torchreid's model zoo, of the same network and width.",
    )
