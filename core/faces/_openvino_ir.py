"""Constants of an OpenVINO IR file pair (.xml and .bin), by layer name; nothing of the graph is run."""

import math
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import torch
from torch import Tensor

_TYPES: Mapping[str, type[np.generic]] = {"f32": np.float32, "f16": np.float16}


def read_constants(xml: Path) -> dict[str, Tensor]:
    """Read the floating-point constants of an IR (version 10 or 11).

    Args:
        xml: the graph's file; the weights lie beside it with the suffix ``.bin``.

    Returns:
        Layer name -> float32 tensor in the shape that the graph declares; constants of integer
        types (shapes and axes of the graph) are left out.

    Raises:
        ValueError: the XML declares a document type (entities are refused), a constant lies outside
            the ``.bin`` file, or its size and shape disagree.
    """
    text = xml.read_bytes()
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise ValueError("an OpenVINO IR has no document type declaration")
    blob = xml.with_suffix(".bin").read_bytes()
    constants: dict[str, Tensor] = {}
    for layer in ElementTree.fromstring(text).iterfind("layers/layer[@type='Const']"):
        data = layer.find("data")
        if data is None or data.get("element_type") not in _TYPES:
            continue
        constants[layer.get("name", "")] = _constant(blob, data.attrib)
    return constants


def _constant(blob: bytes, data: Mapping[str, str]) -> Tensor:
    kind = np.dtype(_TYPES[data["element_type"]])
    offset, size = int(data["offset"]), int(data["size"])
    shape = [int(part) for part in data["shape"].split(",")] if data["shape"].strip() else []
    count = math.prod(shape)
    if size != count * kind.itemsize or offset < 0 or offset + size > len(blob):
        raise ValueError("a constant of the OpenVINO IR does not fit its data")
    values = np.frombuffer(blob, kind, count, offset).reshape(shape)
    return torch.from_numpy(values.astype(np.float32))
