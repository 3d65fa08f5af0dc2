"""One answer for a whole clip."""

import numpy as np
import pytest

from core.abaw.classes import EXPRESSIONS
from core.abaw.summary import clip_expression
from core.abaw.types import Timeline

NEUTRAL, HAPPY, SAD = (EXPRESSIONS.index(name) for name in ("neutral", "happiness", "sadness"))


def timeline(rows: np.ndarray, undecided: tuple[int, ...] = ()) -> Timeline:
    final = rows.argmax(1)
    final[list(undecided)] = -1
    zeros = np.zeros(len(rows), np.int8)
    return Timeline(final, final, final, rows, zeros, zeros.astype(bool))


def rows(*labels: int) -> np.ndarray:
    table = np.full((len(labels), 8), 0.02)
    table[np.arange(len(labels)), labels] = 0.86
    return table


def test_a_short_smile_in_a_neutral_clip_is_what_the_clip_shows():
    found = clip_expression(timeline(rows(*[NEUTRAL] * 6, HAPPY, HAPPY)))
    assert (found.label, found.frames) == (HAPPY, 2)
    assert found.probabilities.sum() == pytest.approx(1)


def test_a_neutral_clip_stays_neutral():
    assert clip_expression(timeline(rows(*[NEUTRAL] * 8))).label == NEUTRAL


def test_with_every_frame_the_most_frequent_expression_wins():
    table = rows(HAPPY, HAPPY, SAD)
    assert clip_expression(timeline(table), share=1.0).label == HAPPY


def test_undecided_frames_do_not_count():
    table = rows(SAD, HAPPY, NEUTRAL, NEUTRAL)
    assert clip_expression(timeline(table, undecided=(0,)), share=0.3).label == HAPPY


def test_without_a_decided_frame_there_is_no_answer():
    assert clip_expression(timeline(rows(HAPPY), undecided=(0,))).label == -1
