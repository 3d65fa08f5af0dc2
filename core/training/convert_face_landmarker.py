"""Turn MediaPipe's face_landmarker.task into safetensors that core.faces reads, without TensorFlow.

    pip install tflite==2.18.0
    python -m core.training.convert_face_landmarker face_landmarker.task weights/face_landmarks.safetensors

The task file is a zip of tflite graphs. Their constants are taken in the order in which the operators use
them and named after core.faces' modules, whose layers run in that same order. The graphs store float16 and
so does the result: nothing is rounded.
"""

import argparse
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

Array = NDArray[np.float16]

LANDMARK_BLOCKS = 34
BLENDSHAPE_BLOCKS = 4


def landmark_names() -> Iterator[str]:
    """Parameter names of core.faces' LandmarkNet in execution order."""
    yield from ("stem.weight", "stem.bias", "stem_act.weight")
    layers = ("narrow.weight", "narrow.bias", "act.weight", "depthwise.weight", "widen.weight", "widen.bias")
    for block in range(LANDMARK_BLOCKS):
        yield from (f"blocks.{block}.{layer}" for layer in (*layers, "act_out.weight"))
    for head in ("tongue", "presence", "points"):
        yield from (f"{head}.weight", f"{head}.bias")


def blendshape_names() -> Iterator[str]:
    """Parameter names of core.faces' BlendshapeNet in execution order."""
    yield from ("gain", "points.weight", "points.bias", "coordinates.weight", "coordinates.bias", "summary")
    for block in range(BLENDSHAPE_BLOCKS):
        for part in ("tokens", "channels"):
            yield f"blocks.{block}.norm_{part}.weight"
            for layer in (0, 2):
                yield from (f"blocks.{block}.{part}.{layer}.{kind}" for kind in ("weight", "bias"))
    yield from ("head.weight", "head.bias")


def constants(graph: bytes) -> Iterator[tuple[str, Array]]:
    """Float constants of a tflite graph with the name of the operator that uses each, in that order.

    Two kinds are left out because the modules hold them in their code: biases of depthwise convolutions (one
    shared vector of zeros; a ValueError says so if that ever changes) and the epsilon of layer norms.
    """
    import tflite

    kinds = {v: k for k, v in vars(tflite.BuiltinOperator).items() if isinstance(v, int)}
    model = tflite.Model.GetRootAsModel(graph, 0)
    body = model.Subgraphs(0)
    known: dict[int, Array] = {}
    for index in range(body.OperatorsLength()):
        operator = body.Operators(index)
        code = model.OperatorCodes(operator.OpcodeIndex())
        kind = kinds[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        inputs = [int(i) for i in operator.InputsAsNumpy()]
        if kind == "DEQUANTIZE":
            known[int(operator.Outputs(0))] = _constant(model, body.Tensors(inputs[0]))
            continue
        values = [known[i] for i in inputs if i in known]
        if kind == "ADD":
            continue
        if kind == "DEPTHWISE_CONV_2D":
            weight, bias = values
            if bias.any():
                raise ValueError("a depthwise convolution of this graph has a bias")
            values = [weight]
        for value in values:
            yield kind, value


def _constant(model: Any, tensor: Any) -> Array:
    data = model.Buffers(tensor.Buffer()).DataAsNumpy()
    shape = tensor.ShapeAsNumpy() if tensor.ShapeLength() else ()
    values: Array = data.view(np.float16).reshape(shape)
    return values


def torch_layout(kind: str, value: Array, linear: bool) -> Array:
    """A tflite constant in torch's axis order; ``linear`` drops the two sides of a 1×1 convolution."""
    if kind == "CONV_2D" and value.ndim == 4:  # out, height, width, in
        moved = value.reshape(len(value), -1) if linear else value.transpose(0, 3, 1, 2)
    elif kind == "DEPTHWISE_CONV_2D":  # 1, height, width, channels
        moved = value.transpose(3, 0, 1, 2)
    else:
        moved = value.reshape(-1) if value.ndim else value
    return np.array(moved, np.float16, order="C")


def convert(task: Path) -> dict[str, Array]:
    """Both nets of a task file, prefixed ``landmarks.`` and ``blendshapes.``.

    Raises:
        ValueError: the graph has another number of constants than the modules have parameters.
    """
    tensors: dict[str, Array] = {}
    with zipfile.ZipFile(task) as archive:
        for member, prefix, names in (
            ("face_landmarks_detector.tflite", "landmarks", landmark_names()),
            ("face_blendshapes.tflite", "blendshapes", blendshape_names()),
        ):
            for name, (kind, value) in zip(names, constants(archive.read(member)), strict=True):
                tensors[f"{prefix}.{name}"] = torch_layout(kind, value, linear=prefix == "blendshapes")
    return tensors


def main() -> None:
    """Command line: task file in, safetensors out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    save_file(convert(arguments.task), arguments.out, metadata={"format": "pt"})


if __name__ == "__main__":
    main()
