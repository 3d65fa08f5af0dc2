"""EdgeFace-S (gamma 0.5): an EdgeNeXt whose linear layers have low rank.

George et al., "EdgeFace", arXiv 2307.01838, section III-B; Maaz et al., "EdgeNeXt", arXiv 2206.10589.
The published ONNX graph is read into timm's EdgeNeXt: convolutions and norms keep their names in it,
the linear layers are anonymous products in the order of computation.
"""

import re
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core import weights
from core.recognition.base import Card, member
from core.recognition.crop import ARCFACE_BOX

CARD = Card(
    name="edgeface-s",
    title="EdgeFace-S (WebFace subset)",
    size=112,
    dim=512,
    box=ARCFACE_BOX,
    mean=(0.5, 0.5, 0.5),
    scale=2.0,
    channels="rgb",
    source="arXiv 2307.01838",
    layer="stages.1",
)
RANK = 0.5  # gamma: rank of a linear layer over the smaller of its sizes
POSITIONS = "stages.1.blocks.2.pos_embd"
POSITION_SHAPE = (96, 14, 14)  # channels, rows, columns at 112 px


class LowRank(nn.Sequential):
    """A linear layer as a product of two (arXiv 2307.01838, eq. 3)."""

    def __init__(self, features_in: int, features_out: int) -> None:
        super().__init__()
        rank = max(2, int(min(features_in, features_out) * RANK))
        self.linear1 = nn.Linear(features_in, rank, bias=False)
        self.linear2 = nn.Linear(rank, features_out)


class Positions(nn.Module):
    """Position codes that the exporter computed once for this image size, 1×C×H×W."""

    codes: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("codes", torch.zeros(1, *POSITION_SHAPE))

    def forward(self, shape: tuple[int, int, int]) -> Tensor:
        """B×C×H×W for timm's ``(B, H, W)``."""
        return self.codes.expand(shape[0], -1, -1, -1)


def build() -> nn.Module:
    """The architecture with fresh weights: N×3×112×112 to N×512."""
    import timm

    net: nn.Module = timm.create_model("edgenext_small", num_classes=512)
    for name, module in list(net.named_modules()):
        if isinstance(module, nn.Linear):
            parent, _, leaf = name.rpartition(".")
            setattr(net.get_submodule(parent), leaf, LowRank(module.in_features, module.out_features))
    parent, _, leaf = POSITIONS.rpartition(".")
    setattr(net.get_submodule(parent), leaf, Positions())
    return net


def state(graph: Any) -> dict[str, Tensor]:
    """Parameters of ``build()`` from the published graph.

    Args:
        graph: the ``onnx.GraphProto`` of edgeface_s_gamma_05.

    Returns:
        Tensors by parameter name.
    """
    from onnx import numpy_helper

    values = {tensor.name: np.array(numpy_helper.to_array(tensor)) for tensor in graph.initializer}
    found = {
        name.removeprefix("model."): torch.from_numpy(value)
        for name, value in values.items()
        if name.startswith("model.")
    }
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in values:
            path = node.name.removeprefix("/model/").removesuffix("/MatMul")
            name = re.sub(r"(\w+)/\1\.", r"\1.", path).replace("/", ".")  # stages/stages.0 -> stages.0
            name = f"head.{name}" if name.startswith("fc.") else name
            found[f"{name}.weight"] = torch.from_numpy(values[node.input[1]].T.copy())
    codes = torch.from_numpy(values["/model/stages/stages.1/blocks/blocks.2/Transpose_1_output_0"])
    found[f"{POSITIONS}.codes"] = codes.transpose(1, 2).reshape(1, *POSITION_SHAPE)
    return found


@member(CARD)
def load() -> nn.Module:
    """The network with the published weights."""
    import onnx

    net = build()
    net.load_state_dict(state(onnx.load(str(weights.resolve(CARD.name))).graph))
    return net
