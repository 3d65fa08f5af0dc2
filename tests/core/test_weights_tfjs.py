"""Weights of a TensorFlow.js graph model: every stored type, order over shards, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.weights.tfjs import read_weights

Write = Callable[..., Path]
NUMBERS = np.array([[0.5, -1.0, 2.0], [3.5, 0.25, -7.0]], np.float32)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A function (tensors as spec and bytes, where to cut the shards) -> model.json."""

    def build(*tensors: tuple[dict[str, Any], bytes], cut: int = 7, extra: bytes = b"") -> Path:
        blob = b"".join(body for _, body in tensors) + extra
        (tmp_path / "a.bin").write_bytes(blob[:cut])
        (tmp_path / "b.bin").write_bytes(blob[cut:])
        group = {"paths": ["a.bin", "b.bin"], "weights": [spec for spec, _ in tensors]}
        model = tmp_path / "model.json"
        model.write_text(json.dumps({"weightsManifest": [group]}))
        return model

    return build


def spec(name: str, dtype: str = "float32", shape: tuple[int, ...] = (2, 3), **more: Any) -> dict[str, Any]:
    return {"name": name, "dtype": dtype, "shape": list(shape), **more}


def test_tensors_lie_one_after_the_other_over_the_shards(write: Write) -> None:
    axis = np.array([1, 2], np.int32).tobytes()
    found = read_weights(
        write(
            (spec("w"), NUMBERS.tobytes()),
            (spec("axis", "int32", (2,)), axis),
            (spec("flag", "bool", ()), b"\x01"),
            (spec("b", shape=()), np.float32(9).tobytes()),
        )
    )
    assert set(found) == {"w", "b"}
    assert np.array_equal(found["w"], NUMBERS)
    assert found["b"].shape == () and found["b"] == 9


def test_half_precision_is_widened(write: Write) -> None:
    body = NUMBERS.astype(np.float16).tobytes()
    found = read_weights(write((spec("w", quantization={"dtype": "float16"}), body)))["w"]
    assert found.dtype == np.float32
    assert np.array_equal(found, NUMBERS)  # all of them are exact in half precision


@pytest.mark.parametrize(("stored", "kind"), [("uint8", np.uint8), ("uint16", np.uint16)])
def test_quantised_integers_lie_on_their_scale(write: Write, stored: str, kind: type[np.generic]) -> None:
    steps = np.array([[0, 1, 2], [100, 200, 255]]).astype(kind)
    quantization = {"dtype": stored, "scale": 0.5, "min": -3.0}
    found = read_weights(write((spec("w", quantization=quantization), steps.tobytes())))["w"]
    assert np.allclose(found, [[-3, -2.5, -2], [47, 97, 124.5]])


def test_a_tensor_beyond_its_shards_is_refused(write: Write) -> None:
    with pytest.raises(ValueError, match="w lies outside"):
        read_weights(write((spec("w"), NUMBERS.tobytes()[:-1])))


def test_bytes_left_over_are_refused(write: Write) -> None:
    with pytest.raises(ValueError, match="more than"):
        read_weights(write((spec("w"), NUMBERS.tobytes()), extra=b"\0"))


@pytest.mark.parametrize("change", [{"dtype": "string"}, {"quantization": {"dtype": "int4"}}])
def test_unknown_types_are_refused(write: Write, change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="type of w"):
        read_weights(write((spec("w") | change, NUMBERS.tobytes())))


def test_shards_are_looked_for_beside_the_model_only(write: Write, tmp_path: Path) -> None:
    model = write((spec("w"), NUMBERS.tobytes()))
    text = model.read_text().replace("a.bin", "../../a.bin")
    model.write_text(text)
    assert np.array_equal(read_weights(model)["w"], NUMBERS)
