from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.expression.base import Card as ExpressionCard
from core.expression.base import Encoder
from core.expression.crop import Framing
from core.vision_language import sentences, vit
from core.vision_language.base import ImageText
from core.vision_language.facet import CARD, FacetImageText, Frozen, Joint


class Flat(nn.Module):
    """A crop's coarse grey values as features."""

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        rows = nn.functional.adaptive_avg_pool2d(crops, (16, 32)).flatten(1)
        return rows, rows[:, :7]


class Coarse(nn.Module):
    def forward(self, crops: Tensor) -> Tensor:
        return nn.functional.adaptive_avg_pool2d(crops, (16, 16)).flatten(1)


class Letters(nn.Module):
    """Counts of letters as a sentence's vector."""

    def forward(self, found: list[str]) -> Tensor:
        rows = torch.zeros(len(found), sentences.DIM)
        for row, sentence in enumerate(found):
            for letter in sentence:
                rows[row, ord(letter) % sentences.DIM] += 1
        return nn.functional.normalize(rows, dim=1)


@pytest.fixture
def model() -> FacetImageText:
    torch.manual_seed(0)
    card = ExpressionCard(
        "flat", "Flat", tuple("abcdefg"), 64, 512, Framing(), "grey", (0.5,), (0.5,), "made up"
    )
    return FacetImageText(Frozen(Encoder(card, Flat()), Coarse()), Letters(), Joint())


def crops(count: int) -> Tensor:
    return torch.randint(0, 256, (count, 3, 112, 112), generator=torch.Generator().manual_seed(1)).byte()


def test_images_and_texts_are_unit_vectors_of_one_space(model: ImageText) -> None:
    images, texts = model.images(crops(5)), model.texts(["a face", "two words", "c"])
    assert images.shape == (5, CARD.dim) and texts.shape == (3, CARD.dim)
    for rows in (images, texts):
        torch.testing.assert_close(rows.norm(dim=1), torch.ones(len(rows)))
    assert not images.requires_grad and not texts.requires_grad
    assert model.images(crops(0)).shape == (0, CARD.dim) and model.texts([]).shape == (0, CARD.dim)


def test_the_division_into_batches_and_the_number_type_change_nothing(model: ImageText) -> None:
    some = crops(70)  # more than two batches
    torch.testing.assert_close(
        model.images(some), torch.cat([model.images(some[n : n + 1]) for n in range(70)]), rtol=0, atol=1e-5
    )
    torch.testing.assert_close(model.images(some.float() / 255), model.images(some), rtol=0, atol=1e-5)


def test_colour_does_not_count(model: ImageText) -> None:
    grey = crops(3)[:, :1].expand(-1, 3, -1, -1)
    tinted = grey.float() / 255
    luma = torch.tensor([0.299, 0.587, 0.114])
    shift = torch.tensor([0.1, -0.1, 0.0])
    shift[2] = -(luma[:2] * shift[:2]).sum() / luma[2]  # the same luma
    tinted = tinted * 0.4 + 0.3 + shift.view(1, 3, 1, 1)
    torch.testing.assert_close(
        model.images(tinted), model.images(grey.float() / 255 * 0.4 + 0.3), rtol=0, atol=1e-4
    )


def test_classes_are_the_mean_of_their_sentences(model: ImageText) -> None:
    classes = model.classes([["a happy face", "joy"], ["a sad face"]])
    torch.testing.assert_close(classes[1], model.texts(["a sad face"])[0])
    mean = model.texts(["a happy face", "joy"]).mean(0)
    torch.testing.assert_close(classes[0], mean / mean.norm())


def test_no_parameter_asks_for_gradients(model: ImageText) -> None:
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert not any(module.training for module in model.modules())


def test_crops_have_the_models_size(model: ImageText) -> None:
    cut = model.cut(np.zeros((200, 300, 3), np.uint8), np.array([[20.0, 30.0, 120.0, 150.0]]))
    assert cut.shape == (1, 3, CARD.size, CARD.size) and cut.dtype == torch.uint8


@pytest.mark.weights
def test_sentences_of_like_meaning_lie_together(weight: Callable[[str], Path]) -> None:
    weight(sentences.NAME)
    read = sentences.load()
    found = read(["a happy face", "a person who smiles broadly", "tax law of the year 1978"])
    assert found.shape == (3, sentences.DIM)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(3))
    assert found[0] @ found[1] > 0.5 > 0.2 > abs(float(found[0] @ found[2]))
    alone = read(["a happy face"])  # padding changes nothing
    torch.testing.assert_close(alone[0], found[0], rtol=0, atol=1e-5)


@pytest.mark.weights
def test_the_backbone_says_what_its_graph_says(weight: Callable[[str], Path]) -> None:
    """Against onnxruntime 1.32 on the graph up to its last layer norm, which was run once on these crops."""
    across = torch.linspace(-2, 2, 224)
    crops = torch.stack(
        [
            across.sin()[:, None] * across,
            across.cos()[:, None] * across.sin(),
            across[:, None] * across / 2,
        ]
    )[None]
    with torch.inference_mode():
        found = vit.Backbone(vit.state_of(weight(vit.NAME)))(crops)[0]
    token, patches = found[:4], found[vit.DIM : vit.DIM + 4]
    torch.testing.assert_close(token, torch.tensor([-1.6371, 0.7853, 0.6725, -3.5733]), rtol=0, atol=2e-3)
    torch.testing.assert_close(patches, torch.tensor([-1.4028, 1.4684, -0.7820, -3.0067]), rtol=0, atol=2e-3)
