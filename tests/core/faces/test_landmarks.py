"""The landmark net answers as the graph it was converted from, on photos of any size, batched."""

from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import torch

from core import weights
from core.faces import detect, landmarks
from core.faces.landmarks import Square
from core.training import convert_face_landmarker as convert
from core.types import Pixels

GOLDEN = np.load(Path(__file__).parent / "golden" / "landmarks.npz")


def test_points_and_presence_are_those_of_the_original_graph(oracles: ModuleType) -> None:
    crops = torch.from_numpy(oracles.drawings()).permute(0, 3, 1, 2)
    with torch.inference_mode():
        points, presence = landmarks.net()(crops)
    assert np.abs(points.numpy() - GOLDEN["points"]).max() < 0.002  # pixels of 256
    assert np.allclose(presence.numpy(), GOLDEN["presence"], atol=1e-3)
    assert presence[0] < 0 < presence[1]  # waves are no face


def test_the_net_is_differentiable_in_its_input_even_if_first_loaded_for_inference(
    oracles: ModuleType,
) -> None:
    landmarks.net.cache_clear()
    with torch.inference_mode():
        landmarks.net()
    crops = torch.from_numpy(oracles.drawings()[1:]).permute(0, 3, 1, 2).requires_grad_()
    landmarks.net()(crops)[0].sum().backward()
    assert crops.grad is not None and float(crops.grad.abs().sum()) > 0
    assert all(not parameter.requires_grad for parameter in landmarks.net().parameters())


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_points_scale_with_the_photo(drawn: Pixels, scale: float) -> None:
    size = round(256 * scale)
    photo = np.asarray(cv2.resize(drawn, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
    mesh = landmarks.measure([(photo, detect(photo)[0])])[0]
    reference = landmarks.measure([(drawn, detect(drawn)[0])])[0]
    assert np.abs(mesh.points / scale - reference.points).mean() < 1.5
    assert mesh.presence > 0.9


def test_a_batch_gives_what_each_photo_gives_alone(drawn: Pixels) -> None:
    photos = [
        drawn,
        np.ascontiguousarray(drawn[:, ::-1]),
        np.asarray(cv2.resize(drawn, (180, 180)), np.uint8),
    ]
    pairs = [(photo, detect(photo)[0]) for photo in photos] * 7
    together = landmarks.measure(pairs)
    for pair, mesh in zip(pairs[:3], together[-3:], strict=True):
        assert np.abs(landmarks.measure([pair])[0].points - mesh.points).max() < 0.01
    assert landmarks.measure([]) == ()


def test_a_square_carries_its_corners_and_centre() -> None:
    square = Square(x=50.0, y=80.0, side=40.0, angle=0.6)
    matrix = square.matrix()
    assert np.allclose(matrix @ [50.0, 80.0, 1.0], 128.0)
    right = [50.0 + 20 * np.cos(0.6), 80.0 + 20 * np.sin(0.6), 1.0]
    assert np.allclose(matrix @ right, [256.0, 128.0])
    assert not square.differs(square)
    assert square.differs(Square(50.0, 80.0, 40.0, 0.8)) and square.differs(Square(53.0, 80.0, 40.0, 0.6))


def test_the_converter_names_every_parameter() -> None:
    stored = {f"landmarks.{name}" for name in convert.landmark_names()}
    stored |= {f"blendshapes.{name}" for name in convert.blendshape_names()}
    found = {f"{part}.{name}" for part in ("landmarks", "blendshapes") for name in landmarks.state(part)}
    assert found == stored


@pytest.mark.weights
def test_the_bundled_file_is_what_the_converter_makes(weight) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("tflite")
    fresh = convert.convert(weight("face-landmarker-task"))
    for part in ("landmarks", "blendshapes"):
        for name, tensor in landmarks.state(part).items():
            assert np.array_equal(fresh[f"{part}.{name}"].astype(np.float32), tensor.numpy())


def test_the_weights_are_bundled() -> None:
    assert weights.status("face-landmarker").present and weights.status("yunet").present
