"""The tab of adversarial patches: made in one forward pass, made natural, explained, and countered."""

from functools import partial

from demos import models
from demos.base import Built, Demo
from demos.camouflage import examples
from demos.patches import api, exports, intake, looking, making, natural, people, readers
from demos.patches.parts import lay_out
from demos.services import Services


def build(services: Services) -> Built:
    """Lay out the tab and wire it."""
    priors = natural.priors()
    labels = natural.labels(priors[0][1]) if priors else []
    parts = lay_out(examples.gallery(), people.street_gallery(), priors, labels, readers.listed())
    intake.wire(services, parts)
    running = making.wire(services, parts)
    running += looking.wire(services, parts)
    exports.wire(services, parts)
    models.wire(parts.models)
    api.lay_out_and_wire(services)
    return Built(partial(intake.blank, parts), running)


PATCHES = Demo(
    "patches",
    "Patches",
    "Adversarial patches against re-identification in one forward pass (arXiv:2603.15396)",
    build,
)
