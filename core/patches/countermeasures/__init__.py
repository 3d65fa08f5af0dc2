"""Detectors of adversarial patches behind one interface, and what they cost."""

from core.patches.countermeasures import concentration, disagreement, occlusion, squeezing
from core.patches.countermeasures.base import Detector, Purifier, References, detectors

__all__ = ["Detector", "Purifier", "References", "detectors"]

# importing a member registers it
_MEMBERS = (occlusion, concentration, squeezing, disagreement)
