"""Heads that somebody trained with ``python -m core train abaw``, read from the disk, and used by the app.

``FACET_ABAW_HEADS`` names a folder whose sub-folders are the ``--out`` of that command; what fits the encoder
takes the place of the bundled stand-ins.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from core.abaw import heads
from core.abaw.features import FeatureStore
from core.abaw.violence import TemporalConvolution, sliding
from core.datasets.frame_labels import Task
from core.errors import Code, UserError

Branch = Literal["features", "scores"]
HEAD: Final = "head.safetensors"


def head(task: Task, dim: int) -> nn.Module:
    """An untrained head for ``dim`` features."""
    made: Mapping[Task, Callable[[int], nn.Module]] = {
        Task.EXPRESSION: heads.ExpressionHead,
        Task.DIMENSIONS: heads.DimensionHead,
        Task.UNITS: heads.UnitHead,
        Task.VIOLENCE: TemporalConvolution,
    }
    return made[task](dim)


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A head from the disk.

    Attributes:
        model: in evaluation mode.
        task: what it answers.
        branch: which of the encoder's numbers it takes.
        length: frames of a window (violence).
    """

    model: nn.Module
    task: Task
    branch: Branch
    length: int

    @classmethod
    def load(cls, folder: Path, store: FeatureStore) -> "Trained":
        """Read what :func:`train` left in ``folder``.

        Raises:
            UserError: ``WEIGHTS_MISSING``: no head, ``OPTION_RANGE``: one for other features.
        """
        file = folder / HEAD
        if not file.is_file():
            raise UserError(
                Code.WEIGHTS_MISSING,
                f"There is no trained head in {folder.name}.",
                "Train it to its end first.",
            )
        with safe_open(file, "np") as opened:
            about: dict[str, str] = opened.metadata()
        if about["features"] != store.folder.name:
            raise UserError(
                Code.OPTION_RANGE,
                f"The head in {folder.name} was trained on features of {about['features']}.",
                "Give features of the same encoder with the same weights.",
            )
        task = Task(about["task"])
        model = head(task, int(about["dim"]))
        model.load_state_dict(load_file(file))
        branch: Branch = "scores" if about["branch"] == "scores" else "features"
        return cls(model.eval().requires_grad_(False), task, branch, int(about["length"]))

    def __call__(self, found: Any) -> Tensor:
        """Raw outputs for the F rows of one :class:`core.abaw.features.Features`."""
        rows = found.scores if self.branch == "scores" else found.features
        result: Tensor = self.model(torch.from_numpy(np.asarray(rows, np.float32)))
        return result

    def violence(self, features: Tensor) -> Tensor:
        """F numbers in 0..1 from F×D features of a clip: windows of ``length``, four over each frame."""
        return sliding(self.model, features.float(), self.length, max(1, self.length // 4))


def fitting(folder: Path, stores: Iterable[FeatureStore]) -> dict[Task, "Trained"]:
    """The heads in the sub-folders of ``folder`` that were trained on features of these stores.

    Heads of other encoders, or of other weights of the same one, are left out; where two answer the same
    task, the first by name of its folder counts. Heads on class scores are for ``evaluate abaw`` only.

    Args:
        folder: its sub-folders hold a head each.
        stores: nothing in them is read.

    Raises:
        UserError: ``WEIGHTS_CORRUPT``: a file that is no head.
    """
    found: dict[Task, Trained] = {}
    known = {store.folder.name: store for store in stores}
    for file in sorted(folder.glob(f"*/{HEAD}")):
        try:
            with safe_open(file, "np") as opened:
                about: dict[str, str] = opened.metadata() or {}
            store = known.get(about["features"])
            one = Trained.load(file.parent, store) if store is not None else None
        except (OSError, KeyError, ValueError, RuntimeError, SafetensorError):
            raise UserError(
                Code.WEIGHTS_CORRUPT,
                f"The head in {file.parent.name} cannot be read.",
                "Take that folder out of FACET_ABAW_HEADS, or train it again.",
            ) from None
        if one is not None and one.branch == "features":
            found.setdefault(one.task, one)
    return found
