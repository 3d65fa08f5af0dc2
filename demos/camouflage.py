"""System 1 in the browser: adversarial camouflage on a real photo."""

from demos.base import Built, Demo, photo_input
from demos.services import Services


def build(services: Services) -> Built:
    """Lay out the tab and wire it."""
    photo = photo_input(label="Photo", sources=["upload", "clipboard", "webcam"])
    return Built({photo: None})


CAMOUFLAGE = Demo("camouflage", "Camouflage", "Adversarial Camouflage (arXiv:2603.21867)", build)
