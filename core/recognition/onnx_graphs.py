"""Recognisers that are published as plain ONNX graphs, converted to torch by onnx2torch."""

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from core import weights
from core.recognition.base import Card, member
from core.recognition.crop import ARCFACE_BOX

W600K = Card(
    name="mobilefacenet-w600k",
    title="MobileFaceNet, ArcFace (WebFace600K)",
    size=112,
    dim=512,
    box=ARCFACE_BOX,
    mean=(0.5, 0.5, 0.5),
    scale=2.0,
    channels="rgb",
    source="InsightFace buffalo_s; arXiv 1804.07573, arXiv 1801.07698, arXiv 2103.04098",
    part=6,
    layer="PRelu_94",
)
SFACE = Card(
    name="sface",
    title="SFace MobileFaceNet (CASIA-WebFace, VGGFace2, MS1M)",
    size=112,
    dim=128,
    box=ARCFACE_BOX,
    mean=(0.0, 0.0, 0.0),
    scale=255.0,
    channels="rgb",
    source="Zhong et al., SFace, arXiv 2205.12010; OpenCV Zoo 2021dec",
    part=6,
    layer="conv_14_relu",
)


def fold_batch_norms(net: fx.GraphModule) -> None:
    """Multiply each batch norm that follows a convolution into it, in place (evaluation only)."""
    modules = dict(net.named_modules())
    for node in list(net.graph.nodes):
        norm = modules.get(str(node.target))
        if not isinstance(norm, nn.BatchNorm2d):
            continue
        before = node.args[0]
        convolution = modules.get(str(before.target))
        if isinstance(convolution, nn.Conv2d) and len(before.users) == 1:
            net.set_submodule(before.target, fuse_conv_bn_eval(convolution, norm))
            node.replace_all_uses_with(before)
            net.graph.erase_node(node)
    net.delete_all_unused_submodules()
    net.recompile()


def _convert(name: str) -> nn.Module:
    import onnx
    from onnx2torch import convert

    net: fx.GraphModule = convert(onnx.load(str(weights.resolve(name)))).eval()
    fold_batch_norms(net)
    result: nn.Module = net.to(memory_format=torch.channels_last)
    return result


@member(W600K)
def load_w600k() -> nn.Module:
    """MobileFaceNet of InsightFace's buffalo_s pack."""
    return _convert(W600K.name)


@member(SFACE)
def load_sface() -> nn.Module:
    """SFace, the recogniser of OpenCV's FaceRecognizerSF."""
    return _convert(SFACE.name)
