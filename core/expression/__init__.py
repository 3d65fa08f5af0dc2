"""Frame encoders of facial expression behind one interface."""

from core.expression import facet, mini_xception, onnx_graphs, ter_gan
from core.expression.base import Card, Encoder, Encoding, cards, encoders
from core.expression.loading import available, load

__all__ = ["Card", "Encoder", "Encoding", "available", "cards", "encoders", "load"]

# importing a member registers it
_MEMBERS = (facet, mini_xception, onnx_graphs, ter_gan)
