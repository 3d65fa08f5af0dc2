"""System 1 in the browser: adversarial camouflage on a real photo."""

from functools import partial

from demos import models
from demos.base import Built, Demo
from demos.camouflage import api, examples, exports, find, hand, intake, ready
from demos.camouflage.parts import lay_out
from demos.services import Services


def build(services: Services) -> Built:
    """Lay out the tab and wire it."""
    recognisers = [(entry.title, entry.name) for entry in models.runnable("recognition")]
    parts = lay_out(examples.gallery(), recognisers, ready.choices())
    intake.wire(services, parts)
    running = find.wire(services, parts)
    ready.wire(services, parts)
    hand.wire(services, parts)
    exports.wire(services, parts, after=running[1:2] + running[3:4])
    models.wire(parts.models)
    api.lay_out_and_wire(services)
    return Built(partial(intake.blank, parts), running)


CAMOUFLAGE = Demo("camouflage", "Camouflage", "Adversarial Camouflage (arXiv:2603.21867)", build)
