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
    architecture = clip.ARCHITECTURES["clip-vit-b32"][0]
    return clip.Clip(replace(cards["clip-vit-b32"], dim=32), net, open_clip.get_tokenizer(architecture))


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


@pytest.mark.parametrize("name", clip.ARCHITECTURES)
def test_each_published_file_is_as_long_as_the_network_that_takes_it(name: str) -> None:
    """What the manifest expects fits what is built: single precision, names and shapes in the header."""
    import json

    from core import weights

    architecture, _, dim = clip.ARCHITECTURES[name]
    with torch.device("meta"):
        net = open_clip.create_model(architecture, pretrained=None, device="meta")
    header, start = {}, 0
    for key, value in sorted(net.state_dict().items(), key=lambda item: (-item[1].element_size(), item[0])):
        end = start + value.numel() * value.element_size()
        kind = {torch.float32: "F32", torch.int64: "I64"}[value.dtype]
        header[key] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [start, end]}
        start = end
    text = len(json.dumps(header, separators=(",", ":")))
    expected = 8 + -(-text // 8) * 8 + start
    assert weights.entry(name).files[0].bytes == expected
    assert cards[name].dim == dim == weights.entry(name).embedding


@pytest.mark.weights
@pytest.mark.parametrize("name", clip.ARCHITECTURES)
def test_published_clip_tells_a_smile_from_a_frown(weight: Callable[[str], Path], name: str) -> None:
    weight(name)
    model = load(name)
    texts = model.texts(["a photo of a dog", "a photo of a puppy", "a tax form"])
    assert texts[0] @ texts[1] > texts[0] @ texts[2]
