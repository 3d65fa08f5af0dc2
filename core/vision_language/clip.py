"""OpenAI's CLIP through open_clip (arXiv 2103.00020)."""

from functools import partial
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from core import weights
from core.expression.crop import Framing
from core.vision_language.base import Card, ImageText, cards, models

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
ARCHITECTURES = {
    "clip-vit-b32": ("ViT-B-32-quickgelu", "CLIP ViT-B/32 (OpenAI)", 512),
    "clip-vit-b16": ("ViT-B-16-quickgelu", "CLIP ViT-B/16 (OpenAI)", 512),
    "clip-rn50": ("RN50-quickgelu", "CLIP ResNet-50 (OpenAI)", 1024),
}
"""Name -> what open_clip calls it, title, and length of its vectors."""


class Clip(ImageText):
    """A CLIP model of open_clip.

    Args:
        card: what is known of it.
        net: as ``open_clip`` builds it.
        tokenize: sentences -> K×77 tokens.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, card: Card, net: Any, tokenize: Any) -> None:
        super().__init__(card, float(net.logit_scale.detach().exp()))
        self.net: nn.Module = net
        self._tokenize = tokenize
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)

    def _images(self, crops: Tensor) -> Tensor:
        return torch.as_tensor(self.net.encode_image((crops - self.mean) / self.std))  # type: ignore[operator]

    def _texts(self, sentences: list[str]) -> Tensor:
        return torch.as_tensor(self.net.encode_text(self._tokenize(sentences)))  # type: ignore[operator]


def load(name: str) -> Clip:
    """One of ``ARCHITECTURES`` with its weights.

    Raises:
        UserError: the weights cannot be had.
    """
    import open_clip

    architecture = ARCHITECTURES[name][0]
    net = open_clip.create_model(architecture, pretrained=None)
    net.load_state_dict(load_file(weights.resolve(name)))
    return Clip(cards[name], net, open_clip.get_tokenizer(architecture))


for _name, (_, _title, _dim) in ARCHITECTURES.items():
    cards[_name] = Card(
        name=_name,
        title=_title,
        weights=(_name,),
        size=224,
        dim=_dim,
        framing=Framing(side=1.4),  # captions are about pictures with something around the face
        source="arXiv 2103.00020",
    )
    models.register(_name)(partial(load, _name))
