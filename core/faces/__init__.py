"""Faces in a photo: where they are, how they are turned, and which skin belongs to them."""

from core.faces.detect import detect
from core.faces.find import find, find_batch, pick, require

__all__ = ["detect", "find", "find_batch", "pick", "require"]
