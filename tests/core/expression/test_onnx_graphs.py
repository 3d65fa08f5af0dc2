"""Converted graphs against OpenCV's own ONNX importer, which shares no code with onnx2torch."""

import warnings
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import timm
import torch
from torch import nn

from core.expression import Encoder, load
from core.expression.onnx_graphs import B0, B2, DENSENET, Cut, convert


@pytest.fixture(scope="module")
def efficientnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained EfficientNet-B0 with eight classes, exported as EmotiEffLib exports its own."""
    torch.manual_seed(0)
    net = timm.create_model("tf_efficientnet_b0", num_classes=8).eval()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):  # untrained statistics would let everything die out
            nn.init.uniform_(module.weight, 0.8, 1.6)
            nn.init.normal_(module.bias, std=0.2)
        elif isinstance(module, nn.Conv2d) and module.bias is not None:  # equal ones would be stored once
            nn.init.normal_(module.bias, std=0.2)
    path = tmp_path_factory.mktemp("onnx") / "net.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net, (torch.zeros(1, 3, 64, 64),), path, opset_version=11, dynamo=False,
            input_names=["input"], output_names=["output"],
            dynamic_axes={"input": {0: "batch_size"}, "output": {0: "batch_size"}},
        )  # fmt: skip
    return path


def reference(path: Path, x: np.ndarray) -> np.ndarray:
    net = cv2.dnn.readNetFromONNX(str(path))
    net.setInput(x)
    return np.asarray(net.forward())


def test_an_untrained_network_says_what_opencv_says(efficientnet: Path) -> None:
    x = np.random.default_rng(0).normal(size=(1, 3, 64, 64)).astype(np.float32)
    with torch.inference_mode():
        features, scores = convert(efficientnet, 64)(torch.from_numpy(x))
    expected = reference(efficientnet, x)
    assert expected.std() > 1e-3
    np.testing.assert_allclose(scores.numpy(), expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    assert features.shape == (1, B0.dim)


def test_scores_are_features_times_the_file_s_classifier(efficientnet: Path) -> None:
    graph = onnx.load(str(efficientnet)).graph
    stored = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
    encoder = Encoder(B0, convert(efficientnet, 64))
    crops = torch.randint(
        0, 256, (3, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )
    with torch.inference_mode():
        found = encoder(crops)
    assert (found.features.shape, found.scores.shape) == ((3, 1280), (3, 8))
    by_hand = found.features.numpy() @ stored["classifier.weight"].T + stored["classifier.bias"]
    np.testing.assert_allclose(found.scores.numpy(), by_hand, rtol=1e-4, atol=1e-5)
    assert found.features.std(0).max() > 1e-3


def test_a_graph_that_ends_otherwise_is_refused(efficientnet: Path, tmp_path: Path) -> None:
    model = onnx.load(str(efficientnet))
    model.graph.node[-1].output[0] = "scores"
    model.graph.node.append(onnx.helper.make_node("Softmax", ["scores"], ["output"], axis=1))
    onnx.save(model, str(tmp_path / "soft.onnx"))
    with pytest.raises(ValueError, match="linear"):
        convert(tmp_path / "soft.onnx", 64)


@pytest.mark.weights
@pytest.mark.parametrize("card", [B0, B2, DENSENET], ids=lambda card: card.name)
def test_published_files_say_what_opencv_says(card, weight: Callable[[str], Path]) -> None:
    """The stored input is made here: a fixed picture of waves in the range that the network was made for."""
    path = weight(card.name)
    y, x = np.mgrid[: card.size, : card.size] / card.size
    waves = np.stack([np.sin(9 * x + 3 * y), np.cos(7 * y), np.sin(5 * x * y)])[None] / 2 + 0.5
    encoder = load(card.name)
    found = encoder(torch.from_numpy(waves.astype(np.float32)))
    mean, std = (np.array(v).reshape(1, 3, 1, 1) for v in (card.mean, card.std))
    expected = reference(path, ((waves - mean) / std).astype(np.float32))
    assert isinstance(encoder.net, Cut)
    np.testing.assert_allclose(found.scores.numpy(), expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
