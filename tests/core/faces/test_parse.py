"""The face parser: its parts against their definitions, the whole against TensorFlow.js, and its absence.

At 448 px, the size that the network was made for, scores of the four example faces differ from TensorFlow.js
by at most 8e-6 (scores reach 16) and no label of 802,816 pixels differs.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from core import weights
from core.faces import find, parse, parts, skin
from core.faces._bisenet import BiSeNetV2, Conv, enlarged
from core.faces._bisenet_tfjs import names
from core.faces.align import align
from core.faces.parse import CLASSES, FaceParser, shows
from core.media import images
from core.settings import ROOT
from core.types import Face, Pixels
from core.weights import Store

GOLDEN = Path(__file__).parent / "golden" / "parser.npz"
EXAMPLES = sorted((ROOT / "demos" / "examples" / "faces").glob("*_frontal.jpg"))


@pytest.fixture(scope="module")
def network() -> BiSeNetV2:
    """Small random weights, so that nothing saturates."""
    torch.manual_seed(0)
    return BiSeNetV2(len(CLASSES)).eval().requires_grad_(False)


def test_enlarging_keeps_every_pixel_and_is_linear_between_them() -> None:
    x = torch.randn(2, 3, 4, 5)
    y = enlarged(x, 8)
    assert y.shape == (2, 3, 32, 40)
    torch.testing.assert_close(y[:, :, ::8, ::8], x)
    between = (x[:, :, 1, 2] * 3 + x[:, :, 2, 2]) / 4
    torch.testing.assert_close(y[:, :, 10, 16], between)
    torch.testing.assert_close(y[:, :, :, 32:], y[:, :, :, 32:33].expand(-1, -1, -1, 8))  # beyond the last


@pytest.mark.parametrize("size", [8, 14])
def test_a_stride_of_two_pads_below_and_to_the_right_as_tensorflow_does(size: int) -> None:
    """TensorFlow's rule: total padding (out - 1) stride + kernel - in, the smaller half before."""
    layer = Conv(2, 3, stride=2, linear=True)
    x = torch.randn(1, 2, size, size)
    total = (size // 2 - 1) * 2 + 3 - size
    before, after = total // 2, total - total // 2
    padded = F.pad(x, (before, after, before, after))
    torch.testing.assert_close(layer(x), F.conv2d(padded, layer.weight, layer.bias, 2))


def test_pooling_at_the_rim_counts_only_what_is_there() -> None:
    """What the aggregation relies on: TensorFlow's "SAME" average of even sides leaves the padding out."""
    x = torch.arange(64.0).view(1, 1, 8, 8)
    y = F.avg_pool2d(x, 3, 2, ceil_mode=True)
    assert y.shape == (1, 1, 4, 4)
    assert y[0, 0, 3, 3] == x[0, 0, 6:, 6:].mean()


def test_every_convolution_has_one_name_in_the_graph(network: BiSeNetV2) -> None:
    convolutions = {name for name, module in network.named_modules() if isinstance(module, nn.Conv2d)}
    assert set(names()) == convolutions
    assert len(set(names().values())) == len(convolutions)


def test_a_crop_does_not_depend_on_its_batch(network: BiSeNetV2) -> None:
    model = FaceParser(network)
    crops = list(np.random.default_rng(0).integers(0, 256, (5, 224, 224, 3), np.uint8))
    together = model.labels(crops)
    assert together.shape == (5, 224, 224) and together.dtype == np.uint8
    for crop, labels in zip(crops, together, strict=True):
        assert (model.labels([crop])[0] != labels).mean() < 1e-3  # ties of random scores
    assert model.labels([]).shape == (0, 224, 224)


@pytest.mark.parametrize("shape", [(3, 224, 224), (1, 3, 112, 112), (1, 1, 224, 224)])
def test_other_crops_are_refused(network: BiSeNetV2, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="224"):
        FaceParser(network)(torch.zeros(shape))


def test_sides_that_do_not_divide_are_refused(network: BiSeNetV2) -> None:
    with pytest.raises(ValueError, match="32"):
        network(torch.zeros(1, 3, 64, 72))


def test_labels_are_read_by_the_names_of_their_classes() -> None:
    labels = np.arange(19, dtype=np.uint8)
    assert np.flatnonzero(shows(labels, "skin", "nose", "hat")).tolist() == [1, 10, 18]
    with pytest.raises(ValueError):
        shows(labels, "beard")


@pytest.fixture
def unbuilt() -> Iterator[None]:
    parse._build.cache_clear()
    yield
    parse._build.cache_clear()


@pytest.mark.parametrize("damage", [False, True])
def test_without_good_weights_there_is_no_parser_and_nothing_is_fetched(
    unbuilt: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, damage: bool
) -> None:
    entry = weights.entry("face-parser")
    store = Store({entry.name: entry}, tmp_path / "bundled", tmp_path / "cache")
    monkeypatch.setattr(weights, "installed", lambda: store)
    monkeypatch.setattr(Store, "fetch", lambda *_: pytest.fail("fetched"))
    if damage:  # right sizes, wrong bytes
        store.home(entry.name).mkdir(parents=True)
        for file in entry.files:
            (store.home(entry.name) / file.path).write_bytes(bytes(file.bytes))
        assert weights.status(entry.name).present
    assert parse.present() is None
    assert skin.parser() is None


@pytest.mark.weights
class TestPublishedWeights:
    @pytest.fixture(scope="class")
    def model(self, weight: Callable[[str], Path]) -> FaceParser:
        weight("face-parser")
        return parse.load()

    @pytest.fixture(scope="class")
    def portraits(self) -> list[tuple[Pixels, Face]]:
        photos = [images.load(path).pixels for path in EXAMPLES]
        return [(pixels, find(pixels)[0]) for pixels in photos]

    def test_agrees_with_tensorflow_js(self, model: FaceParser) -> None:
        golden = np.load(GOLDEN)
        pictures = torch.from_numpy(golden["pictures"]).permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.inference_mode():
            scores = model.network(pictures)
            labels = enlarged(scores, 8).argmax(1)
        difference = np.abs(scores.permute(0, 2, 3, 1).numpy() - golden["scores"]).max()
        assert difference < 1e-4  # measured 5e-6, scores reach 9
        assert (labels.numpy() != golden["labels"]).mean() < 1e-4  # one tie in 27,648 pixels

    def test_takes_skin_and_nose_for_bare(
        self, model: FaceParser, portraits: list[tuple[Pixels, Face]]
    ) -> None:
        parser = skin.parser()
        assert parser is not None
        crop = align(*portraits[0])
        labels = model.labels([crop])[0]
        assert np.array_equal(parser(crop), (labels == 1) | (labels == 10))

    def test_finds_the_parts_where_the_landmarks_lie(
        self, model: FaceParser, portraits: list[tuple[Pixels, Face]]
    ) -> None:
        labels = model.labels([align(*each) for each in portraits])
        shares: dict[str, list[float]] = {}
        for (_, face), found in zip(portraits, labels, strict=True):
            regions = parts.masks(skin.canonical(face), 224, 224)
            for name, classes in {
                "lips": ("upper lip", "lower lip"),
                "brows": ("left brow", "right brow"),
                "nose tip": ("nose",),
                "cheeks": ("skin",),
            }.items():
                inside = shows(found, *classes) & regions[name]
                shares.setdefault(name, []).append(inside.sum() / regions[name].sum())
        haired = [shows(found, "hair").sum() > 1000 for found in labels]
        assert sum(haired) >= len(haired) - 2  # one or two have next to none
        for name, found_shares in shares.items():
            assert np.mean(found_shares) > 0.7, name
            assert min(found_shares) > 0.5, name  # a fringe over pale brows hides almost half of them

    def test_sees_no_face_in_plain_skin_and_leaves_it_to_the_colours(
        self, model: FaceParser, place: Callable[..., Face]
    ) -> None:
        """The recipe's diagram is such a picture: the mean face in one colour."""
        plain = np.full((300, 320, 3), (214, 172, 148), np.uint8)
        assert skin.bare_skin(plain, place(), model.skin).all()

    def test_scores_have_a_gradient(self, model: FaceParser) -> None:
        crops = torch.rand(1, 3, 224, 224).requires_grad_()
        model(crops)[:, 1].mean().backward()
        assert crops.grad is not None and crops.grad.abs().sum() > 0
