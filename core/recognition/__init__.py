"""Face recognisers behind one interface, their thresholds, and helpers to embed batches."""

from core.recognition import dlib_resnet, edgeface, facenet, faceres, lightcnn, mobilefacenet, onnx_graphs
from core.recognition.base import Card, Recognizer, cards, recognizers
from core.recognition.loading import Availability, available, embed, embedder, load

__all__ = [
    "Availability",
    "Card",
    "Recognizer",
    "available",
    "cards",
    "embed",
    "embedder",
    "load",
    "recognizers",
]

# importing a member registers it
_MEMBERS = (dlib_resnet, edgeface, facenet, lightcnn, mobilefacenet, onnx_graphs, faceres)
