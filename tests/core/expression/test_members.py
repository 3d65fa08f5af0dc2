from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core import weights
from core.errors import UserError
from core.expression import Card, Encoder, available, cards, encoders, load
from core.expression.crop import Framing


class Means(nn.Module):
    """The mean of each channel as features, and two of them as scores."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        means = x.mean((2, 3))
        return means, means[:, :1].repeat(1, 2)


def card(**changes: object) -> Card:
    values = {
        "name": "toy", "title": "Toy", "classes": ("a", "b"), "size": 8, "dim": 3, "framing": Framing(),
        "channels": "rgb", "mean": (0.5, 0.25, 0.0), "std": (0.5, 0.5, 0.25), "source": "made here",
        "batch": 2,
    }  # fmt: skip
    return Card(**{**values, **changes})  # type: ignore[arg-type]


def crops(name: str, count: int) -> Tensor:
    size = cards[name].size
    return torch.randint(
        0, 256, (count, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(5)
    )


@pytest.fixture(params=list(encoders))
def encoder(request: pytest.FixtureRequest, weight: Callable[[str], Path]) -> Encoder:
    weight(request.param)
    return load(request.param)


def test_colours_are_shifted_and_scaled() -> None:
    picture = torch.tensor([255, 128, 0], dtype=torch.uint8).view(1, 3, 1, 1).expand(3, 3, 8, 8)
    found = Encoder(card(), Means())(picture)
    torch.testing.assert_close(found.features, torch.tensor([[1.0, 2 * (128 / 255) - 0.5, 0.0]]).repeat(3, 1))
    torch.testing.assert_close(found.probabilities, torch.full((3, 2), 0.5))


def test_grey_is_the_luma_of_the_colours() -> None:
    grey = Encoder(card(channels="grey", mean=(0.5,), std=(0.5,), dim=1), Means())
    colours = torch.tensor([[255, 0, 0], [0, 255, 0], [0, 0, 255], [77, 77, 77]], dtype=torch.uint8)
    found = grey(colours.view(4, 3, 1, 1).expand(4, 3, 8, 8)).features
    lumas = torch.tensor([[0.299], [0.587], [0.114], [77 / 255]])
    torch.testing.assert_close(found, 2 * lumas - 1)


def test_no_crops_give_no_rows() -> None:
    found = Encoder(card(), Means())(torch.zeros(0, 3, 8, 8))
    assert (found.features.shape, found.scores.shape) == ((0, 3), (0, 2))


def test_an_unknown_encoder_is_refused_with_the_known() -> None:
    with pytest.raises(UserError) as caught:
        load("no-such-encoder")
    assert all(name in caught.value.hint for name in encoders)


@pytest.mark.parametrize("name", list(encoders))
def test_manifest_and_card_say_the_same(name: str) -> None:
    entry, own = weights.entry(name), cards[name]
    assert (entry.role, entry.size, entry.embedding) == ("expression", own.size, own.dim)
    assert entry.channels.lower() == own.channels
    low, high = (float(entry.range[0]), float(entry.range[1]))
    reached = [((end - m) / s) for m, s in zip(own.mean, own.std, strict=True) for end in (0, 1)]
    assert (min(reached), max(reached)) == pytest.approx((low, high), abs=0.01)
    assert len(own.mean) == (1 if own.channels == "grey" else 3)


def test_every_expression_entry_has_an_encoder() -> None:
    assert {entry.name for entry in weights.entries("expression")} == set(encoders) == set(available())


@pytest.mark.weights
def test_shapes_are_those_of_the_card(encoder: Encoder) -> None:
    found = encoder(crops(encoder.card.name, 3))
    assert found.features.shape == (3, encoder.card.dim)
    assert found.scores.shape == (3, len(encoder.card.classes))
    assert found.features.dtype == found.scores.dtype == torch.float32
    torch.testing.assert_close(found.probabilities.sum(1), torch.ones(3))
    assert found.features.std() > 0
    assert found.scores.std(0).min() > 0  # different pictures, different scores


@pytest.mark.weights
def test_the_same_in_any_batch_and_again(encoder: Encoder) -> None:
    batch = crops(encoder.card.name, 5)
    together, again = encoder(batch), encoder(batch)
    alone = torch.cat([encoder(one).scores for one in batch.split(1)])
    torch.testing.assert_close(together.scores, again.scores, rtol=0, atol=0)
    torch.testing.assert_close(together.scores, alone, rtol=1e-3, atol=1e-3)


@pytest.mark.weights
def test_bytes_and_fractions_are_the_same(encoder: Encoder) -> None:
    batch = crops(encoder.card.name, 2)
    one, other = encoder(batch), encoder(batch.float() / 255)
    torch.testing.assert_close(one.features, other.features, rtol=0, atol=0)
    torch.testing.assert_close(one.scores, other.scores, rtol=0, atol=0)


@pytest.mark.weights
def test_scores_are_the_head_on_the_features(encoder: Encoder) -> None:
    head = getattr(encoder.net, "head", None)
    if not isinstance(head, nn.Linear):
        pytest.skip("its class layer is no linear one on the features")
    found = encoder(crops(encoder.card.name, 2))
    torch.testing.assert_close(head(found.features), found.scores)


@pytest.mark.weights
def test_native_crops_fit(encoder: Encoder) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    found = encoder.cut(picture, np.array([[30.0, 20, 70, 70], [-20, -20, 30, 40]]))
    assert found.shape == (2, 3, encoder.card.size, encoder.card.size)
    assert found.dtype == torch.uint8
    assert not found[1, :, 0, 0].any()  # outside the picture
    assert encoder(found).scores.isfinite().all()


@pytest.mark.weights
def test_gradients_reach_the_crop(encoder: Encoder) -> None:
    picture = (crops(encoder.card.name, 1).float() / 255).requires_grad_()
    encoder(picture).scores[0, 0].backward()
    assert picture.grad is not None
    assert picture.grad.abs().sum() > 0
