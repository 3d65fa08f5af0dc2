"""Constants of a frozen TensorFlow graph, read without TensorFlow.

A GraphDef is a protocol buffer: fields of a number and a wire type. Four of its messages matter here:
GraphDef (1: node), NodeDef (1: name, 2: op, 5: attr), the attribute map's entries (1: key, 2: value, whose
field 8 is a tensor) and TensorProto (1: dtype, 2: shape, 4: content, 5: floats).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

FLOAT = 1  # DT_FLOAT


def _varint(data: memoryview, offset: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[offset]
        offset += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, offset
        shift += 7


def fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of one message: its number, and an integer or the bytes; others are a ValueError."""
    offset = 0
    while offset < len(data):
        key, offset = _varint(data, offset)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, offset = _varint(data, offset)
            yield number, value
            continue
        if wire == 2:
            length, offset = _varint(data, offset)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire} is not supported")
        if offset + length > len(data):
            raise ValueError("the graph ends in the middle of a field")
        yield number, data[offset : offset + length]
        offset += length


def _messages(data: memoryview, number: int) -> Iterator[memoryview]:
    return (value for key, value in fields(data) if key == number and isinstance(value, memoryview))


def _tensor(data: memoryview) -> NDArray[np.float32] | None:
    parts = list(fields(data))
    if (1, FLOAT) not in parts:
        return None
    sizes = [
        value
        for shape in _messages(data, 2)
        for dimension in _messages(shape, 2)
        for key, value in fields(dimension)
        if key == 1 and isinstance(value, int)
    ]
    content = b"".join(bytes(part) for part in (*_messages(data, 4), *_messages(data, 5)))
    values = np.frombuffer(content, "<f4")
    count = int(np.prod(sizes))
    if values.size == 1:  # one value stands for all
        values = np.repeat(values, count)
    return values.reshape(sizes)


def constants(data: bytes) -> dict[str, NDArray[np.float32]]:
    """Float constants by the name of their node.

    Args:
        data: a serialised GraphDef.

    Returns:
        Arrays in TensorFlow's own layout (filters: rows, columns, in, out).

    Raises:
        ValueError: not such a graph.
    """
    found: dict[str, NDArray[np.float32]] = {}
    for node in _messages(memoryview(data), 1):
        if b"".join(_messages(node, 2)) != b"Const":
            continue
        name = b"".join(_messages(node, 1)).decode()
        for entry in _messages(node, 5):
            if b"".join(_messages(entry, 1)) != b"value":
                continue
            for attribute in _messages(entry, 2):
                for tensor in _messages(attribute, 8):
                    if (array := _tensor(tensor)) is not None:
                        found[name] = array
    return found
