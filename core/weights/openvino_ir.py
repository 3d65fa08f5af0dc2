"""An OpenVINO IR file pair (.xml and .bin): its constants by name, or its layers in order; nothing is run."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import torch
from torch import Tensor

_FLOATS: Mapping[str, type[np.generic]] = {"f32": np.float32, "f16": np.float16}
_INTEGERS: Mapping[str, type[np.generic]] = {"i64": np.int64, "i32": np.int32}


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One node of the graph.

    Attributes:
        number: identifies it.
        name: unique in most exports, empty where there is none.
        kind: its operation, for instance ``Convolution``.
        options: the operation's attributes, as written.
        inputs: numbers of the layers that feed it, in the order of its ports.
        shape: of its first output as declared; empty for a scalar or where nothing is declared.
        constant: the value of a ``Const``: float32, or int64 for integers; None for types beyond these.
    """

    number: int
    name: str
    kind: str
    options: Mapping[str, str]
    inputs: tuple[int, ...]
    shape: tuple[int, ...]
    constant: Tensor | None


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
    layers = _layers(xml, _FLOATS)
    return {layer.name: layer.constant for layer in layers if layer.constant is not None}


def read_layers(xml: Path) -> tuple[Layer, ...]:
    """Read the whole graph of an IR (version 10 or 11) whose layers have one output each.

    Returns:
        Its layers, each after those that feed it.

    Raises:
        ValueError: as :func:`read_constants`, or a layer comes before one that feeds it.
    """
    layers = tuple(_layers(xml, {**_FLOATS, **_INTEGERS}))
    before: set[int] = set()
    for layer in layers:
        if not before.issuperset(layer.inputs):
            raise ValueError("a layer of the OpenVINO IR comes before one that feeds it")
        before.add(layer.number)
    return layers


def _layers(xml: Path, types: Mapping[str, type[np.generic]]) -> Iterator[Layer]:
    text = xml.read_bytes()
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise ValueError("an OpenVINO IR has no document type declaration")
    blob = xml.with_suffix(".bin").read_bytes()
    root = ElementTree.fromstring(text)
    feeds = _feeds(root)
    for number, layer in enumerate(root.iterfind("layers/layer")):
        identifier, kind = int(layer.get("id", number)), layer.get("type", "")
        data = layer.find("data")
        options = {} if data is None else dict(data.attrib)
        held = kind == "Const" and options.get("element_type") in types
        yield Layer(
            identifier,
            layer.get("name", ""),
            kind,
            options,
            feeds.get(identifier, ()),
            tuple(int(size.text or 0) for size in layer.iterfind("output/port[1]/dim")),
            _constant(blob, options, types[options["element_type"]]) if held else None,
        )


def _feeds(root: ElementTree.Element) -> dict[int, tuple[int, ...]]:
    """Number of a layer -> numbers of those that feed it, by port."""
    found: dict[int, list[tuple[int, int]]] = {}
    for edge in root.iterfind("edges/edge"):
        target, port, source = (int(edge.attrib[name]) for name in ("to-layer", "to-port", "from-layer"))
        found.setdefault(target, []).append((port, source))
    return {target: tuple(source for _, source in sorted(ports)) for target, ports in found.items()}


def _constant(blob: bytes, data: Mapping[str, str], type_: type[np.generic]) -> Tensor:
    kind = np.dtype(type_)
    offset, size = int(data["offset"]), int(data["size"])
    shape = [int(part) for part in data["shape"].split(",")] if data["shape"].strip() else []
    count = math.prod(shape)
    if size != count * kind.itemsize or offset < 0 or offset + size > len(blob):
        raise ValueError("a constant of the OpenVINO IR does not fit its data")
    values = np.frombuffer(blob, kind, count, offset).reshape(shape)
    return torch.from_numpy(values.astype(np.int64 if kind.kind == "i" else np.float32))
