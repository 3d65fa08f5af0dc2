from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from core.expression import load
from core.expression.ter_gan import CARD, TerGan, state
from core.weights.tfjs import read_weights

# TensorFlow.js 4.22.0, its plain JavaScript backend, on the waves below
EXPECTED = (
    3.962595224380493, 2.198972225189209, -0.2203211486339569, 2.91463565826416,
    1.321067452430725, -0.7342784404754639, -1.0761343240737915, 0.46392473578453064,
)  # fmt: skip


def waves(size: int) -> torch.Tensor:
    y, x = np.mgrid[:size, :size] / size
    picture = np.stack([np.sin(9 * x + 3 * y), np.cos(7 * y), np.sin(5 * x * y)])[None] / 2 + 0.5
    return torch.from_numpy(picture.astype(np.float32))


def graph() -> dict[str, np.ndarray]:
    """Random weights under the published names and in TensorFlow's layout."""
    rng, root = np.random.default_rng(0), "PartitionedCall/"
    convolutions = [m for m in TerGan().modules() if isinstance(m, torch.nn.Conv2d)]
    values = {}
    for number, layer in enumerate(convolutions):
        out, into, rows, columns = layer.weight.shape
        name = f"{root}split_{number}" if number else f"{root}split"
        values[name] = rng.normal(0, 0.05, (rows, columns, into, out)).astype(np.float32)
        values[f"unknown_{2 * number}"] = rng.normal(0, 0.1, out).astype(np.float32)
    norm = f"{root}onnx_tf_prefix_BatchNormalization_48"
    values[f"{norm}/mul"], values[f"{norm}/sub"] = rng.normal(size=(2, 1, 512)).astype(np.float32)
    values["unknown_43"] = rng.normal(size=(512, 8)).astype(np.float32)
    return values


def test_every_weight_has_its_place() -> None:
    values = graph()
    net = TerGan().eval()
    net.load_state_dict(state(values))
    x = torch.rand(2, 512)
    mul, sub = (values[f"PartitionedCall/onnx_tf_prefix_BatchNormalization_48/{n}"] for n in ("mul", "sub"))
    torch.testing.assert_close(net.norm(x), x * torch.from_numpy(mul) + torch.from_numpy(sub))
    torch.testing.assert_close(net.head(x), x @ torch.from_numpy(values["unknown_43"]))
    kernel = values["PartitionedCall/split_7"]  # the first shortcut that widens
    torch.testing.assert_close(
        net.blocks[2].shortcut.weight, torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy())
    )


def test_a_weight_too_many_or_missing_is_told() -> None:
    with pytest.raises(ValueError, match="surplus"):
        state(graph() | {"surplus": np.zeros(1, np.float32)})
    values = graph()
    del values["unknown_43"]
    with pytest.raises(KeyError):
        state(values)


@pytest.mark.weights
def test_the_network_says_what_tensorflow_js_says(weight: Callable[[str], Path]) -> None:
    assert len(read_weights(weight(CARD.name) / "model.json")) > 40
    found = load(CARD.name)(waves(224)).scores[0]
    np.testing.assert_allclose(found.numpy(), EXPECTED, atol=2e-4)
