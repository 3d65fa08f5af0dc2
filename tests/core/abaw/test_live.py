"""Live decisions rest on what came before, and never on what comes after."""

import numpy as np
import pytest

from core.abaw.classes import EXPRESSIONS
from core.abaw.live import FORGET_AFTER, Live, trail
from core.abaw.types import ClipScores, Options

HAPPY, SAD = EXPRESSIONS.index("happiness"), EXPRESSIONS.index("sadness")


def seen(label: int, sure: float = 0.7, valence: float = 0.0) -> ClipScores:
    row = np.full((1, 8), (1 - sure) / 7)
    row[0, label] = sure
    return ClipScores(
        np.zeros(1), np.ones(1, bool), np.zeros((1, 4)), row, row, valence_arousal=np.array([[valence, 0.5]])
    )


def test_one_odd_picture_does_not_change_the_answer_and_a_lasting_change_does() -> None:
    live, options = Live(), Options()
    for _ in range(5):
        live.update(seen(HAPPY), options)
    assert live.update(seen(SAD), options).final[0] == HAPPY
    answers = [live.update(seen(SAD), options).final[0] for _ in range(6)]
    assert answers[-1] == SAD


def test_without_keeping_every_picture_stands_for_itself() -> None:
    live = Live(keep=0.0)
    live.update(seen(HAPPY), Options(confidence=1))
    found = live.update(seen(SAD, 0.9), Options(confidence=1))
    assert found.final[0] == SAD
    assert found.probabilities[0, SAD] == pytest.approx(0.9)


def test_a_constant_face_keeps_its_probabilities() -> None:
    live = Live()
    for _ in range(10):
        found = live.update(seen(HAPPY, 0.6, 0.3), Options())
    assert found.probabilities[0, HAPPY] == pytest.approx(0.6)
    assert found.valence_arousal[0] == pytest.approx([0.3, 0.5])


def test_a_face_that_is_gone_for_a_while_begins_anew() -> None:
    live, options = Live(), Options()
    for _ in range(8):
        live.update(seen(HAPPY), options)
    assert live.update(None, options) is None
    assert live.means  # a blink of the detector forgets nothing
    for _ in range(FORGET_AFTER):
        live.update(None, options)
    assert live.update(seen(SAD), options).final[0] == SAD
    assert len(trail(live.path)) == 1


def test_the_branch_threshold_acts_live_too() -> None:
    sure = seen(HAPPY, 0.9)
    assert Live().update(sure, Options(confidence=0.8)).branch[0] == 0
    assert Live().update(sure, Options(confidence=0.95)).branch[0] == 1
