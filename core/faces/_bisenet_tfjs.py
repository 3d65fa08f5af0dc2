"""The published BiSeNet V2 weights (a TensorFlow.js graph model) as state of our torch module.

The graph's names follow its training code: one scope a branch, stage, block and layer. Every tensor is
checked against the shape its module expects and none may be left over, so a different export fails loudly.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.faces._bisenet import BiSeNetV2
from core.weights.tfjs import read_weights

Weights = dict[str, NDArray[np.float32]]

ROOT = "BiseNetV2"
CLASSES = 19
_DEPTHWISE = "depthwise_conv_output"
_KEEPING = ("3x3_conv_block", f"depthwise_conv_block/{_DEPTHWISE}", "1x1_conv_block")
_HALVING = (
    "3x3_conv_block",
    *(f"depthwise_conv_block_{number}/{_DEPTHWISE}" for number in (1, 2)),
    "1x1_conv_block",
)


def load_network(folder: Path) -> BiSeNetV2:
    """Build the network from ``model.json`` and its shards in a folder."""
    values = read_weights(folder / "model.json")
    network = BiSeNetV2(CLASSES)
    state: dict[str, Tensor] = {}
    for ours, theirs in names().items():
        state |= _convolution(values, ours, f"{ROOT}/{theirs}")
    norm = f"{ROOT}/semantic_branch/stage_5/ce_block_3_repeat_1/context_embedding_block/bn/FusedBatchNormV3"
    for ours, theirs in (("scale", "Scaled"), ("shift", "Offset")):
        state[f"context.{ours}"] = torch.from_numpy(values.pop(f"{norm}/{theirs}")).view(-1, 1, 1)
    if values:
        raise ValueError(f"the graph has weights that BiSeNet V2 does not: {', '.join(values)}")
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def names() -> dict[str, str]:
    """Path of every convolution of :class:`BiSeNetV2` -> its scope in the graph, without the root."""
    return {**_detail(), **_stem(), **_semantic(), **_joined()}


def _detail() -> dict[str, str]:
    # stage, block and its turn
    blocks = ("1 1 1", "1 2 1", "2 1 1", "2 2 1", "2 2 2", "3 1 1", "3 2 1", "3 2 2")
    found = {}
    for i, (stage, block, turn) in enumerate(map(str.split, blocks)):
        found[f"detail.{i}"] = f"detail_branch/stage_{stage}/conv_block_{block}_repeat_{turn}/3x3_conv"
    return found


def _stem() -> dict[str, str]:
    scope = "semantic_branch/stage_1/se_block_1_repeat_1/stem_block"
    return {
        "stem.first": f"{scope}/conv_block_1",
        "stem.left.0": f"{scope}/downsample_branch_left/1x1_conv_block",
        "stem.left.1": f"{scope}/downsample_branch_left/3x3_conv_block",
        "stem.last": f"{scope}/final_conv_block",
    }


def _semantic() -> dict[str, str]:
    found: dict[str, str] = {}
    number = 0
    for stage, repeats in ((3, 1), (4, 1), (5, 3)):
        scope = f"semantic_branch/stage_{stage}"
        down = f"{scope}/ge_block_1_repeat_1/gather_expansion_block/stride_equal_two_module"
        found |= {f"semantic.{number}.body.{i}": f"{down}/{name}" for i, name in enumerate(_HALVING)}
        found[f"semantic.{number}.shortcut.0"] = f"{down}/input_project_dw_conv_block/{_DEPTHWISE}"
        found[f"semantic.{number}.shortcut.1"] = f"{down}/input_project_1x1_conv_block"
        for turn in range(1, repeats + 1):
            keep = f"{scope}/ge_block_2_repeat_{turn}/gather_expansion_block/stride_equal_one_module"
            layers = enumerate(_KEEPING)
            found |= {f"semantic.{number + turn}.body.{i}": f"{keep}/{name}" for i, name in layers}
        number += 1 + repeats
    return found


def _joined() -> dict[str, str]:
    context = "semantic_branch/stage_5/ce_block_3_repeat_1/context_embedding_block"
    scope = "aggregation_branch/guided_aggregation_block"
    return {
        "context.mix": f"{context}/conv_block_1",
        "context.last": f"{context}/final_conv_block",
        "aggregation.detail_keep.0": f"{scope}/detail_branch/3x3_dw_conv_block/{_DEPTHWISE}",
        "aggregation.detail_keep.1": f"{scope}/detail_branch/1x1_conv_block",
        "aggregation.detail_down": f"{scope}/detail_branch/3x3_conv_block",
        "aggregation.semantic_keep.0": f"{scope}/semantic_branch/3x3_dw_conv_block/{_DEPTHWISE}",
        "aggregation.semantic_keep.1": f"{scope}/semantic_branch/1x1_conv_block",
        "aggregation.semantic_up": f"{scope}/semantic_branch/3x3_conv_block",
        "aggregation.last": f"{scope}/aggregation_features/aggregation_feature_output",
        "head.0": "logits/3x3_conv_block",
        "head.1": "logits/1x1_conv_block",
    }


def _convolution(values: Weights, ours: str, theirs: str) -> dict[str, Tensor]:
    """Take a convolution's weights out of the graph's; a plain one has no folded batch norm."""
    if f"{theirs}/W" in values:
        return {f"{ours}.weight": _filters(values.pop(f"{theirs}/W"), theirs)}
    layer = theirs if theirs.endswith(_DEPTHWISE) else f"{theirs}/conv/Conv2D"
    return {
        f"{ours}.weight": _filters(values.pop(f"{layer}_weights"), theirs),
        f"{ours}.bias": torch.from_numpy(values.pop(f"{layer}_bn_offset")),
    }


def _filters(array: NDArray[np.float32], scope: str) -> Tensor:
    """Rows×columns×in×out, or rows×columns×in×multiplier of a depthwise one, to torch's order."""
    rows, columns, inputs, outputs = array.shape
    if scope.endswith(_DEPTHWISE):
        array = array.transpose(2, 3, 0, 1).reshape(inputs * outputs, 1, rows, columns)
    else:
        array = array.transpose(3, 2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(array))
