"""The benchmark's text says what its outcomes hold."""

from dataclasses import replace

import numpy as np

from benchmarks.abaw_synthetic import branches, curves, without_time
from core.abaw.synthetic import CONFIDENCES, WINDOWS, Outcome
from core.abaw.types import Options

OUTCOME = Outcome(
    final=0.7,
    mlp=0.6,
    pretrained=0.3,
    unsmoothed=0.5,
    adjusted=0.72,
    final_tuning=0.71,
    adjusted_tuning=0.8,
    tuned=Options(confidence=0.7, window=8),
    confidences=(0.3,) * (len(CONFIDENCES) - 1) + (0.6,),
    windows=(0.5,) + (0.4,) * (len(WINDOWS) - 1),
)
OUTCOMES = [OUTCOME, replace(OUTCOME, final=0.8, mlp=0.9)]


def test_differences_are_final_minus_the_other():
    text = branches(OUTCOMES)
    assert "| head alone (p0 = 1), its own δ | 0.750 | +0.000 [" in text
    assert "| pretrained alone (p0 = 0), its own δ | 0.300 | +0.450 [" in text
    assert "in 1 of 2 seeds" in text
    assert "+0.080 [+0.080, +0.080] with eight biases" in text


def test_curves_count_the_choices_of_the_tuning_fold():
    text = curves(OUTCOMES)
    assert "| chosen by | 0 | 0 | 0 | 0 | 0 | 0 | 2 | 0 | 0 | 0 |" in text
    assert "minus p0 = 1: +0.150" in text
    assert "minus δ = 160: +0.350" in text


def test_shuffled_stands_beside_in_time():
    still = [replace(OUTCOME, tuned=Options(window=0), final=0.4)] * 2
    text = without_time(OUTCOMES, still, np.array([[0.2, 0.3], [-0.1, -0.2]]))
    assert "| seeds whose own tuning takes δ = 0 | 0 | 2 |" in text
    assert "| +0.250 [" in text
    assert "| -0.150 [" in text
    assert "| 0.750 | 0.400 |" in text
