"""The network of the expression encoder trained here: MobileFaceNet's trunk on grey crops.

Chen et al., "MobileFaceNets", arXiv 1804.07573; the mean over positions in place of its global depthwise
layer is our choice, so that any crop size fits.
"""

from torch import Tensor, nn

from core.recognition.mobilefacenet import MobileFaceNet, Unit

FEATURES = 512


class ExpressionNet(nn.Module):
    """Grey crops N×1×S×S in -1..1 -> class scores; ``features`` gives the N×512 before the last layer."""

    def __init__(self, classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        trunk = MobileFaceNet()
        self.trunk = nn.Sequential(*list(trunk)[:-4])
        self.trunk[0] = Unit(1, 64, 3, 2, padding=1)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(FEATURES, classes)

    def features(self, crops: Tensor) -> Tensor:
        """N×1×S×S -> N×512, the mean over positions of the last layer of the trunk."""
        result: Tensor = self.trunk(crops).mean((2, 3))
        return result

    def forward(self, crops: Tensor) -> Tensor:
        """N×1×S×S -> N×classes scores before the softmax."""
        result: Tensor = self.head(self.dropout(self.features(crops)))
        return result

    def start_from(self, recogniser: MobileFaceNet) -> None:
        """Take over a face recogniser's trunk; its first layer is summed over the colours."""
        source = recogniser.state_dict()
        own = self.trunk.state_dict()
        names = dict(zip(own, (name for name in source if name in _trunk_names(recogniser)), strict=True))
        taken = {name: source[other] for name, other in names.items()}
        taken["0.conv.weight"] = taken["0.conv.weight"].sum(1, keepdim=True)
        self.trunk.load_state_dict(taken)


def _trunk_names(recogniser: MobileFaceNet) -> set[str]:
    children = list(recogniser.named_children())[:-4]
    return {f"{name}.{key}" for name, child in children for key in child.state_dict()}
