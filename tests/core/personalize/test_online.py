"""The invariants of the loop."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from core.personalize.online import Session
from core.personalize.options import JUNE, MARCH, PRESETS, Options, ablate
from core.personalize.vectors import softmax
from tests.core.personalize.personalize_fakes import CLASSES, DIM, SCALE, lent, stream, texts

ALL = pytest.mark.parametrize("options", PRESETS.values(), ids=PRESETS)
LEVELS = pytest.mark.parametrize("level", ["embedding", "logit"])
OPEN = {"temporal_gate": False, "entropy_gate": False, "prototype_gate": False}


def run(options, frames=None, prototypes=None, session=None):
    session = session or Session(texts(), SCALE, options, prototypes)
    return session, [session.step(z) for z in (stream() if frames is None else frames)]


def zero_shot(frames):
    return softmax(SCALE * (frames @ texts().T).astype(np.float64))


@ALL
def test_the_caches_fill_and_the_parts_take_part(options):
    """So that no other test here passes because nothing ever happens."""
    session, steps = run(options, prototypes=lent())
    assert len(session.positive) > 3
    assert len(session.negative) > 0
    assert {step.kept.cache for step in steps if step.kept} == {"positive", "negative"}
    weights = np.array([step.weights for step in steps])
    assert (weights[:, 0] == 1).all()
    assert weights[:, 1].any()
    assert weights[:, 2].any()
    assert (weights[:, 3] <= 0).all()
    assert weights[:, 3].any()
    changed = [step for step in steps if not np.array_equal(step.before, step.after)]
    assert len(changed) > len(steps) / 2


@ALL
@LEVELS
@pytest.mark.parametrize("weighting", ["equal", "confidence", "attention"])
def test_all_lambdas_zero_is_zero_shot_to_the_bit(options, level, weighting):
    off = replace(
        options, level=level, weighting=weighting, lambda_source=0, lambda_positive=0, lambda_negative=0
    )
    session, steps = run(off, prototypes=lent())
    for step in steps:
        np.testing.assert_array_equal(step.after, step.before)
        assert step.answer == step.label
    assert len(session.positive) > 0
    np.testing.assert_allclose([s.before for s in steps], zero_shot(stream()), rtol=1e-4, atol=1e-7)


@ALL
@LEVELS
def test_without_caches_and_prototypes_it_is_zero_shot(options, level):
    closed = replace(options, level=level, positive_capacity=0, negative_capacity=0)
    _, steps = run(closed)
    for step in steps:
        np.testing.assert_array_equal(step.after, step.before)
        assert step.kept is None
        assert not step.refused


def test_the_first_frame_is_zero_shot_where_nothing_is_known():
    step = run(Options(), stream(1))[1][0]
    np.testing.assert_array_equal(step.after, step.before)


@ALL
def test_capacities_hold(options):
    tight = replace(options, positive_capacity=2, negative_capacity=1, **OPEN)
    for opened in (tight, replace(tight, entropy_gate=True)):
        session = Session(texts(), SCALE, opened, lent())
        for z in stream(200):
            session.step(z)
            assert max(session.positive.sizes) <= 2
            assert max(session.negative.sizes) <= 1


def test_buckets_hold_the_lowest_entropies_of_the_frames_that_passed():
    options = Options(positive_capacity=2, judge="zero-shot", entropy_positive=0.9, entropy_negative=0.9)
    session, steps = run(options, stream(200), lent())
    for label in range(CLASSES):
        passed = [
            step.entropy
            for step in steps
            if step.judged == label
            and step.temporal.passed
            and step.confident.passed
            and step.prototype.passed
        ]
        assert len(passed) > 2
        assert sorted(session.positive.entropies[label]) == sorted(passed)[:2]


def test_a_frame_that_is_not_confident_never_enters_the_positive_cache():
    for options in PRESETS.values():
        _, steps = run(replace(options, temporal_gate=False, prototype_gate=False), stream(200))
        unsure = [step for step in steps if step.entropy >= options.entropy_positive]
        assert unsure
        assert all(step.kept is None or step.kept.cache == "negative" for step in unsure)
        assert all(step.ambiguous for step in unsure if step.kept)


def test_an_alternating_stream_is_kept_out():
    two = texts()[[0, 1] * 10]
    session, _ = run(Options(), two)
    assert len(session.positive) == 1  # the first frame contradicts nothing


def test_normalised_entropy_reaches_one_and_raw_entropy_ln_k():
    even = np.linalg.pinv(texts().astype(float)) @ np.ones(CLASSES)  # equally near all texts
    assert run(Options(), [even])[1][0].entropy == pytest.approx(1.0, abs=1e-6)
    assert run(JUNE, [even])[1][0].entropy == pytest.approx(np.log(CLASSES), abs=1e-6)


def test_with_two_classes_the_published_upper_threshold_never_binds():
    frames = stream(300, classes=2)
    for options in (MARCH, JUNE):
        session = Session(texts(2), 3.0, options)
        steps = [session.step(z) for z in frames]
        unsure = [step for step in steps if not step.confident.passed]
        assert unsure
        assert all(step.ambiguous for step in unsure)
    session = Session(texts(2), 3.0, Options())
    steps = [session.step(z) for z in frames]
    assert any(not step.confident.passed and not step.ambiguous for step in steps)


@LEVELS
def test_before_the_update_a_frame_does_not_alter_its_own_prediction(level):
    open_doors = replace(Options(level=level, positive_capacity=20), **OPEN)
    session, _ = run(open_doors, stream(20), lent())
    last = stream(1, seed=9)[0]
    kept = session.step(last)
    assert kept.kept is not None
    session, _ = run(open_doors, stream(20), lent())
    session._update = lambda *judged: (None, False)
    np.testing.assert_array_equal(session.step(last).after, kept.after)


def test_after_the_update_it_does():
    march = replace(MARCH, **OPEN)
    # Its only companion in the cache is itself: the fused vector is the frame's own.
    step = Session(texts(), SCALE, march).step(stream(1)[0])
    assert step.weights[2] == 1
    np.testing.assert_allclose(step.after, step.before, rtol=1e-4)
    late, early = (Session(texts(), SCALE, replace(march, retrieval=when)) for when in ("after", "before"))
    for z in stream(6)[:5]:
        late.step(z)
        early.step(z)
    z = stream(1, seed=9)[0]
    assert not np.allclose(late.step(z).after, early.step(z).after)


@ALL
def test_the_fused_vector_has_unit_norm(options, monkeypatch):
    from core.personalize import online

    seen = []

    def watched(*args):
        fused = fuse(*args)
        seen.append(fused.vector)
        return fused

    fuse = online.fuse
    monkeypatch.setattr(online, "fuse", watched)
    run(replace(options, level="embedding"), prototypes=lent())
    np.testing.assert_allclose(np.linalg.norm(seen, axis=1), 1, atol=1e-6)


@ALL
@LEVELS
def test_the_scale_of_embeddings_changes_nothing(options, level):
    chosen = replace(options, level=level)
    plain, exact, other = (
        run(chosen, factor * stream().astype(np.float64), lent())[1] for factor in (1, 1024, 3.7)
    )
    for a, b, c in zip(plain, exact, other, strict=True):
        np.testing.assert_array_equal(a.after, b.after)
        np.testing.assert_allclose(a.after, c.after, rtol=1e-3, atol=1e-6)
        assert a.kept == b.kept == c.kept


def test_the_scale_of_texts_changes_nothing():
    session = Session(8 * texts(), SCALE, Options(), lent())
    _, steps = run(Options(), prototypes=lent())
    for z, step in zip(stream(), steps, strict=True):
        np.testing.assert_array_equal(session.step(z).after, step.after)


@ALL
def test_two_people_never_mix(options):
    alone, steps = run(options, stream(seed=1), lent())
    first, second = (Session(texts(), SCALE, options, lent()) for _ in range(2))
    for z, other, step in zip(stream(seed=1), stream(seed=5), steps, strict=True):
        np.testing.assert_array_equal(first.step(z).after, step.after)
        second.step(other)
    np.testing.assert_array_equal(first.positive.vectors, alone.positive.vectors)
    assert not np.array_equal(first.positive.vectors, second.positive.vectors)


def test_order_matters_as_documented():
    frames = stream()
    forward, backward = run(Options(), frames, lent())[1], run(Options(), frames[::-1], lent())[1][::-1]
    assert any(not np.allclose(a.after, b.after) for a, b in zip(forward, backward, strict=True))
    for a, b in zip(forward, backward, strict=True):
        np.testing.assert_array_equal(a.before, b.before)


def test_no_parameter_changes_and_no_gradient_is_recorded():
    torch.manual_seed(0)
    encoder = nn.Linear(8, DIM)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    text = torch.from_numpy(texts())
    session = Session(text, SCALE, Options(), lent())
    prototypes = session.shelf.vectors.copy()
    with torch.inference_mode():
        for pixels in torch.randn(40, 8):
            session.step(encoder(pixels))
    for name, value in encoder.state_dict().items():
        assert torch.equal(value, before[name])
    assert all(parameter.grad is None for parameter in encoder.parameters())
    np.testing.assert_array_equal(session.text, texts())
    np.testing.assert_array_equal(session.shelf.vectors, prototypes)
    with pytest.raises(ValueError, match="gradient"):
        session.step(encoder(torch.randn(8)))


def test_the_clip_answers_with_its_mean_logits():
    session = Session(texts(), SCALE, Options(), lent())
    first = [session.step(z) for z in stream(30)]
    mean = np.mean([step.logits for step in first], axis=0)
    np.testing.assert_allclose(session.answer().logits, mean)
    assert session.answer().label == mean.argmax()
    session.begin()
    with pytest.raises(ValueError, match="without frames"):
        session.answer()
    second = [session.step(z) for z in stream(5, seed=3)]
    assert [step.frame for step in second] == [30, 31, 32, 33, 34]
    np.testing.assert_allclose(session.answer().logits, np.mean([s.logits for s in second], axis=0))
    assert session.answer().frames == 5


@pytest.mark.parametrize(("scope", "stay"), [("subject", True), ("video", False)])
def test_scope_decides_what_the_next_clip_finds(scope, stay):
    session, _ = run(Options(scope=scope), prototypes=lent())
    assert len(session.positive) > 0
    session.begin()
    assert bool(len(session.positive)) == stay
    assert session.step(texts()[0]).temporal.value == 1.0  # the window does not run on


def test_forgetting_leaves_nothing():
    session, _ = run(Options(), prototypes=lent())
    session.forget()
    assert len(session.positive) + len(session.negative) + len(session.shelf) + session.frames == 0
    fresh = Session(texts(), SCALE, Options())
    for z in stream(20, seed=7):
        np.testing.assert_array_equal(session.step(z).after, fresh.step(z).after)


@pytest.mark.parametrize(
    ("name", "silent"),
    [("no source cache", 1), ("no positive cache", 2), ("no negative cache", 3)],
)
def test_a_cache_that_is_turned_off_takes_no_part(name, silent):
    session, steps = run(ablate(Options(), name), prototypes=lent())
    assert not any(step.weights[silent] for step in steps)
    assert any(step.weights[1 + silent % 3] for step in steps)
    if name == "no source cache":
        assert len(session.shelf) == 0


def test_without_gates_every_frame_is_offered_to_the_positive_cache():
    _, steps = run(ablate(Options(), "no gates"), prototypes=lent())
    assert all(step.refused or step.kept.cache == "positive" for step in steps)


def test_the_gates_judge_what_the_options_say():
    even = np.linalg.pinv(texts().astype(float)) @ np.ones(CLASSES)
    wrong = replace(lent(), labels=(lent().labels + 1) % CLASSES)
    by_text, fused = (
        Session(texts(), SCALE, Options(judge=judge), wrong) for judge in ("zero-shot", "fused")
    )
    first, second = (session.step(texts()[0] + 0.1 * even) for session in (by_text, fused))
    np.testing.assert_array_equal(first.after, second.after)
    for step, judged, shares in ((first, 0, first.before), (second, 1, second.after)):
        assert (step.label, step.judged) == (0, judged)
        assert step.entropy == pytest.approx(-(shares * np.log(shares)).sum() / np.log(CLASSES))


def test_scores_of_prototypes_are_scaled_when_asked():
    found = {}
    for scaled in (False, True):
        options = Options(scale_votes=scaled, average=False, lambda_source=1.0)
        session = Session(texts(), SCALE, options, lent())
        z = stream(1)[0]
        step = session.step(z)
        rows = lent().vectors @ z
        scores = np.array([np.sort(rows[lent().labels == c])[-5:].mean() for c in range(CLASSES)])
        factor = SCALE if scaled else 1
        np.testing.assert_allclose(step.logits, SCALE * texts() @ z + factor * scores, atol=1e-5)
        found[scaled] = step.after
    assert not np.allclose(found[False], found[True])


def test_an_average_keeps_the_answer_and_how_sure_it_is():
    """Equal opinions stay as sure as one of them, and dividing changes no answer."""
    plain, averaged = (
        run(Options(average=on, judge="zero-shot"), stream(60), lent())[1] for on in (False, True)
    )
    for one, other in zip(plain, averaged, strict=True):
        assert one.answer == other.answer
        total = sum(weight for weight in other.weights if weight > 0)
        np.testing.assert_allclose(other.logits * total, one.logits, atol=1e-9)
    assert any(step.weights[2] for step in averaged)


def test_negatives_go_where_the_options_say():
    for bucket, pick in (("predicted", np.argmax), ("least likely", np.argmin)):
        _, steps = run(Options(negative_bucket=bucket, prototype_gate=False))
        kept = [step for step in steps if step.kept and step.kept.cache == "negative"]
        assert kept
        assert all(step.kept.label == pick(step.after) for step in kept)


def test_march_asks_negatives_for_the_margin_alone():
    """Prototypes that always say another class: clear, and never agreeing."""
    wrong = replace(lent(), labels=(lent().labels + 1) % CLASSES)
    counts = []
    for gate in ("margin", "full"):
        options = Options(negative_gate=gate, margin=0.0, judge="zero-shot", entropy_positive=0.3)
        session, _ = run(options, stream(200), wrong)
        counts.append(len(session.negative))
    assert counts[0] > counts[1]


def test_unsuitable_embeddings_are_refused():
    session = Session(texts(), SCALE)
    for bad in (np.zeros(DIM), np.full(DIM, np.nan), np.ones(DIM + 1), np.ones((1, DIM))):
        with pytest.raises(ValueError):
            session.step(bad)
    with pytest.raises(ValueError, match="one model"):
        Session(texts(), SCALE, prototypes=lent(dim=DIM + 1))
    with pytest.raises(ValueError, match="declared"):
        Session(texts(), SCALE, prototypes=lent(classes=CLASSES + 1))
