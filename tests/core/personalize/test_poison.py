"""Poisoned frames deceive the texts; the prototype gate is there for them."""

import numpy as np
import pytest

from core.errors import UserError
from core.personalize.online import Session
from core.personalize.options import Options
from core.personalize.poison import mislead
from core.personalize.vectors import softmax, unit
from tests.core.personalize.personalize_fakes import CLASSES, SCALE, lent, stream, texts

SURE = 4 * SCALE


def shares(z):
    return softmax(SURE * texts() @ z)


def test_the_model_is_just_as_sure_as_asked():
    for z in stream(20):
        wrong = (int((texts() @ z).argmax()) + 1) % CLASSES
        poisoned = mislead(z, texts(), SURE, wrong, 0.9)
        assert shares(poisoned)[wrong] == pytest.approx(0.9, abs=1e-4)
        assert np.linalg.norm(poisoned) == pytest.approx(1, abs=1e-6)


def test_a_frame_that_is_believed_already_stays():
    z = unit(texts()[1])
    np.testing.assert_allclose(mislead(z, texts(), SURE, 1, 0.5), z, atol=1e-6)


def test_what_cannot_be_reached_is_said():
    with pytest.raises(UserError):
        mislead(stream(1)[0], texts(), 0.1, 0, 0.99)


def test_prototypes_keep_out_what_the_texts_believe():
    """Each class's own frames lie a little off its text, where the prototypes of other people lie too."""
    people = lent()
    frames = [unit(people.vectors[row] + 0.02 * z) for row, z in zip(range(12), stream(12), strict=True)]
    entered = {}
    for gate in (True, False):
        session = Session(texts(), SURE, Options(judge="zero-shot", prototype_gate=gate, margin=0.1), people)
        entered[gate] = 0
        for z, label in zip(frames, people.labels, strict=True):
            session.begin()
            step = session.step(mislead(z, texts(), SURE, (label + 1) % CLASSES, 0.97))
            assert step.label == (label + 1) % CLASSES
            entered[gate] += step.kept is not None and step.kept.cache == "positive"
    assert entered[False] == 12
    assert entered[True] < 6
