"""A replay tells what the loop did, frame by frame, and leaves the loop's own answers as they are."""

from dataclasses import replace

import numpy as np
import pytest

from core.personalize.files import load_person, save_person
from core.personalize.methods import ZeroShot
from core.personalize.online import Session
from core.personalize.options import JUNE, PRESETS, Options
from core.personalize.peers import Tda
from core.personalize.replay import IMPORTED, beside, mislead, replay
from core.personalize.subjects import Sources, statistics
from core.personalize.types import Prototypes
from core.personalize.vectors import softmax, unit
from tests.core.personalize.personalize_fakes import CLASSES, DIM, SCALE, lent, stream, texts

NAMES = ("a", "b", "c")
CLIPS = (stream(30), stream(18, seed=5), stream(0), stream(24, seed=9))
FRAMES = 72


def run(options=Options(), clips=CLIPS, **more):  # noqa: B008 - frozen
    return replay(clips, texts(), SCALE, options, **more)


def people():
    shelves = [lent(owner="ann"), lent(seed=3, owner="bob")]
    both = Prototypes(
        np.concatenate([one.vectors for one in shelves]),
        np.concatenate([one.labels for one in shelves]),
        shelves[0].owners + shelves[1].owners,
    )
    return Sources(both, {o.owners[0]: statistics(o.vectors) for o in shelves}, NAMES, "toy")


@pytest.mark.parametrize("options", PRESETS.values(), ids=PRESETS)
def test_a_replay_is_the_session_run_by_hand(options):
    told, _ = run(options)
    session, n = Session(texts(), SCALE, options), 0
    for clip in CLIPS:
        session.begin()
        for row in clip:
            step = session.step(row)
            assert told.steps[n].kept == step.kept
            np.testing.assert_array_equal(told.steps[n].after, step.after)
            np.testing.assert_allclose(told.running[n], session.answer().logits)
            for name, cache in (("positive", session.positive), ("negative", session.negative)):
                for label, bucket in enumerate(told.entries(name, n)):
                    size = cache.sizes[label]
                    assert {one.frame for one in bucket} == set(cache.frames[label, :size].tolist())
                    assert [one.entropy for one in bucket] == sorted(cache.entropies[label, :size])
            n += 1
    assert n == len(told.steps) == FRAMES
    assert any(step.kept for step in told.steps)


def test_clips_are_told_apart():
    told, _ = run()
    assert told.starts == (0, 30, 48, 48, FRAMES)
    assert [told.clip_of(at) for at in (0, 29, 30, 47, 48, FRAMES - 1)] == [0, 0, 1, 1, 3, 3]
    first = told.steps[48].logits
    np.testing.assert_allclose(told.running[48], first)  # a clip's mean begins anew


def test_a_cache_of_one_video_is_empty_when_the_next_begins():
    told, _ = run(replace(JUNE, entropy_positive=1.0, entropy_negative=1.05))
    before = {e.frame for b in told.entries("positive", 29) for e in b}
    after = {e.frame for b in told.entries("positive", 30) for e in b}
    assert before and not before & after


def test_costs_are_told():
    told, session = run()
    assert told.memory == session.memory > 0
    assert 0 < told.milliseconds < 100
    assert told.shelf_memory == 0
    assert told.lent == ()


def test_the_nearest_sources_lend_and_are_named():
    told, session = run(Options(nearest_sources=1), sources=people())
    assert len(told.lent) == 1 and told.lent[0] in ("ann", "bob")
    assert told.shelf_memory == session.shelf.memory > 0
    assert all(step.prototype.asked for step in told.steps)
    none, _ = run(Options(nearest_sources=0), sources=people())
    assert none.lent == ()
    assert not any(step.prototype.asked for step in none.steps)


def test_poisoned_frames_are_marked_and_pushed_and_no_others():
    rows = np.concatenate(CLIPS)
    clean, _ = run()
    wrong = {n: (clean.steps[n].label + 1) % CLASSES for n in (3, 40)}
    told, _ = run(poisoned=wrong)
    assert np.flatnonzero(told.poisoned).tolist() == [3, 40]
    assert [told.steps[n].label for n in (3, 40)] == list(wrong.values())
    changed, marked = mislead(rows, texts(), SCALE, wrong)
    assert (np.abs(changed - rows).max(axis=1) > 1e-6).tolist() == marked.tolist()
    same, nothing = mislead(rows, texts(), SCALE, {})
    assert same is rows and not nothing.any()


def test_poison_makes_a_mild_model_as_sure_as_it_gets():
    mild = 1.5  # at this logit scale no frame makes the model 95 % sure
    rows = stream(12)
    most = softmax(mild * texts() @ unit(texts()[1] - texts().mean(axis=0)))[1]
    changed, _ = mislead(rows, texts(), mild, {4: 1})
    reached = softmax(mild * texts() @ changed[4])[1]
    assert 0.95 > most > reached == pytest.approx(0.99 * most, abs=1e-3)
    strong, _ = mislead(rows, texts(), 4 * SCALE, {4: 1})
    assert softmax(4 * SCALE * texts() @ strong[4])[1] == pytest.approx(0.95, abs=1e-3)


def test_an_imported_cache_comes_before_the_first_frame():
    _, left = run(clips=CLIPS[:2])
    saved = save_person(left, NAMES, "toy")
    told, _ = run(clips=CLIPS[3:], prepare=lambda session: load_person(saved, session, NAMES, "toy"))
    first = [entry for bucket in told.entries("positive", 0) for entry in bucket]
    assert first
    assert {entry.frame for entry in first} <= {IMPORTED, 0}
    assert any(entry.frame == IMPORTED for entry in first)
    assert told.steps[0].weights[2] != 0
    assert run(clips=CLIPS[3:])[0].steps[0].weights[2] == 0


def test_a_person_without_a_frame_is_no_person():
    with pytest.raises(ValueError, match="frame"):
        run(clips=(np.zeros((0, DIM), np.float32),))


def test_another_method_on_the_same_frames():
    method = ZeroShot(texts(), SCALE)
    found = beside(method, CLIPS)
    logits = SCALE * (np.concatenate(CLIPS) @ texts().T)
    np.testing.assert_allclose(found[29], softmax(logits[:30].mean(axis=0)), rtol=1e-4)
    np.testing.assert_allclose(found[30], softmax(logits[30]), rtol=1e-4)
    assert found.shape == (FRAMES, CLASSES)


def test_a_method_forgets_whom_it_met_before():
    method = Tda(texts(), SCALE)
    np.testing.assert_array_equal(beside(method, CLIPS), beside(method, CLIPS))
