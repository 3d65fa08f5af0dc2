"""The registry of person encoders against the manifest, and the bundled member."""

import pytest
import torch

from core import weights
from core.reid import cards, encoders, load, protocol, siblings
from core.reid.facet import FacetPerson
from core.training.person_data import TEST_TOWN


def test_every_entry_of_the_manifest_is_a_member_and_says_the_same():
    assert {entry.name for entry in weights.entries("person-encoder")} == {*encoders} == {*cards}
    for name, card in cards.items():
        assert card.name == name
        assert card.weights == (name,)
        assert weights.entry(name).embedding == card.dim
        assert (card.height, card.width) == (256, 128)


def test_the_bundled_encoder_finds_drawn_people_of_another_town():
    net = load("facet-person")
    assert net is load("facet-person")
    assert not any(parameter.requires_grad for parameter in net.parameters())
    search = protocol.drawn(TEST_TOWN, 20, 3)
    found = protocol.evaluate(search, net)
    assert found.valid.all()
    assert found.mean_average_precision > 0.9
    torch.manual_seed(0)
    beginner = protocol.evaluate(search, FacetPerson().eval())
    assert found.mean_average_precision > 2 * beginner.mean_average_precision


@pytest.mark.parametrize("name", siblings.FACET[1:])
def test_its_siblings_know_them_too_and_are_small(name):
    (file,) = weights.entry(name).files
    assert file.bytes < 4_000_000
    found = protocol.evaluate(protocol.drawn(TEST_TOWN, 20, 3), load(name))
    assert found.mean_average_precision > 0.4  # 0.13 by chance


@pytest.mark.parametrize("name", [name for name in encoders if not name.startswith("facet-person")])
def test_a_published_encoder_is_used_where_it_is(name):
    if not weights.status(name).present:
        pytest.skip(f"{name}: {weights.status(name).reason}")
    net = load(name)
    assert protocol.evaluate(protocol.drawn(TEST_TOWN, 10, 2), net).rank1 > 0.5


def test_whoever_asks_first_the_encoder_serves_gradients_too():
    """A judge may load it in inference mode before somebody attacks it."""
    encoders.forget_shared()
    with torch.inference_mode():
        net = load("facet-person")
    pictures = torch.rand(1, 3, net.card.height, net.card.width, requires_grad=True)
    net(pictures).sum().backward()
    assert pictures.grad is not None
