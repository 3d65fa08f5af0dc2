"""Recognisers that are published as plain ONNX graphs, converted to torch by onnx2torch."""

import torch
from torch import nn

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
)


def _convert(name: str) -> nn.Module:
    import onnx
    from onnx2torch import convert

    net: nn.Module = convert(onnx.load(str(weights.resolve(name))))
    return net.to(memory_format=torch.channels_last)


@member(W600K)
def load_w600k() -> nn.Module:
    """MobileFaceNet of InsightFace's buffalo_s pack."""
    return _convert(W600K.name)


@member(SFACE)
def load_sface() -> nn.Module:
    """SFace, the recogniser of OpenCV's FaceRecognizerSF."""
    return _convert(SFACE.name)
