"""Encoders published as ONNX graphs, converted to torch by onnx2torch and cut before their last layer."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, fx, nn

from core import weights
from core.expression.base import Card, member
from core.expression.crop import Framing
from core.expressions import AFFECTNET, EXPRESSIONS

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet

B0 = Card(
    name="enet-b0-8-best-vgaf",
    title="EmotiEffNet-B0 (AffectNet)",
    classes=AFFECTNET,
    size=224,
    dim=1280,
    framing=Framing(),
    channels="rgb",
    mean=MEAN,
    std=STD,
    source="Savchenko et al., arXiv 2203.13436; EmotiEffLib",
    batch=8,
)
B2 = replace(B0, name="enet-b2-8", title="EmotiEffNet-B2 (AffectNet)", size=260, dim=1408)
DENSENET = Card(
    name="densenet121-fer2013",
    title="DenseNet-121 (FER2013)",
    classes=EXPRESSIONS,
    size=224,
    dim=1024,
    framing=Framing(),
    channels="rgb",
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    source="Huang et al., arXiv 1608.06993; the package faceplugin",
    batch=8,
)


class Cut(nn.Module):
    """A converted graph in two: what gives the features, and the linear layer on them."""

    def __init__(self, trunk: nn.Module, head: nn.Linear) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = head

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """N×3×S×S -> N×dim, N×classes."""
        features = self.trunk(x)
        return features, self.head(features)


def convert(path: Path, size: int) -> Cut:
    """Convert a classifier's graph and cut it before the linear layer that it ends in.

    Args:
        path: the ONNX file.
        size: side of the pictures that it will be given.

    Raises:
        ValueError: it ends in something else.
    """
    import onnx
    from onnx2torch import convert as converted

    from core.expression._padding import fix_padding

    model = onnx.load(str(path))
    fix_padding(model, size)
    net: fx.GraphModule = converted(model).eval()
    (output,) = (node for node in net.graph.nodes if node.op == "output")
    last = output.args[0]
    head = dict(net.named_modules()).get(str(last.target))
    if not isinstance(head, nn.Linear):
        raise ValueError("the graph does not end in a linear layer")
    last.replace_all_uses_with(last.args[0])
    net.graph.erase_node(last)
    net.delete_all_unused_submodules()
    net.recompile()
    return Cut(net, head).to(memory_format=torch.channels_last)


@member(B0)
def load_b0() -> nn.Module:
    """EmotiEffNet-B0, pretrained on VGGFace2 and trained on AffectNet."""
    return convert(weights.resolve(B0.name), B0.size)


@member(B2)
def load_b2() -> nn.Module:
    """EmotiEffNet-B2, the larger one."""
    return convert(weights.resolve(B2.name), B2.size)


@member(DENSENET)
def load_densenet() -> nn.Module:
    """DenseNet-121; its input is 0..1 as its carrier feeds it."""
    return convert(weights.resolve(DENSENET.name), DENSENET.size)
