"""Weights of a TensorFlow.js graph model (model.json and its shards), by name; nothing of the graph is run.

The format is that of the converter's ``weightsManifest``: groups of tensors laid one after the other over
the group's shards, each with its own type, shape and, where its numbers were shortened, quantisation.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TYPES: Mapping[str, str] = {"float32": "<f4", "int32": "<i4", "bool": "|u1", "uint8": "|u1", "uint16": "<u2"}


def read_weights(model: Path) -> dict[str, NDArray[np.float32]]:
    """Read the floating-point weights of a graph model.

    Args:
        model: ``model.json``; the shards that it names lie beside it.

    Returns:
        Arrays by name in TensorFlow's own layout (filters: rows, columns, in, out); integers and
        booleans (shapes and axes of the graph) are left out.

    Raises:
        ValueError: a tensor has an unknown type or lies outside its shards, or the shards hold more than
            their tensors.
    """
    found: dict[str, NDArray[np.float32]] = {}
    for group in json.loads(model.read_text(encoding="utf-8"))["weightsManifest"]:
        blob = b"".join((model.parent / PurePosixPath(name).name).read_bytes() for name in group["paths"])
        offset = 0
        for tensor in group["weights"]:
            stored = tensor.get("quantization", tensor)["dtype"]
            if tensor["dtype"] not in _TYPES or stored not in (*_TYPES, "float16"):
                raise ValueError(f"the type of {tensor['name']} is not supported")
            kind = np.dtype("<f2" if stored == "float16" else _TYPES[stored])
            count = math.prod(tensor["shape"])
            if offset + count * kind.itemsize > len(blob):
                raise ValueError(f"{tensor['name']} lies outside the model's shards")
            values = np.frombuffer(blob, kind, count, offset).reshape(tensor["shape"])
            offset += count * kind.itemsize
            if tensor["dtype"] == "float32":
                found[tensor["name"]] = _restored(values, tensor.get("quantization", {}))
        if offset != len(blob):
            raise ValueError("the model's shards hold more than its tensors")
    return found


def _restored(values: NDArray[Any], quantization: Mapping[str, Any]) -> NDArray[np.float32]:
    """Single precision from half precision, or from integers on a scale from a smallest value."""
    restored = values.astype(np.float32)
    if "scale" in quantization:
        restored = restored * np.float32(quantization["scale"]) + np.float32(quantization["min"])
    return restored
