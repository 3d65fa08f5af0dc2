"""The published MobileStyleGAN weights (two OpenVINO IR file pairs) as state of our torch modules.

Most constants keep the name of the training code; the demodulated pointwise weights and the noise maps
were renamed by the exporter, in a regular way that the formulas below undo. Every tensor is checked
against the shape its module expects, so a different export fails loudly.
"""

from pathlib import Path

import torch
from torch import Tensor

from core.faces._stylegan import CHANNELS, MappingNetwork, SynthesisNetwork
from core.weights.openvino_ir import read_constants


def load_mapping(folder: Path) -> MappingNetwork:
    """Build the mapping network from ``MappingNetwork.xml`` and ``.bin`` in a folder."""
    constants = read_constants(folder / "MappingNetwork.xml")
    state = {}
    for index in range(8):
        state[f"layers.{index}.weight"] = constants[f"{173 + 4 * index}"]
        state[f"layers.{index}.bias"] = constants[f"{174 + 4 * index}"]
    network = MappingNetwork()
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def load_synthesis(folder: Path) -> SynthesisNetwork:
    """Build the synthesis network from ``SynthesisNetwork.xml`` and ``.bin`` in a folder."""
    constants = read_constants(folder / "SynthesisNetwork.xml")
    state = _start(constants) | _colors(constants)
    for index in range(len(CHANNELS) - 1):
        block = f"blocks.{index}"
        state |= _style(constants, f"m.layers.{index}.up", block, 1.0)
        state |= _separable(constants, index, "conv1", f"{block}.first")
        state |= _separable(constants, index, "conv2", f"{block}.second")
    _put_bands_outermost(state)
    network = SynthesisNetwork()
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def _start(constants: dict[str, Tensor]) -> dict[str, Tensor]:
    state = {
        "start.input": constants["m.input.input"],
        "start.weight": constants["Mul_39_copy"],
        "start.bias": constants["m.conv1.bias"].flatten(),
        "start.noise": constants["1531"].view(4, 4, 1),
    }
    return state | _style(constants, "m.conv1.conv", "start", _gain(CHANNELS[0], 9))


def _colors(constants: dict[str, Tensor]) -> dict[str, Tensor]:
    state = {
        "colors": constants["m.layers.6.to_img.conv.weight"].flatten(1),
        "bias": constants["m.layers.6.to_img.bias"].flatten(),
    }
    style = _style(constants, "m.layers.6.to_img.conv", "", _gain(CHANNELS[-1], 1))
    return state | {name.removeprefix("."): value for name, value in style.items()}


def _separable(constants: dict[str, Tensor], index: int, conv: str, target: str) -> dict[str, Tensor]:
    second = conv == "conv2"
    pointwise = f"Mul_{100 * index + (139 if second else 106)}_copy"
    noise = constants[f"{41 * index + (1572 if second else 1560)}"]
    source = f"m.layers.{index}.{conv}"
    depthwise = constants[f"{source}.conv.weight_dw"].flatten(1, 2)
    state = {
        f"{target}.depthwise": depthwise,
        f"{target}.pointwise": constants[pointwise].flatten(1),
        f"{target}.bias": constants[f"{source}.bias"].flatten(),
        f"{target}.noise": noise[0, 0, :, :, None],
    }
    return state | _style(constants, f"{source}.conv", target, _gain(depthwise.shape[0], 9))


def _style(constants: dict[str, Tensor], source: str, target: str, gain: float) -> dict[str, Tensor]:
    """The linear layer of a modulation, with the equalised learning-rate gain multiplied in."""
    return {
        f"{target}.style.weight": constants[f"{source}.modulation.weight"] * gain,
        f"{target}.style.bias": constants[f"{source}.modulation.bias"].flatten() * gain,
    }


def _gain(inputs: int, taps: int) -> float:
    return float((inputs * taps) ** -0.5)


def _put_bands_outermost(state: dict[str, Tensor]) -> None:
    """Reorder what makes and what scales the channels of every Haar transform.

    The published order is all means, then three differences a channel; ours has the bands outermost.
    """
    maker = "start"
    for index in range(len(CHANNELS) - 1):
        block = f"blocks.{index}"
        order = _band_order(CHANNELS[index] // 4)
        names = [f"{maker}.bias", f"{block}.style.weight", f"{block}.style.bias"]
        names.append(f"{maker}.weight" if index == 0 else f"{maker}.pointwise")
        for name in names:
            state[name] = state[name][order]
        maker = f"{block}.second"
    order = _band_order(3)
    state["colors"], state["bias"] = state["colors"][order], state["bias"][order]


def _band_order(channels: int) -> Tensor:
    means = torch.arange(channels)
    differences = channels + torch.arange(3 * channels).view(channels, 3)
    return torch.cat((means, differences.T.reshape(-1)))
