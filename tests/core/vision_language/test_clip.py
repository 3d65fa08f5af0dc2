"""A tiny CLIP with made-up weights, for shapes and plumbing only; the published one where it can be had."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import open_clip
import pytest
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

from core.vision_language import clip
from core.vision_language.base import cards, load, models


@pytest.fixture
def tiny() -> clip.Clip:
    torch.manual_seed(0)
    net = CLIP(
        32,
        CLIPVisionCfg(layers=2, width=64, head_width=32, patch_size=32, image_size=224),
        CLIPTextCfg(context_length=77, vocab_size=49408, width=64, heads=2, layers=2),
    )
    return clip.Clip(replace(clip.CARD, dim=32), net, open_clip.get_tokenizer(clip.ARCHITECTURE))


def test_both_sides_end_in_one_space(tiny: clip.Clip) -> None:
    images = tiny.images(torch.zeros(2, 3, 224, 224, dtype=torch.uint8))
    texts = tiny.texts(["a happy face", "a sad face", "joy"])
    assert images.shape == (2, 32) and texts.shape == (3, 32)
    torch.testing.assert_close(texts.norm(dim=1), torch.ones(3))
    assert tiny.scale == pytest.approx(1 / 0.07, rel=1e-3)


def test_preprocessing_is_that_of_the_library(tiny: clip.Clip) -> None:
    assert clip.MEAN == open_clip.OPENAI_DATASET_MEAN
    assert clip.STD == open_clip.OPENAI_DATASET_STD
    crops = torch.rand(2, 3, 224, 224)
    with torch.inference_mode():
        theirs = tiny.net.encode_image((crops - tiny.mean) / tiny.std, normalize=True)  # type: ignore[operator]
    torch.testing.assert_close(tiny.images(crops), theirs)


def test_every_model_has_a_card_and_weights_in_the_manifest() -> None:
    from core import weights

    assert set(models) == set(cards)
    known = {entry.name for entry in weights.entries()}
    assert all(name in known for card in cards.values() for name in card.weights)


@pytest.mark.weights
def test_published_clip_tells_a_smile_from_a_frown(weight: Callable[[str], Path]) -> None:
    weight("clip-vit-b32")
    model = load("clip-vit-b32")
    texts = model.texts(["a photo of a dog", "a photo of a puppy", "a tax form"])
    assert texts[0] @ texts[1] > texts[0] @ texts[2]
