"""The benchmark's text says what its outcomes hold."""

from benchmarks.personalize_synthetic import differences, verdict
from core.personalize.synthetic import FULL, Outcome


def outcomes(full, other):
    return [
        Outcome({FULL: a, "zero-shot": b, "same": a}, {FULL: 0.1, "zero-shot": 0.2, "same": 0.3})
        for a, b in zip(full, other, strict=True)
    ]


WORLDS = {2: outcomes([0.8, 0.9, 0.7], [0.6, 0.7, 0.5]), 3: outcomes([0.5, 0.5, 0.5], [0.6, 0.6, 0.6])}


def test_differences_are_full_minus_the_other():
    text = differences(WORLDS)
    assert "| zero-shot | 0.600 (+0.200 [+0.200, +0.200]) | 0.200 | 0.600 (-0.100 [-0.100, -0.100]) |" in text
    assert f"| {FULL} | 0.800 | 0.100 | 0.500 | 0.100 |" in text


def test_the_verdict_names_where_it_does_not_win():
    text = verdict(WORLDS)
    assert "excludes zero in 1 of 4 comparisons" in text
    assert "Not to be told apart: same (K = 2), same (K = 3)." in text
    assert "Worse: zero-shot (K = 3)." in text
