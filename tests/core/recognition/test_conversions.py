"""Every converted network against its original runtime, on the same synthetic pictures.

The originals' answers are in golden.npz; recognition_oracles.py made them and names the versions. Largest
differences of a unit embedding's coordinate, measured on two pictures: dlib 1.7e-4 (half-precision file)
and 2.2e-7 (the published file), FaceNet 9e-8, LightCNN 7e-7, MobileFaceNet MS1M 1.3e-7 and WebFace600K
2.6e-7, EdgeFace 5.5e-7, SFace 3.1e-7, FaceRes 5.0e-7.
"""

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import Tensor
from torch.nn.functional import normalize

from core import weights
from core.errors import UserError
from core.recognition import Recognizer, load, recognizers
from core.recognition.dlib_resnet import CARD, DlibResNet
from core.training.convert_dlib import convert, layers, read_integer, shards
from tests.core.recognition.recognition_oracles import waves

GOLDEN = np.load(Path(__file__).with_name("golden.npz"))
TOLERANCE = {"dlib-resnet": 4e-4}  # its bundled weights are half precision
STEP = {"faceres": 1e-9}  # one of its kinks lies within 1e-8 of the test's picture

pytestmark = pytest.mark.weights


@pytest.fixture(params=list(recognizers))
def name(request: pytest.FixtureRequest, weight: Callable[[str], Path]) -> str:
    """Every member whose weights can be had; an optional one may be out of reach anywhere."""
    chosen: str = request.param
    if weights.entry(chosen).optional:
        try:
            weights.resolve(chosen)
        except UserError as problem:
            pytest.skip(f"{chosen} is optional: {problem.message}")
    else:
        weight(chosen)
    return chosen


def original(name: str) -> Tensor:
    return normalize(torch.from_numpy(GOLDEN[name]))


def pictures(size: int) -> Tensor:
    return torch.from_numpy(waves(size)).permute(0, 3, 1, 2).float() / 255


def test_every_member_has_an_original_to_be_compared_with() -> None:
    assert set(GOLDEN.files) == set(recognizers)


def test_a_network_says_what_its_original_says(name: str) -> None:
    model = load(name)
    with torch.inference_mode():
        found = normalize(model.features(pictures(model.size)))
    assert found.shape == (2, model.dim)
    assert (found - original(name)).abs().max() < TOLERANCE.get(name, 3e-6)


def test_a_batch_says_what_its_pictures_say_alone(name: str) -> None:
    model = load(name)
    faces = torch.rand(3, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        together = model(faces)
        alone = torch.cat([model(face[None]) for face in faces])
    torch.testing.assert_close(together, alone, atol=3e-6, rtol=0)
    torch.testing.assert_close(together.norm(dim=1), torch.ones(3))


def test_the_gradient_is_the_slope(name: str) -> None:
    """Central differences in double precision, where a step can be shorter than the next kink of a ReLU."""
    model = copy.deepcopy(load(name)).double()
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(2, 3, 7, 7, generator=generator, dtype=torch.float64)
    texture, step = torch.nn.functional.interpolate(coarse, size=(224, 224), mode="bicubic").unsqueeze(1)
    toward = normalize(torch.randn(model.dim, generator=generator, dtype=torch.float64), dim=0)
    picture = (0.5 + 0.15 * texture).requires_grad_()
    (gradient,) = torch.autograd.grad((model(picture) @ toward).sum(), picture)
    predicted = (gradient * step).sum().item()
    size = STEP.get(name, 1e-8)
    with torch.inference_mode():
        up, down = (model(picture + sign * size * step) @ toward for sign in (1, -1))
    assert abs(predicted) > 1e-3
    assert predicted == pytest.approx((up - down).item() / (2 * size), rel=1e-4)


def test_the_published_dlib_file_converts_exactly(weight: Callable[[str], Path]) -> None:
    tensors = convert(weight("dlib-resnet-dat").read_bytes())
    net = DlibResNet()
    net.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in tensors.items()})
    model = Recognizer(CARD, net)
    with torch.inference_mode():
        found = normalize(model.features(pictures(150)))
    assert (found - original("dlib-resnet")).abs().max() < 2e-6


def test_the_bundled_dlib_files_are_the_published_ones_in_half_precision(
    weight: Callable[[str], Path],
) -> None:
    parts = shards(convert(weight("dlib-resnet-dat").read_bytes()))
    files = sorted(weight("dlib-resnet").glob("dlib_resnet-*.safetensors"))
    assert len(files) == len(parts)
    for file, part in zip(files, parts, strict=True):
        assert file.stat().st_size < 10_000_000
        kept = load_file(file)
        assert set(kept) == set(part)
        for key, value in part.items():
            np.testing.assert_array_equal(kept[key], value)


def test_a_file_that_is_not_the_dlib_network_is_refused() -> None:
    with pytest.raises(ValueError, match="dlib"):
        convert(b"nothing of the kind")
    with pytest.raises(ValueError, match="integer"):
        list(layers(b"\x01\x05con_4\x70"))
    assert read_integer(b"\x82\x01\x02", 0) == (-513, 3)
