import threading
import time
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from core.errors import UserError
from core.recognition import available, base, cards, embed, load, recognizers
from core.recognition.base import Card, Recognizer
from core.recognition.crop import Box


class Means(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


def card(**changes: object) -> Card:
    values = {
        "name": "toy", "title": "Toy", "size": 32, "dim": 3, "box": Box(12, 12, 200, 200),
        "mean": (0.5, 0.25, 0.0), "scale": 2.0, "channels": "rgb", "source": "made here",
    }  # fmt: skip
    return Card(**{**values, **changes})  # type: ignore[arg-type]


def flat(*colour: float) -> Tensor:
    return torch.tensor(colour).view(1, 3, 1, 1).expand(1, 3, 224, 224)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A registered member that records its builds."""
    built: list[str] = []

    def build() -> Recognizer:
        time.sleep(0.05)
        built.append("toy")
        return Recognizer(card(), Means())

    monkeypatch.setitem(recognizers._factories, "toy", build)
    recognizers.forget_shared()
    yield built
    recognizers.forget_shared()


def test_colours_are_shifted_and_scaled_in_the_order_of_the_network() -> None:
    picture = flat(0.75, 0.5, 0.5)
    rgb = Recognizer(card(), Means()).features(picture)
    torch.testing.assert_close(rgb, torch.tensor([[0.5, 0.5, 1.0]]))
    bgr = Recognizer(card(channels="bgr"), Means()).features(picture)
    torch.testing.assert_close(bgr, torch.tensor([[0.0, 0.5, 1.5]]))


def test_embeddings_have_unit_length_and_gradients_reach_the_frame() -> None:
    picture = flat(0.9, 0.5, 0.1).clone().requires_grad_()
    found = Recognizer(card(), Means())(picture)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(1))
    found[0, 0].backward()
    assert picture.grad is not None
    assert picture.grad[:, :, 112, 112].abs().sum() > 0
    assert picture.grad[:, :, 2, 2].abs().sum() == 0  # outside the box


@pytest.mark.parametrize("shape", [(3, 224, 224), (1, 3, 112, 112), (1, 1, 224, 224)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="224"):
        Recognizer(card(), Means())(torch.zeros(shape))


def test_a_member_is_built_once_by_many_threads(toy: list[str]) -> None:
    found: list[Recognizer] = []
    threads = [threading.Thread(target=lambda: found.append(load("toy"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert toy == ["toy"]
    assert len({id(model) for model in found}) == 1
    assert not found[0].training


def test_embedding_in_batches_equals_embedding_at_once(toy: list[str]) -> None:
    faces = torch.rand(7, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    parts, whole = (embed(["toy"], faces, batch=batch)["toy"] for batch in (3, 7))
    torch.testing.assert_close(parts, whole)
    assert not whole.requires_grad
    assert embed(["toy"], faces[:0])["toy"].shape == (0, 3)


def test_a_long_batch_goes_through_the_network_in_equal_parts() -> None:
    seen: list[int] = []

    class Counting(Means):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(len(x))
            return super().forward(x)

    faces = torch.rand(8, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    model = Recognizer(card(part=3), Counting())
    torch.testing.assert_close(model(faces), torch.cat([model(face[None]) for face in faces]))
    assert seen == [3, 3, 2] + 8 * [1]
    assert model(faces[:0]).shape == (0, 3)


def test_an_unknown_recogniser_lists_the_known_ones() -> None:
    with pytest.raises(UserError, match="dlib-resnet"):
        load("no-such-model")


def test_every_member_has_a_card_and_a_state_without_being_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base.Recognizer, "__init__", lambda *_: pytest.fail("loaded a model"))
    assert set(recognizers) == set(cards)
    states = {state.name: state for state in available()}
    assert set(states) == set(recognizers)
    assert len(states) >= 6
    for state in states.values():
        assert (state.reason == "") == state.present
        assert (state.bytes_to_fetch == 0) == state.present or state.reason
    assert states["dlib-resnet"].present  # bundled: there is always one


@pytest.mark.weights
def test_whoever_asks_first_the_recogniser_serves_gradients_too(weight) -> None:
    """A judge may load it in inference mode before somebody attacks it."""
    weight("edgeface-s")
    recognizers.forget_shared()
    embed(["edgeface-s"], torch.rand(1, 3, 224, 224))
    aligned = torch.rand(1, 3, 224, 224, requires_grad=True)
    load("edgeface-s")(aligned).sum().backward()
    assert aligned.grad is not None
