"""Turn dlib's face_recognition_resnet_model_v1.dat into safetensors, without dlib.

    python -m core.training.convert_dlib MODEL.dat weights/

The file is dlib's own serialisation: each layer writes a tag (``con_4``, ``affine_``, ``fc_2``), its
parameters as one flat tensor, and then the shape of the filters. Integers are a byte that holds the
count of bytes (bit 7: sign) followed by that many bytes, least significant first; floats are float32.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

Array = NDArray[np.float32]
TAGS = (b"con_4", b"affine_", b"fc_2")
SHARD_BYTES = 9_000_000


def read_integer(data: bytes, offset: int) -> tuple[int, int]:
    """One serialised integer and the offset behind it; a malformed header is a ValueError."""
    header = data[offset]
    count = header & 0x0F
    if header & 0x70 or not 1 <= count <= 8:
        raise ValueError(f"no dlib integer at byte {offset}")
    value = int.from_bytes(data[offset + 1 : offset + 1 + count], "little")
    return (-value if header & 0x80 else value), offset + 1 + count


def read_integers(data: bytes, offset: int, count: int) -> tuple[list[int], int]:
    """``count`` integers in a row and the offset behind them."""
    values = []
    for _ in range(count):
        value, offset = read_integer(data, offset)
        values.append(value)
    return values, offset


def layers(data: bytes) -> Iterator[tuple[str, Array, list[int]]]:
    """Walk the layers that have parameters, from the input on.

    Yields:
        The tag, the flat parameters, and the shape: of a convolution's filters (out, in, rows,
        columns), of the last layer (outputs, inputs), of an affine layer nothing.
    """
    marks = [bytes([1, len(tag)]) + tag for tag in TAGS]  # a string is its length and its bytes
    offset = 0
    while True:
        found = [(place, mark) for mark in marks if (place := data.find(mark, offset)) >= 0]
        if not found:
            return
        place, mark = min(found)
        tag, offset = mark[2:].decode(), place + len(mark)
        sizes, offset = read_integers(data, offset, 2 if tag == "fc_2" else 0)  # outputs, inputs
        (version, *shape), offset = read_integers(data, offset, 5)
        if version != 2:
            raise ValueError(f"tensor version {version} is not supported")
        count = int(np.prod(shape))
        values = np.frombuffer(data, "<f4", count, offset)
        offset += 4 * count
        if tag == "con_4":  # goes on with filters, rows, columns, 2 strides, 2 paddings, version, shape
            sizes = read_integers(data, offset, 12)[0][8:]
        yield tag, values, sizes


def convert(data: bytes) -> dict[str, Array]:
    """Folded weights by name: each affine layer is multiplied into the convolution before it.

    Args:
        data: the .dat file.

    Returns:
        ``stem``, ``blocks.I.first`` and ``blocks.I.second`` with .weight and .bias, ``head.weight``
        (dim×channels).

    Raises:
        ValueError: not the 29-layer network.
    """
    tensors: dict[str, Array] = {}
    names = iter(["stem"] + [f"blocks.{i}.{part}" for i in range(14) for part in ("first", "second")])
    weight, bias = np.empty(0, np.float32), np.empty(0, np.float32)
    for tag, values, shape in layers(data):
        if tag == "con_4":
            weight, bias = values[: -shape[0]].reshape(shape), values[-shape[0] :]
        elif tag == "affine_":
            gamma, beta = np.split(values, 2)
            name = next(names, "")
            tensors[f"{name}.weight"] = weight * gamma[:, None, None, None]
            tensors[f"{name}.bias"] = bias * gamma + beta
        else:
            tensors["head.weight"] = np.ascontiguousarray(values.reshape(shape[::-1]).T)
    if len(tensors) != 59 or "head.weight" not in tensors:
        raise ValueError("this is not dlib's face recognition network")
    return tensors


def shards(tensors: dict[str, Array]) -> list[dict[str, NDArray[np.float16]]]:
    """Half-precision tensors in files below ten megabytes each, in order."""
    parts: list[dict[str, NDArray[np.float16]]] = [{}]
    for name, value in tensors.items():
        half = value.astype(np.float16)
        if sum(tensor.nbytes for tensor in parts[-1].values()) + half.nbytes > SHARD_BYTES:
            parts.append({})
        parts[-1][name] = half
    return parts


def main() -> None:
    """Convert the file named on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="dlib_face_recognition_resnet_model_v1.dat")
    parser.add_argument("folder", type=Path, help="where the safetensors files go")
    arguments = parser.parse_args()
    parts = shards(convert(arguments.model.read_bytes()))
    for number, part in enumerate(parts, 1):
        save_file(part, arguments.folder / f"dlib_resnet-{number}-of-{len(parts)}.safetensors")


if __name__ == "__main__":
    main()
