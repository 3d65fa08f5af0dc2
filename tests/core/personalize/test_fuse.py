"""The fusion beside its equation."""

from dataclasses import replace

import numpy as np
import pytest

from core.personalize.fuse import agreeing, fuse
from core.personalize.options import JUNE, Options
from core.personalize.retrieve import Found
from core.personalize.vectors import softmax, unit

CLASSES, DIM, SCALE = 3, 8, 7.0
RNG = np.random.default_rng(0)
TEXT = unit(RNG.normal(size=(CLASSES, DIM)))
Z, SOURCE, POSITIVE, NEGATIVE = unit(RNG.normal(size=(4, DIM)))
LOGITS = SCALE * (TEXT @ Z).astype(float)
VOTES = (np.array([0.5, 0.2, -0.1]), np.array([0.0, 1.0, 0.0]), np.array([0.3, 0.0, 0.7]))
FOUND = tuple(Found(v, votes) for v, votes in zip((SOURCE, POSITIVE, NEGATIVE), VOTES, strict=True))
MIXED = replace(JUNE, lambda_source=0.5, lambda_positive=2.0, lambda_negative=0.25)


def fused(options, found=FOUND):
    return fuse(Z, LOGITS, found, TEXT, SCALE, options)


def opinion(vector):
    return softmax(SCALE * (TEXT @ vector).astype(float)).max()


def test_embedding_level():
    done = fused(MIXED)
    total = Z + 0.5 * SOURCE + 2 * POSITIVE - 0.25 * NEGATIVE
    assert done.weights == (1.0, 0.5, 2.0, -0.25)
    assert done.length == pytest.approx(np.linalg.norm(total), abs=1e-6)
    np.testing.assert_allclose(done.vector, total / np.linalg.norm(total), atol=1e-6)
    np.testing.assert_allclose(done.logits, SCALE * TEXT @ unit(total), atol=1e-5)
    assert done.norms == pytest.approx((1, 1, 1, 1), abs=1e-6)


@pytest.mark.parametrize("scaled", [False, True])
def test_logit_level(scaled):
    done = fused(replace(MIXED, level="logit", scale_votes=scaled))
    source = (SCALE if scaled else 1) * 0.5 * VOTES[0]
    np.testing.assert_allclose(done.logits, LOGITS + source + 2 * VOTES[1] - 0.25 * VOTES[2], atol=1e-9)
    assert done.vector is None
    assert np.isnan(done.length)
    assert done.norms[1:] == pytest.approx([np.linalg.norm(v) for v in VOTES])


def test_absent_parts_weigh_nothing():
    done = fused(MIXED, (None, FOUND[1], None))
    assert done.weights == (1.0, 0.0, 2.0, 0.0)
    assert done.norms == pytest.approx((1, 0, 1, 0), abs=1e-6)
    nothing = fused(MIXED, (None, None, None))
    assert nothing.logits is LOGITS
    assert nothing.weights == (1.0, 0.0, 0.0, 0.0)


def test_confidence_weighting():
    done = fused(replace(MIXED, weighting="confidence"))
    expected = [opinion(Z), 0.5 * opinion(SOURCE), 2 * opinion(POSITIVE), -0.25 * opinion(NEGATIVE)]
    assert done.weights == pytest.approx(expected, abs=1e-5)


def test_attention_weighting_is_a_softmax_over_the_parts_that_are_there():
    options = replace(MIXED, weighting="attention", temperature=0.5)
    raised = np.array([opinion(Z), 0.5 * opinion(SOURCE), 0.25 * opinion(NEGATIVE)]) / 0.5
    shares = np.exp(raised) / np.exp(raised).sum()
    done = fused(options, (FOUND[0], None, FOUND[2]))
    assert done.weights == pytest.approx((shares[0], shares[1], 0.0, -shares[2]), abs=1e-5)


def test_confidence_of_votes_at_logit_level():
    done = fused(replace(MIXED, level="logit", weighting="confidence"))
    own = [softmax(LOGITS).max(), 0.5 * softmax(10 * VOTES[0]).max(), 2.0, -0.25 * 0.7]
    assert done.weights == pytest.approx(own)


def test_agreement_keeps_the_majority_or_else_the_most_confident():
    a, b, c = np.array([0.8, 0.1, 0.1]), np.array([0.2, 0.5, 0.3]), np.array([0.1, 0.0, 0.9])
    everyone = [True] * 3
    assert agreeing([a, b, b], everyone) == [False, True, True]
    assert agreeing([a, b, a], everyone) == [True, False, True]
    assert agreeing([b, b, b], everyone) == everyone
    assert agreeing([a, b, c], everyone) == [False, False, True]
    assert agreeing([a, b, c], [True, True, False]) == [True, False, False]
    assert agreeing([a, b, a], [True, True, False]) == [True, False, False]
    assert agreeing([a, c, c], [True, False, False]) == [True, False, False]


@pytest.mark.parametrize("weighting", ["equal", "confidence", "attention"])
def test_dropped_parts_weigh_nothing_and_the_negative_stays(weighting):
    near = tuple(Found(unit(TEXT[label]), VOTES[0]) for label in (1, 1, 0))
    z = unit(TEXT[0])
    done = fuse(
        z,
        SCALE * (TEXT @ z).astype(float),
        near,
        TEXT,
        SCALE,
        replace(JUNE, weighting=weighting, agreement=True),
    )
    assert done.weights[0] == 0
    assert done.weights[1] > 0
    assert done.weights[2] > 0
    assert done.weights[3] < 0


def test_parts_that_cancel_leave_the_frame_as_it_is():
    opposite = (Found(-Z, VOTES[0]), None, None)
    done = fused(JUNE, opposite)
    np.testing.assert_array_equal(done.logits, LOGITS)
    np.testing.assert_array_equal(done.vector, Z)


def test_the_default_options_are_at_logit_level():
    assert fused(Options()).vector is None
