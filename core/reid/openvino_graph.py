"""Run a convolutional OpenVINO IR in torch, for any batch and with gradients.

Only the operations that small convolutional networks use are here; another one is an error when the graph
is read, not when it runs. The exporter wrote the batch of 1 into the targets of its reshapes; where such a
target begins with 1, the batch that came in takes its place.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.weights.openvino_ir import Layer, read_layers

Operation = Callable[[Layer, list[Tensor]], Tensor]
SOURCES: Final = ("Const", "Parameter", "Result")


class Graph(nn.Module):
    """A graph with one input and one result.

    Attributes:
        layers: in the order in which they run.
        done: number of a layer -> those whose output nobody needs after it.
        last_map: number of the last layer whose output still has an extent in space, or -1.
    """

    def __init__(self, layers: tuple[Layer, ...]) -> None:
        super().__init__()
        unknown = sorted({layer.kind for layer in layers} - OPERATIONS.keys() - {*SOURCES})
        if unknown:
            raise ValueError(f"operations of the OpenVINO IR that are not here: {', '.join(unknown)}")
        kinds = [layer.kind for layer in layers]
        if kinds.count("Parameter") != 1 or kinds.count("Result") != 1:
            raise ValueError("an OpenVINO IR with one input and one result is needed")
        self.layers = tuple(layers)
        last = {number: layer.number for layer in layers for number in layer.inputs}
        self.done = {layer.number: [n for n in layer.inputs if last[n] == layer.number] for layer in layers}
        spatial = [layer.number for layer in layers if layer.inputs and _is_map(layer.shape)]
        self.last_map = spatial[-1] if spatial else -1
        for layer in layers:
            if layer.kind == "Const":
                if layer.constant is None:
                    raise ValueError(f"the constant {layer.name} of the OpenVINO IR has another type")
                self.register_buffer(f"c{layer.number}", layer.constant)

    def forward(self, x: Tensor) -> Tensor:
        """The result for N inputs."""
        return self._run(x, None)

    def map_of(self, x: Tensor) -> Tensor:
        """The output of :attr:`last_map`, N×C×h×w.

        Raises:
            ValueError: the graph has no such layer.
        """
        if self.last_map < 0:
            raise ValueError("no layer of this graph has an extent in space")
        return self._run(x, self.last_map)

    def _run(self, x: Tensor, until: int | None) -> Tensor:
        values: dict[int, Tensor] = {}
        for layer in self.layers:
            if layer.kind == "Const":
                values[layer.number] = getattr(self, f"c{layer.number}")
            elif layer.kind == "Parameter":
                values[layer.number] = x
            elif layer.kind == "Result":
                return values[layer.inputs[0]]
            else:
                inputs = [values[number] for number in layer.inputs]
                values[layer.number] = OPERATIONS[layer.kind](layer, inputs)
                for number in self.done[layer.number]:  # hundreds of maps would be gigabytes
                    values.pop(number, None)
            if layer.number == until:
                return values[layer.number]
        raise ValueError("the graph ends without a result")


def read(xml: Path) -> Graph:
    """The graph of an IR file pair, in evaluation mode; errors as of ``openvino_ir.read_layers``."""
    return Graph(read_layers(xml)).eval().requires_grad_(False)


def _is_map(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and min(shape[2:]) > 1


def _pair(layer: Layer, name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in layer.options[name].split(","))


def _convolve(layer: Layer, inputs: list[Tensor]) -> Tensor:
    x, weight = inputs
    groups = 1
    if layer.kind == "GroupConvolution":  # groups × out × in × rows × columns
        groups = len(weight)
        weight = weight.flatten(0, 1)
    begin, end = _pair(layer, "pads_begin"), _pair(layer, "pads_end")
    if begin != end or layer.options.get("auto_pad", "explicit") != "explicit":
        raise ValueError(f"the padding of {layer.name} is not supported")
    strides, dilations = _pair(layer, "strides"), _pair(layer, "dilations")
    return functional.conv2d(x, weight, None, strides, begin, dilations, groups)


def _pool(layer: Layer, inputs: list[Tensor]) -> Tensor:
    kernel, strides, pads = (_pair(layer, name) for name in ("kernel", "strides", "pads_begin"))
    upwards = layer.options.get("rounding_type") == "ceil"
    if layer.kind == "MaxPool":
        return functional.max_pool2d(inputs[0], kernel, strides, pads, ceil_mode=upwards)
    outside = layer.options.get("exclude-pad") != "true"
    return functional.avg_pool2d(inputs[0], kernel, strides, pads, upwards, outside)


def _normalise(layer: Layer, inputs: list[Tensor]) -> Tensor:
    """Zero mean and unit variance over the axes (MVN)."""
    x, axes = inputs[0], inputs[1].tolist()
    centred = x - x.mean(axes, keepdim=True)
    if layer.options.get("normalize_variance") != "true":
        return centred
    variance, floor = centred.square().mean(axes, keepdim=True), float(layer.options["eps"])
    inside = layer.options.get("eps_mode", "INSIDE_SQRT").upper() == "INSIDE_SQRT"
    return centred / ((variance + floor).sqrt() if inside else variance.sqrt() + floor)


def _reshape(layer: Layer, inputs: list[Tensor]) -> Tensor:
    x, target = inputs[0], inputs[1].tolist()
    if target[0] == 1:
        target[0] = len(x)
    if layer.options.get("special_zero") == "true":
        target = [x.shape[axis] if size == 0 else size for axis, size in enumerate(target)]
    return x.reshape(target)


def _gather(_: Layer, inputs: list[Tensor]) -> Tensor:
    data, indices, axis = inputs
    found = data.index_select(int(axis), indices.flatten())
    return found if indices.ndim else found.squeeze(int(axis))


def _mean(layer: Layer, inputs: list[Tensor]) -> Tensor:
    return inputs[0].mean(inputs[1].tolist(), keepdim=layer.options.get("keep_dims") == "true")


def _multiply_matrices(layer: Layer, inputs: list[Tensor]) -> Tensor:
    first, second = inputs
    first = first.mT if layer.options.get("transpose_a") == "true" else first
    return first @ (second.mT if layer.options.get("transpose_b") == "true" else second)


OPERATIONS: Final[Mapping[str, Operation]] = {
    "Add": lambda _, x: x[0] + x[1],
    "AvgPool": _pool,
    "Concat": lambda layer, x: torch.cat(x, int(layer.options["axis"])),
    "Convert": lambda _, x: x[0],  # from half precision, which the reader did
    "Convolution": _convolve,
    "Gather": _gather,
    "GroupConvolution": _convolve,
    "MVN": _normalise,
    "MatMul": _multiply_matrices,
    "MaxPool": _pool,
    "Multiply": lambda _, x: x[0] * x[1],
    "PReLU": lambda _, x: torch.where(x[0] > 0, x[0], x[0] * x[1]),
    "ReLU": lambda _, x: x[0].relu(),
    "ReduceMean": _mean,
    "Reshape": _reshape,
    "ShapeOf": lambda _, x: torch.tensor(x[0].shape),
    "Sigmoid": lambda _, x: x[0].sigmoid(),
    "Subtract": lambda _, x: x[0] - x[1],
}
