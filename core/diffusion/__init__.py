"""Latent diffusion: a small class-conditional model trained here, hub models through the same interface."""

from core.diffusion import flowers, hub
from core.diffusion.base import NOTHING, Card, Prior, Steer, cards, load, priors
from core.diffusion.steer import towards

__all__ = ["NOTHING", "Card", "Prior", "Steer", "cards", "flowers", "hub", "load", "priors", "towards"]
