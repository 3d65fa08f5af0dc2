"""System 1 in the browser: adversarial camouflage on a real photo."""

from core import weights
from demos.base import Built, Demo
from demos.camouflage import examples, intake
from demos.camouflage.parts import lay_out
from demos.services import Services


def build(services: Services) -> Built:
    """Lay out the tab and wire it."""
    recognisers = [(entry.title, entry.name) for entry in weights.entries("recognition")]
    parts = lay_out(examples.gallery(), recognisers, [])
    intake.wire(services, parts)
    return Built(intake.blank(parts))


CAMOUFLAGE = Demo("camouflage", "Camouflage", "Adversarial Camouflage (arXiv:2603.21867)", build)
