"""ViT-S/14 of the DINOv2 architecture (arXiv 2304.07193), from the ONNX graph of a saliency network.

The carrier holds a DINOv2-S backbone that was tuned to predict where people
look. Its weights are read out of the graph and loaded into transformers' ``Dinov2Model``.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from core import weights
from core.errors import Code, UserError

NAME = "vit-s14"
DIM = 384
PATCH = 14
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_RENAMED = {"attention.attention.": "attention.", "attention.output.dense": "attention.o_proj"}
_RENAMED |= {"query": "q_proj", "key": "k_proj", "value": "v_proj"}
_GRID = 37  # positions a side that were learned, at 518 px


def normalised(crops: Tensor) -> Tensor:
    """N×3×H×W in 0..1 as the backbone takes it."""
    mean, std = (crops.new_tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    return (crops - mean) / std


def load() -> nn.Module:
    """The backbone with its weights.

    Raises:
        UserError: the weights cannot be had.
    """
    return Backbone(state_of(weights.resolve(NAME)))


def state_of(path: Path) -> dict[str, Tensor]:
    """The backbone's weights in the names of ``Dinov2Model``.

    Linear layers are matrix products without a name of their own in the graph: the node tells which layer it
    is, and its weight is stored transposed.

    Raises:
        UserError: ``WEIGHTS_CORRUPT``: another graph.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    values = {one.name: torch.from_numpy(numpy_helper.to_array(one).copy()) for one in graph.initializer}
    found = {name.removeprefix("backbone."): v for name, v in values.items() if name.startswith("backbone.")}
    for node in graph.node:
        layer = re.search(r"/backbone/(.*)/MatMul", node.name)
        products = [values[name] for name in node.input if name in values and values[name].ndim == 2]
        if node.op_type == "MatMul" and layer and products:
            found[layer[1].replace("/", ".") + ".weight"] = products[0].t().contiguous()
    shapes = {tuple(value.shape): name for name, value in values.items() if not name.startswith("backbone.")}
    try:
        first, rest = values[shapes[1, 1, DIM]], values[shapes[1, _GRID**2, DIM]]
    except KeyError:
        raise UserError(
            Code.WEIGHTS_CORRUPT,
            "The file of the visual backbone holds another network.",
            f"Fetch it again: python -m core weights fetch {NAME}",
        ) from None
    found["embeddings.position_embeddings"] = torch.cat([first, rest], 1)
    found["embeddings.mask_token"] = torch.zeros(1, DIM)
    return {_renamed(name): value for name, value in found.items()}


def _renamed(name: str) -> str:
    for old, new in _RENAMED.items():
        name = name.replace(old, new)
    return name


class Backbone(nn.Module):
    """Crops -> one vector: the class token beside the mean of the patch tokens, 2×384."""

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        from transformers import Dinov2Config, Dinov2Model

        super().__init__()
        self.model = Dinov2Model(
            Dinov2Config(
                hidden_size=DIM, num_attention_heads=6, num_hidden_layers=12, image_size=_GRID * PATCH,
                patch_size=PATCH,
            )
        )  # fmt: skip
        self.model.load_state_dict(dict(state))
        self.eval().requires_grad_(False)

    def forward(self, crops: Tensor) -> Tensor:
        """Encode.

        Args:
            crops: N×3×H×W as :func:`normalised` gives them; sides are multiples of 14.

        Returns:
            N×768.
        """
        tokens = self.model(pixel_values=crops).last_hidden_state
        return torch.cat([tokens[:, 0], tokens[:, 1:].mean(1)], 1)
