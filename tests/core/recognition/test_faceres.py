"""FaceRes from the graph's weights: folding, what is left out, and what is refused."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.recognition.faceres import PLAN, FaceRes, Separable, state

Weights = dict[str, NDArray[np.float32]]


@pytest.fixture
def graph() -> Weights:
    """Random weights under the published names and in TensorFlow's layout."""
    rng = np.random.default_rng(0)

    def draw(*shape: int) -> NDArray[np.float32]:
        return rng.normal(0, 0.1, shape).astype(np.float32)

    values = {"conv1/convolution/merged_input": draw(3, 3, 3, 32), "conv1_bn/batchnorm_1/sub": draw(32)}
    channels = 32
    for number, step in enumerate(PLAN.split(), 1):
        width = int(step.lstrip("*"))
        values[f"conv_dw_{number}/depthwise_kernel"] = draw(3, 3, channels, 1)
        values[f"conv_dw_{number}_bn/batchnorm_1/mul"] = draw(channels)
        values[f"conv_dw_{number}_bn/batchnorm_1/sub"] = draw(channels)
        values[f"conv_pw_{number}/convolution/merged_input"] = draw(1, 1, channels, width)
        values[f"conv_pw_{number}_bn/batchnorm_1/sub"] = draw(width)
        values[f"conv_pw_{number}_relu/Cast"] = np.float32(6).reshape(())
        channels = width
    return values | {"feats/kernel": draw(1024, 256), "age_pred/bias": draw(100), "gender_pred/bias": draw(1)}


def test_the_scale_after_a_depthwise_convolution_is_folded_into_it(graph: Weights) -> None:
    net = FaceRes()
    net.load_state_dict(state(graph))
    block = net.blocks[1]
    assert isinstance(block, Separable)
    x = torch.rand(1, 64, 8, 8)
    kernel = torch.from_numpy(graph["conv_dw_2/depthwise_kernel"][..., 0]).permute(2, 0, 1)
    gain, shift = (torch.from_numpy(graph[f"conv_dw_2_bn/batchnorm_1/{name}"]) for name in ("mul", "sub"))
    expected = (kernel * x[0, :, 2:5, 2:5]).sum((1, 2)) * gain + shift  # the second of a stride of two
    padded = torch.nn.functional.pad(x, (0, 1, 0, 1))
    torch.testing.assert_close(block.depthwise(padded)[0, :, 1, 1], expected)


def test_a_missing_weight_is_an_error(graph: Weights) -> None:
    del graph["conv_pw_7_bn/batchnorm_1/sub"]
    with pytest.raises(KeyError, match="conv_pw_7"):
        state(graph)


def test_a_weight_without_a_place_is_refused(graph: Weights) -> None:
    graph["conv_pw_14/convolution/merged_input"] = np.zeros((1, 1, 8, 8), np.float32)
    with pytest.raises(ValueError, match="conv_pw_14"):
        state(graph)


def test_a_wrong_shape_is_refused(graph: Weights) -> None:
    graph["conv_pw_3/convolution/merged_input"] = np.zeros((1, 1, 128, 64), np.float32)
    with pytest.raises(RuntimeError, match=r"blocks\.2\.pointwise"):
        FaceRes().load_state_dict(state(graph))


def test_the_resolution_falls_to_a_thirty_second(graph: Weights) -> None:
    net = FaceRes().eval()
    with torch.inference_mode():
        assert net.blocks(torch.rand(1, 32, 112, 112)).shape == (1, 1024, 7, 7)
        assert net(torch.rand(2, 3, 224, 224)).shape == (2, 1024)
