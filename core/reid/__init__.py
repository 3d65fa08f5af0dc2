"""Re-identification of people by their whole body."""

from core.reid import facet, osnet, siblings
from core.reid.base import Card, PersonEncoder, cards, encoders, load

__all__ = ["Card", "PersonEncoder", "cards", "encoders", "load"]

# importing a member registers it
_MEMBERS = (facet, osnet, siblings)
