"""The generator: its parts against their definitions, the whole against OpenVINO's own runtime."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from core.faces import generate
from core.faces._stylegan import SeparableConv, SynthesisNetwork, inverse_haar
from core.faces._stylegan_ir import _band_order
from core.weights.openvino_ir import read_constants

SMALL = (16, 16, 8)  # two doublings: pictures of 32 px, 8 styles
GOLDEN = Path(__file__).parent / "golden" / "mobilestylegan.npz"


def _random(module: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        parameter.data.normal_(0, 0.3, generator=generator)
    return module.requires_grad_(False)


def _latents(count: int, styles: int = 8, seed: int = 1) -> Tensor:
    return torch.randn(count, styles, 512, generator=torch.Generator().manual_seed(seed)) * 0.1


def _haar(x: Tensor) -> Tensor:
    """Forward transform by its definition, N×2H×2W×C to N×H×W×4C."""
    a, b, c, d = x[:, ::2, ::2], x[:, ::2, 1::2], x[:, 1::2, ::2], x[:, 1::2, 1::2]
    return torch.cat((a + b + c + d, a + b - c - d, a - b + c - d, a - b - c + d), 3) / 2


def test_inverse_haar_undoes_the_transform() -> None:
    x = torch.randn(2, 6, 10, 3)
    torch.testing.assert_close(inverse_haar(_haar(x)), x)


def test_inverse_haar_keeps_energy() -> None:
    x = torch.randn(2, 5, 4, 12)
    torch.testing.assert_close(inverse_haar(x).square().sum(), x.square().sum())


def test_bands_outermost_is_a_permutation_of_the_published_order() -> None:
    order = _band_order(4)
    assert sorted(order.tolist()) == list(range(16))
    # published: means 0..3, then channel 0's three differences 4, 5, 6, channel 1's 7, 8, 9 ...
    assert order.tolist() == [0, 1, 2, 3, 4, 7, 10, 13, 5, 8, 11, 14, 6, 9, 12, 15]


def test_style_scales_the_input_channels() -> None:
    layer = _random(SeparableConv(6, 5, 7))
    assert isinstance(layer, SeparableConv)
    x, w = torch.randn(2, 7, 7, 6), torch.randn(2, 512)
    scaled = (x * layer.style(w)[:, None, None, :]).permute(0, 3, 1, 2)
    deep = F.conv2d(scaled, layer.depthwise, padding=1, groups=6)
    plain = F.conv2d(deep, layer.pointwise[:, :, None, None], layer.bias) + layer.noise.permute(2, 0, 1)
    expected = F.leaky_relu(plain, 0.2).permute(0, 2, 3, 1)
    torch.testing.assert_close(layer(x, w), expected, rtol=1e-4, atol=1e-4)


def test_half_is_the_average_of_the_full_picture() -> None:
    network = _random(SynthesisNetwork(SMALL))
    w = _latents(2)
    full = network(w)
    assert full.shape == (2, 3, 32, 32)
    torch.testing.assert_close(network(w, half=True), F.avg_pool2d(full, 2), rtol=1e-4, atol=1e-4)


def test_a_picture_does_not_depend_on_its_batch() -> None:
    network = _random(SynthesisNetwork(SMALL))
    w = _latents(3)
    torch.testing.assert_close(network(w)[1:2], network(w[1:2]), rtol=1e-4, atol=1e-4)


def test_every_style_has_a_gradient() -> None:
    network = _random(SynthesisNetwork(SMALL))
    w = _latents(1).requires_grad_()
    network(w).square().mean().backward()
    assert w.grad is not None
    assert (w.grad.abs().amax((0, 2)) > 0).all()


def test_gradient_is_the_slope() -> None:
    network = _random(SynthesisNetwork(SMALL)).double()
    w = _latents(1).double().requires_grad_()
    step = torch.randn(w.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    network(w).square().mean().backward()
    assert w.grad is not None
    h = 1e-6
    with torch.no_grad():
        rise = network(w + h * step).square().mean() - network(w - h * step).square().mean()
    torch.testing.assert_close((w.grad * step).sum(), rise / (2 * h), rtol=1e-5, atol=1e-9)


def _write_ir(folder: Path, size: int = 16, prefix: str = "") -> Path:
    layers = (
        '<layer name="a" type="Const">'
        f'<data element_type="f32" shape="2, 2" offset="4" size="{size}"/></layer>'
        '<layer name="b" type="Const"><data element_type="f16" shape="" offset="0" size="2"/></layer>'
        '<layer name="c" type="Const"><data element_type="i64" shape="1" offset="0" size="8"/></layer>'
    )
    xml = folder / "net.xml"
    xml.write_text(f"<?xml version='1.0'?>{prefix}<net><layers>{layers}</layers></net>")
    values = np.array([9, 1, 2, 3, 4], np.float32)
    values[:1] = np.frombuffer(np.array([1.5, 0], np.float16).tobytes(), np.float32)
    (folder / "net.bin").write_bytes(values.tobytes())
    return xml


def test_constants_are_read_by_name_offset_and_type(tmp_path: Path) -> None:
    constants = read_constants(_write_ir(tmp_path))
    assert set(constants) == {"a", "b"}
    assert constants["a"].tolist() == [[1, 2], [3, 4]]
    assert constants["b"].item() == 1.5


def test_a_constant_outside_the_file_is_refused(tmp_path: Path) -> None:
    xml = _write_ir(tmp_path)
    (tmp_path / "net.bin").write_bytes(b"1234")
    with pytest.raises(ValueError, match="does not fit"):
        read_constants(xml)


def test_a_size_that_contradicts_the_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        read_constants(_write_ir(tmp_path, size=12))


def test_entities_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="document type"):
        read_constants(_write_ir(tmp_path, prefix='<!DOCTYPE net [<!ENTITY a "b">]>'))


def test_to_pixels_rounds() -> None:
    picture = torch.tensor([0.0, 0.5, 1.0, 1.2]).view(1, 1, 2, 2).expand(1, 3, 2, 2)
    (pixels,) = generate.to_pixels(picture)
    assert pixels.dtype == np.uint8
    assert pixels[..., 0].tolist() == [[0, 128], [255, 255]]


@pytest.mark.weights
class TestPublishedWeights:
    @pytest.fixture(scope="class")
    def generator(self, weight: Callable[[str], Path]) -> generate.FaceGenerator:
        weight("mobilestylegan")
        return generate.load()

    def test_agrees_with_openvino(self, generator: generate.FaceGenerator) -> None:
        golden = np.load(GOLDEN)
        with torch.inference_mode():
            w = generator.mapping(torch.from_numpy(golden["z"]))
            styles = torch.from_numpy(golden["w"])[:, None].expand(-1, 23, -1)
            picture = generator.synthesis(styles)
        assert np.abs(w.numpy() - golden["w"]).max() < 1e-4  # measured 6e-6
        coarse = F.avg_pool2d(picture, 64).numpy()
        assert np.abs(coarse - golden["coarse"]).max() < 1e-4
        patch = picture[:, :, 468:500, 380:412].numpy()
        assert np.abs(patch - golden["eyes"]).max() < 1e-3  # measured 2e-4 on whole pictures

    def test_truncation_pulls_to_the_mean(self, generator: generate.FaceGenerator) -> None:
        torch.testing.assert_close(generator.latents([5], 0.0), generator.mean)
        half, whole = generator.latents([5], 0.5), generator.latents([5], 1.0)
        torch.testing.assert_close(half, (generator.mean + whole) / 2, rtol=1e-4, atol=1e-5)

    def test_a_seed_stands_alone(self, generator: generate.FaceGenerator) -> None:
        torch.testing.assert_close(generator.latents([1, 2, 3])[2:], generator.latents([3]))
        assert not torch.equal(generator.latents([1]), generator.latents([2]))
        assert generator.latents([]).shape == (0, 512)

    def test_w_and_w_plus_agree(self, generator: generate.FaceGenerator) -> None:
        w = generator.latents([27])
        with torch.inference_mode():
            one, many = generator(w, 512), generator(w[:, None].expand(-1, 23, -1), 512)
        assert one.shape == (1, 3, 512, 512)
        assert one.min() >= 0
        assert one.max() <= 1
        torch.testing.assert_close(one, many)

    @pytest.mark.parametrize("shape", [(1, 511), (1, 22, 512), (512,)])
    def test_other_shapes_are_refused(
        self, generator: generate.FaceGenerator, shape: tuple[int, ...]
    ) -> None:
        with pytest.raises(ValueError, match="w is"):
            generator(torch.zeros(shape))

    def test_other_sizes_are_refused(self, generator: generate.FaceGenerator) -> None:
        with pytest.raises(ValueError, match="size"):
            generator(generator.mean, 256)
        with pytest.raises(ValueError, match="truncation"):
            generator.latents([1], 1.5)
