"""Image-text models behind one interface: images and sentences as unit vectors of one space."""

from core.vision_language import clip, facet
from core.vision_language.base import Card, ImageText, cards, load, models

__all__ = ["Card", "ImageText", "cards", "clip", "facet", "load", "models"]
