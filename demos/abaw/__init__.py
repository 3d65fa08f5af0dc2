"""System 8 in the browser: expression, valence-arousal, action units and violence, frame by frame."""

from functools import partial

from demos import models
from demos.abaw import analysing, api, examples, exports, intake, labelling, live, readers, sound, stepping
from demos.abaw.parts import lay_out
from demos.base import Built, Demo
from demos.services import Services


def build(services: Services) -> Built:
    """Lay out the tab and wire it."""
    names = readers.listed()
    parts = lay_out(examples.gallery(), readers.encoders(), names)
    intake.wire(services, parts)
    running = analysing.wire(services, parts)
    stepping.wire(services, parts)
    labelling.wire(services, parts)
    sound.wire(parts)
    running += exports.wire(services, parts)
    running += live.wire(services, parts)
    models.wire(parts.models)
    api.lay_out_and_wire(services, names)
    return Built(partial(intake.blank, parts), running)


ABAW = Demo(
    "abaw", "Video, frame by frame", "HSEmotion Team at ABAW-10 Competition (arXiv:2603.12693)", build
)
