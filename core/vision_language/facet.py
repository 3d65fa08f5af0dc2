"""The image-text model of this repository: two frozen image encoders and a frozen sentence encoder, joined.

Only the joint is trained here (``core.training.image_text``, ``weights/cards/facet-image-text.md``): it has
seen faces and sentences about expressions, and knows of the rest of the world only what its encoders know.
"""

from collections.abc import Mapping

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from core import expression, weights
from core.expression import facet as expression_facet
from core.expression.base import Encoder, fill, grey
from core.expression.crop import Framing
from core.vision_language import sentences, vit
from core.vision_language.base import Card, ImageText, cards, models

SIZE = 112  # of the crops: eight patches a side of what FER2013 has in 48 pixels
CARD = Card(
    name="facet-image-text",
    title="Facet's image-text model (ViT-S/14, expression encoder and MiniLM, joined on faces)",
    weights=("facet-image-text", expression_facet.CARD.name, vit.NAME, sentences.NAME),
    size=SIZE,
    dim=256,
    framing=Framing(),
    source="trained here; loss arXiv 2103.00020",
)
BLOCKS = (expression_facet.CARD.dim, vit.DIM, vit.DIM)
"""Lengths of what an image is described by: expression features, class token, mean of the patches."""


class Joint(nn.Module):
    """Descriptions of images and of sentences -> one space.

    Args:
        dim: of the space.
        hidden: width of the image side's hidden layer.
        dropout: of what goes into each side's layers while training.
    """

    def __init__(self, dim: int = CARD.dim, hidden: int = 512, dropout: float = 0.0) -> None:
        super().__init__()
        self.image = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(sum(BLOCKS), hidden), nn.GELU(), nn.Dropout(dropout),
            nn.Linear(hidden, dim),
        )  # fmt: skip
        self.text = nn.Sequential(nn.Dropout(dropout), nn.Linear(sentences.DIM, dim, bias=False))
        self.log_scale = nn.Parameter(torch.tensor(3.0))

    def images(self, described: Tensor) -> Tensor:
        """N×1280 -> N×dim unit vectors; each block is brought to zero mean and unit variance first."""
        parts = torch.split(described.float(), list(BLOCKS), dim=1)
        levelled = torch.cat([nn.functional.layer_norm(part, part.shape[1:]) for part in parts], 1)
        return nn.functional.normalize(self.image(levelled), dim=1)

    def texts(self, sentence: Tensor) -> Tensor:
        """K×384 unit vectors of the sentence encoder -> K×dim unit vectors."""
        return nn.functional.normalize(self.text(sentence), dim=1)


class Frozen(nn.Module):
    """The two image encoders, whose features describe a crop.

    Args:
        encoder: of expressions.
        backbone: see :mod:`core.vision_language.vit`.
    """

    def __init__(self, encoder: Encoder, backbone: nn.Module) -> None:
        super().__init__()
        self.encoder, self.backbone = encoder, backbone
        self.eval().requires_grad_(False)

    @property
    def fingerprint(self) -> str:
        """Tells apart what different weights say."""
        return f"{self.encoder.fingerprint} {weights.entry(vit.NAME).digest}"

    def describe(self, crops: Tensor) -> Tensor:
        """N×3×112×112 in 0..1 -> N×1280, what the joint takes; colours are left out, as in its training."""
        shown = grey(crops).expand(-1, 3, -1, -1)
        side = self.encoder.card.size
        small = nn.functional.interpolate(
            shown, (side, side), mode="bilinear", align_corners=False, antialias=True
        )
        seen = self.backbone(vit.normalised(shown))
        return torch.cat([self.encoder(small).features, seen], 1)


class FacetImageText(ImageText):
    """See the module.

    Args:
        frozen: the image encoders.
        read: the sentence encoder.
        joint: with its weights.
    """

    def __init__(self, frozen: Frozen, read: nn.Module, joint: Joint) -> None:
        super().__init__(CARD, float(joint.log_scale.detach().exp()))
        self.frozen, self.read, self.joint = frozen, read, joint
        self.eval().requires_grad_(False)

    def _images(self, crops: Tensor) -> Tensor:
        return self.joint.images(self.frozen.describe(crops))

    def _texts(self, sentences: list[str]) -> Tensor:
        return self.joint.texts(self.read(sentences))


def frozen() -> Frozen:
    """The image encoders with their weights; that of expressions is shared with the rest of the process.

    Raises:
        UserError: weights cannot be had.
    """
    return Frozen(expression.load(expression_facet.CARD.name), vit.load())


def joint_of(state: Mapping[str, Tensor]) -> Joint:
    """The joint with exported weights, in single precision."""
    joint = Joint()
    fill(joint, {name: value.float() for name, value in state.items()})
    return joint


cards[CARD.name] = CARD


@models.register(CARD.name)
def load() -> FacetImageText:
    """The model with its weights.

    Raises:
        UserError: weights of a part cannot be had.
    """
    joint = joint_of(load_file(weights.resolve(CARD.name)))
    return FacetImageText(frozen(), sentences.load(), joint)
