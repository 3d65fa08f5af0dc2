"""The tab of TTA-CaP: an image-text model that becomes one person's, frame by frame, without a gradient."""

from functools import partial

from demos import models
from demos.base import Built, Demo
from demos.personalize import api, examples, exports, intake, readers, reading, saved, stepping
from demos.personalize.parts import lay_out
from demos.services import Services


def build(services: Services) -> Built:
    """Lay out the tab and wire it."""
    parts = lay_out(examples.gallery(), readers.models(), readers.listed())
    intake.wire(services, parts)
    running = reading.wire(services, parts)
    stepping.wire(services, parts)
    exports.wire(services, parts)
    saved.wire(services, parts)
    models.wire(parts.models)
    api.lay_out_and_wire(services)
    return Built(partial(intake.blank, parts), running)


PERSONALIZE = Demo(
    "personalize",
    "One person",
    "Test-Time Adaptation via Cache Personalization for Facial Expression Recognition in Videos "
    "(arXiv:2603.21309)",
    build,
)
