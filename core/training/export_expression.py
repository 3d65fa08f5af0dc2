"""Turn a checkpoint of ``core.training.expression_encoder`` into the file that comes with Facet.

What is kept is the exponential mean of the weights. Filters are stored in half precision; batch norms,
slopes and biases, which are few and whose range is wide, in single precision.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from core.errors import Code, UserError
from core.training import bundled

FILE = "facet_expression.safetensors"
PREFIX = "module."


def exported(mean: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors to store from the state of an ``AveragedModel``.

    Args:
        mean: its ``state_dict``.

    Returns:
        By parameter name of :class:`core.expression.network.ExpressionNet`.
    """
    found = {}
    for name, value in mean.items():
        if name.startswith(PREFIX) and not name.endswith("num_batches_tracked"):
            kept = value.half() if value.ndim > 1 else value.float()
            found[name.removeprefix(PREFIX)] = kept.contiguous().clone()
    return found


def export(folder: Path, target: Path) -> str:
    """Write ``facet_expression.safetensors`` from ``folder/last.pt``, and renew its line in the manifest.

    Args:
        folder: of a training run.
        target: the folder of weights; a ``manifest.toml`` in it that names the file is kept right.

    Returns:
        The file's line in the manifest.

    Raises:
        UserError: no checkpoint.
        ValueError: the file would be larger than ten megabytes.
    """
    checkpoint = folder / "last.pt"
    if not checkpoint.is_file():
        raise UserError(
            Code.FILE_UNREADABLE,
            "There is no checkpoint of a training run in that folder.",
            "Give the folder that python -m core train expression wrote to.",
        )
    mean = torch.load(checkpoint, weights_only=True)["mean"]
    return bundled.install(exported(mean), target / FILE)
