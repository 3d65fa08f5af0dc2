"""Each gate at its edge."""

import numpy as np
import pytest

from core.personalize import gates
from core.personalize.options import Options

PUBLISHED = Options(temporal_rule="majority")


def asked(labels, rule):
    """Verdicts of the temporal gate over a stream."""
    options = Options(temporal_rule=rule)
    return [gates.temporal(labels[max(0, t - 2) : t + 1], options).passed for t in range(len(labels))]


def test_unanimous_rejects_an_alternating_stream_after_its_first_frame():
    assert asked([0, 1] * 4, "unanimous") == [True] + [False] * 7
    assert asked([0, 0, 0, 1, 1, 1], "unanimous") == [True, True, True, False, False, True]


def test_the_published_majority_lets_an_alternating_stream_through():
    """The current label is two of three, or the latest of equals; just a new run is held back."""
    assert all(asked([0, 1] * 4, "majority"))
    assert all(asked([0, 1, 2] * 3, "majority"))
    assert asked([0, 0, 0, 1, 1, 1], "majority") == [True, True, True, False, True, True]


def test_temporal_value_is_the_share_of_the_window():
    gate = gates.temporal([0, 0, 1], PUBLISHED)
    assert (gate.value, gate.threshold) == (pytest.approx(1 / 3), pytest.approx(2 / 3))


def test_entropy_exactly_at_a_threshold_belongs_above_it():
    options = Options(entropy_positive=0.25, entropy_negative=0.5)
    assert not gates.confident(0.25, options).passed
    assert gates.confident(np.nextafter(0.25, 0), options).passed
    assert gates.ambiguous(0.25, options)
    assert not gates.ambiguous(0.5, options)
    assert not gates.ambiguous(np.nextafter(0.25, 0), options)


def test_a_margin_exactly_at_the_threshold_is_rejected():
    options = Options(margin=0.0625)
    gate, clear = gates.prototype(np.array([0.5, 0.4375, 0.1]), 0, options)
    assert (gate.value, gate.passed, clear) == (0.0625, False, False)
    gate, clear = gates.prototype(np.array([0.5, 0.43749, 0.1]), 0, options)
    assert gate.passed
    assert clear


def test_prototypes_of_another_class_fail_the_gate_but_not_the_margin():
    gate, clear = gates.prototype(np.array([0.9, 0.1]), 1, Options())
    assert not gate.passed
    assert clear


def test_without_prototypes_the_gate_is_not_asked_and_passes():
    gate, clear = gates.prototype(np.full(3, -np.inf), 1, Options())
    assert gate.passed
    assert clear
    assert not gate.asked
    assert np.isnan(gate.value)


def test_a_lone_class_of_prototypes_leads_without_limit():
    scores = np.array([-np.inf, 0.2, -np.inf])
    assert gates.prototype(scores, 1, Options())[0].passed
    assert not gates.prototype(scores, 0, Options())[0].passed


def test_a_gate_turned_off_passes_and_still_measures():
    options = Options(temporal_gate=False, entropy_gate=False, prototype_gate=False)
    found = (
        gates.temporal([0, 0, 1], options),
        gates.confident(0.9, options),
        gates.prototype(np.array([0.9, 0.1]), 1, options)[0],
    )
    assert [gate.passed for gate in found] == [True] * 3
    assert [gate.asked for gate in found] == [False] * 3
    assert [gate.value for gate in found] == pytest.approx([1 / 3, 0.9, 0.8])
