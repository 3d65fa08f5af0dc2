"""The expression encoder that comes with Facet, trained by ``core.training.expression_encoder``.

Its network is described in ``core.expression.network``, its figures in ``weights/cards/facet-expression.md``.
"""

from collections.abc import Mapping

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from core import weights
from core.expression.base import Card, fill, member
from core.expression.crop import Framing
from core.expression.network import FEATURES, ExpressionNet
from core.expressions import EXPRESSIONS

CARD = Card(
    name="facet-expression",
    title="Facet's own MobileFaceNet (FER2013, CK+, LFW and film)",
    classes=EXPRESSIONS,
    size=64,
    dim=FEATURES,
    framing=Framing(),
    channels="grey",
    mean=(0.5,),
    std=(0.5,),
    source="trained here; network arXiv 1804.07573",
)


class WithFeatures(nn.Module):
    """An :class:`ExpressionNet` that gives its features too."""

    def __init__(self, net: ExpressionNet) -> None:
        super().__init__()
        self.trunk = net.trunk
        self.head = net.head

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """N×1×S×S -> N×512, N×classes."""
        features = self.trunk(crops).mean((2, 3))
        return features, self.head(features)


def network(state: Mapping[str, Tensor]) -> WithFeatures:
    """The network with exported weights, in single precision; batch norms stay modules."""
    net = ExpressionNet(len(EXPRESSIONS))
    fill(net, {name: value.float() for name, value in state.items()})
    return WithFeatures(net).to(memory_format=torch.channels_last)


@member(CARD)
def load() -> nn.Module:
    """The network with the weights of the repository."""
    return network(load_file(weights.resolve(CARD.name)))
