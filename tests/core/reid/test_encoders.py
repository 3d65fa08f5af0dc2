"""Person encoders: shapes, gradients, the names of published parameters, and what is refused."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from core.errors import Code, UserError
from core.reid import base, facet, osnet, resnet, siblings

TINY = (16, 64, 64, 64)  # the gate's inner layer needs 16 channels
PIXELS = torch.rand(2, 3, 256, 128, generator=torch.Generator().manual_seed(0))
CARD = base.Card("tiny", "Tiny", (), 256, 128, 512, "")


def settle(net):
    """Random weights whose batch norms have seen pictures, so that no layer is dead."""
    for module in net.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0
    with torch.no_grad():
        net.train().features(torch.rand(6, 3, 256, 128, generator=torch.Generator().manual_seed(1)))
    return net.eval().requires_grad_(False)


@pytest.fixture(params=["facet", "osnet", "resnet", "b", "c", "d"])
def encoder(request):
    torch.manual_seed(0)
    return settle(
        {
            "facet": facet.FacetPerson,
            "osnet": lambda: osnet.OSNet(CARD, TINY),
            "resnet": lambda: resnet.ResNet(CARD, (1, 1, 1, 1), 8),
            "b": siblings.Residuals,
            "c": siblings.Plain,
            "d": siblings.Mixed,
        }[request.param]()
    )


def test_embeddings_are_unit_vectors_of_the_features(encoder):
    vectors = encoder(PIXELS)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))
    features = encoder.features(PIXELS)
    torch.testing.assert_close(vectors, features / features.norm(dim=1, keepdim=True))


def test_a_batch_is_its_pictures(encoder):
    torch.testing.assert_close(encoder(PIXELS)[1:], encoder(PIXELS[1:]), rtol=1e-4, atol=1e-5)


def test_a_gradient_reaches_the_picture_and_no_parameter(encoder):
    pixels = PIXELS.clone().requires_grad_()
    encoder(pixels).sum().backward()
    assert pixels.grad.abs().amax((1, 2, 3)).min() > 0
    assert all(parameter.grad is None for parameter in encoder.parameters())


def test_maps(encoder):
    size = {facet.FacetPerson: (256, 8, 4), osnet.OSNet: (64, 16, 8), resnet.ResNet: (256, 8, 4)}
    size |= {siblings.Residuals: (128, 8, 4), siblings.Plain: (192, 8, 4), siblings.Mixed: (128, 16, 8)}
    assert encoder.maps(PIXELS).shape[1:] == size[type(encoder)]


def test_the_pyramid_halves_from_a_quarter_to_a_thirty_second():
    net = facet.FacetPerson().eval()
    with torch.inference_mode():
        sizes = [tuple(one.shape[1:]) for one in net.pyramid(PIXELS)]
    assert sizes == [(32, 64, 32), (64, 32, 16), (128, 16, 8), (256, 8, 4)]
    assert sum(parameter.numel() for parameter in net.parameters()) < 2e6


def test_facets_weights_must_fit():
    state = facet.FacetPerson().state_dict()
    half = {name: value.half() if value.ndim > 1 else value for name, value in state.items()}
    net = facet.network(half)
    assert all(value.dtype == torch.float32 for value in net.parameters())
    with pytest.raises(ValueError, match="not the weights"):
        facet.network({name: value for name, value in half.items() if name != "neck.bias"})


def test_osnet_has_the_names_and_size_of_the_published_one():
    names = {name: tuple(value.shape) for name, value in osnet.OSNet(osnet.MARKET).state_dict().items()}
    expected = {
        "conv1.conv.weight": (64, 3, 7, 7),
        "conv2.0.conv1.conv.weight": (64, 64, 1, 1),
        "conv2.0.conv2d.3.conv2.weight": (64, 1, 3, 3),
        "conv2.0.gate.fc1.bias": (4,),
        "conv2.0.downsample.bn.running_var": (256,),
        "conv2.2.0.conv.weight": (256, 256, 1, 1),
        "conv4.1.conv3.bn.weight": (512,),
        "conv5.conv.weight": (512, 512, 1, 1),
        "fc.0.bias": (512,),
        "fc.1.running_mean": (512,),
    }
    assert {name: names.get(name) for name in expected} == expected
    assert not any(name.startswith(("conv4.2", "normalised", "classifier")) for name in names)
    count = sum(parameter.numel() for parameter in osnet.OSNet(osnet.MARKET).parameters())
    assert 2.1e6 < count < 2.3e6  # the paper's 2.2 million


def test_resnet_has_the_names_and_size_of_the_published_one():
    with torch.device("meta"):
        names = {name: tuple(value.shape) for name, value in resnet.ResNet().state_dict().items()}
    assert names["layer1.0.downsample.0.weight"] == (256, 64, 1, 1)
    assert names["layer4.2.conv3.weight"] == (2048, 512, 1, 1)
    assert names["layer3.5.bn2.running_var"] == (256,)
    assert "layer3.6.bn2.running_var" not in names
    assert "layer2.1.downsample.0.weight" not in names


class Python2(pickle._Pickler):
    """Writes texts as Python 2 did: as bytes, whatever they hold."""

    def save_text(self, text):
        held = text.encode("latin1") if isinstance(text, str) else text
        self.write(pickle.SHORT_BINSTRING + bytes([len(held)]) + held)
        self.memoize(text)

    dispatch = pickle._Pickler.dispatch | {str: save_text, bytes: save_text}


OLD = {
    "pickle_module": SimpleNamespace(
        __name__="old", Pickler=Python2, dump=lambda held, file, protocol: Python2(file, protocol).dump(held)
    ),
    "_use_new_zipfile_serialization": False,
}


@pytest.mark.parametrize(("wrapped", "how"), [(False, {}), (True, {}), (True, OLD)])
def test_a_checkpoint_of_torchreid_is_read(tmp_path, wrapped, how):
    net = settle(osnet.OSNet(CARD, TINY))
    state = {
        **net.state_dict(),
        "classifier.weight": torch.zeros(751, 512),
        "classifier.bias": torch.zeros(751),
    }
    if wrapped:
        state = {"state_dict": {f"module.{name}": value for name, value in state.items()}, "epoch": 60}
        state |= {"rank1": np.float64(0.8785629)}  # its bytes are no text
    torch.save(state, tmp_path / "osnet.pth", **how)
    assert torch.equal(osnet.read(tmp_path / "osnet.pth", CARD, TINY)(PIXELS), net(PIXELS))


def test_what_is_no_such_checkpoint_is_refused(tmp_path):
    path = tmp_path / "weights.pth"
    net = resnet.ResNet(CARD, (1, 1, 1, 1), 8)
    state = net.state_dict()
    short = {name: value for name, value in state.items() if name != "bn1.weight"}
    wide = {**state, "bn1.weight": torch.ones(9)}
    for held in (short, wide, {**state, "more": torch.ones(1)}, {"bn1.weight": 3}, [1], torch.ones(2)):
        torch.save(held, path)
        with pytest.raises(UserError) as caught:
            resnet.read(path, CARD, (1, 1, 1, 1), 8)
        assert caught.value.code == Code.FILE_UNREADABLE
    path.write_bytes(b"no checkpoint")
    with pytest.raises(UserError):
        resnet.read(path, CARD)
    torch.save({"run": torch.nn.Linear}, path)  # would execute code
    with pytest.raises(UserError):
        resnet.read(path, CARD)
    torch.save(state, path)
    assert resnet.read(path, CARD, (1, 1, 1, 1), 8)(PIXELS).shape == (2, 256)
