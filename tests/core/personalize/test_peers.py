"""The peers beside plain re-derivations of their equations."""

import numpy as np
import pytest
import torch

from core.personalize.build import Labelled, build
from core.personalize.methods import Personalized, ZeroShot
from core.personalize.online import Session
from core.personalize.options import Options
from core.personalize.peers import EntropyTuning, Tda, TdaOptions, TipAdapter
from core.personalize.subjects import statistics
from core.personalize.vectors import softmax
from tests.core.personalize.personalize_fakes import CLASSES, DIM, SCALE, stream, texts

ARGUMENTS = (texts(), SCALE)


def plain_tda(frames, o, published=True):
    """The algorithm written with lists, as in the paper's pseudo-code."""
    text, positive, negative, found = texts().astype(float), {}, {}, []
    for z in frames.astype(float):
        logits = SCALE * text @ z
        p = softmax(logits)
        h, label = -(p * np.log(p)).sum(), int(logits.argmax())
        share = h / (np.log2(CLASSES) if published else np.log(CLASSES))
        chosen = [(positive, o.positive_capacity)]
        if o.entropy[0] < share < o.entropy[1]:
            chosen.append((negative, o.negative_capacity))
        for cache, capacity in chosen:
            bucket = cache.setdefault(label, [])
            bucket.append((h, len(found), z, p))
            bucket.sort(key=lambda item: item[:2])
            del bucket[capacity:]
        for label, bucket in positive.items():
            for _, _, key, _ in bucket:
                logits[label] += o.positive_weight * np.exp(-o.positive_sharpness * (1 - z @ key))
        for bucket in negative.values():
            for _, _, key, p in bucket:
                mask = (p > o.mask[0]) & (p < o.mask[1])
                logits -= o.negative_weight * np.exp(-o.negative_sharpness * (1 - z @ key)) * mask
        found.append(logits)
    return np.array(found), negative


@pytest.mark.parametrize("published", [True, False])
def test_tda_equals_its_pseudo_code(published):
    options = TdaOptions(negative_weight=1.0, published_entropy=published)
    expected, negative = plain_tda(stream(), options, published)
    assert sum(map(len, negative.values())) > 2
    tda = Tda(*ARGUMENTS, options)
    for _ in range(2):  # the second person finds nothing of the first
        tda.meet("ann", stream())
        np.testing.assert_allclose([tda.step(z) for z in stream()], expected, atol=1e-5)


def test_tda_measures_nats_against_bits_unless_told_otherwise():
    even = np.linalg.pinv(texts().astype(float)) @ np.ones(CLASSES)  # the largest entropy there is
    entered = []
    for published in (True, False):
        tda = Tda(*ARGUMENTS, TdaOptions(entropy=(0.5, 0.9), published_entropy=published))
        tda.step(even)
        entered.append(len(tda.negative))
    assert entered == [1, 0]


def test_tip_adapter_adds_the_affinity_to_labelled_frames():
    keys, labels = stream(6, seed=4), np.array([0, 1, 2, 0, 1, 2])
    method = TipAdapter(*ARGUMENTS, {"ann": (keys, labels)}, weight=2.0, sharpness=3.0)
    method.meet("ann", keys)
    z = stream(1)[0]
    expected = SCALE * texts() @ z
    for key, label in zip(keys, labels, strict=True):
        expected[label] += 2 * np.exp(-3 * (1 - key @ z))
    np.testing.assert_allclose(method.step(z), expected, atol=1e-5)
    method.meet("bob", keys)
    np.testing.assert_allclose(method.step(z), SCALE * texts() @ z, atol=1e-5)


@pytest.mark.parametrize("scope", ["frame", "video"])
def test_entropy_tuning_lowers_the_entropy_of_the_frame(scope):
    z = stream(1)[0]
    plain = ZeroShot(*ARGUMENTS).probabilities(z)
    tuned = EntropyTuning(*ARGUMENTS, scope).probabilities(z)
    first, second = (-(p * np.log(p)).sum() for p in (plain, tuned))
    assert second < first - 0.01


def test_entropy_tuning_a_frame_starts_anew_and_a_video_goes_on():
    frames = stream(10)
    alone = EntropyTuning(*ARGUMENTS, "frame", views=1)
    again = EntropyTuning(*ARGUMENTS, "frame", views=1)
    for z in frames[:-1]:
        alone.step(z)
    np.testing.assert_array_equal(alone.step(frames[-1]), again.step(frames[-1]))
    video, fresh = EntropyTuning(*ARGUMENTS, "video"), EntropyTuning(*ARGUMENTS, "video")
    for z in frames[:-1]:
        video.step(z)
    assert not np.allclose(video.step(frames[-1]), fresh.step(frames[-1]))
    video.begin()
    fresh.begin()
    np.testing.assert_array_equal(video.step(frames[0]), fresh.step(frames[0]))


def test_entropy_tuning_follows_the_gradient_of_the_mean_prediction():
    """One step of plain descent in its place, by finite differences: the same direction."""
    views = torch.from_numpy(stream(8))
    tuned = EntropyTuning(*ARGUMENTS, views=8, share=1.0)

    def loss(text):
        p = softmax(SCALE * views.numpy().astype(float) @ (text / np.linalg.norm(text, axis=1)[:, None]).T)
        mean = p.mean(0)
        return -(mean * np.log(mean)).sum()

    tuned._loss(views).backward()
    text, step = texts().astype(float), 1e-5
    for place in ((0, 0), (1, 3), (2, DIM - 1)):
        moved = np.zeros_like(text)
        moved[place] = step
        slope = (loss(text + moved) - loss(text - moved)) / (2 * step)
        assert tuned._tuned.grad[place].item() == pytest.approx(slope, abs=1e-4)


def test_it_runs_within_inference_mode_and_leaves_the_texts_alone():
    given = texts()
    method = EntropyTuning(given, SCALE, "video")
    with torch.inference_mode():
        method.meet("ann", stream())
        for z in stream(5):
            method.step(z)
    np.testing.assert_array_equal(given, texts())
    np.testing.assert_array_equal(method.text, texts())


def test_personalized_is_the_session():
    method = Personalized(*ARGUMENTS, Options())
    method.meet("ann", stream())
    session = Session(*ARGUMENTS, Options())
    for z in stream():
        np.testing.assert_array_equal(method.step(z), session.step(z).logits)
    assert method.memory == session.memory > 0


def sources(dim=DIM):
    rng = np.random.default_rng(5)
    group = [
        Labelled(f"s{n}", stream(40, seed=20 + n) + 0.4 * rng.normal(size=dim), rng.integers(3, size=40))
        for n in range(5)
    ]
    return build(group, ("a", "b", "c"), "m")


def test_the_choice_of_sources():
    cache, frames = sources(), stream()
    ranked = cache.nearest(statistics(frames), 5)
    chosen = {}
    for choice in ("nearest", "farthest", "random"):
        method = Personalized(*ARGUMENTS, Options(nearest_sources=2), cache, choice=choice)
        method.meet("ann", frames)
        chosen[choice] = method.chosen
        assert len(method.session.shelf) > 0
    assert chosen["nearest"] == ranked[:2]
    assert chosen["farthest"] == ranked[::-1][:2]
    draws = set()
    for seed in range(8):
        method = Personalized(*ARGUMENTS, Options(nearest_sources=2), cache, choice="random", seed=seed)
        method.meet("ann", frames)
        draws.add(method.chosen)
    assert len(draws) > 3
    none = Personalized(*ARGUMENTS, Options(nearest_sources=0), cache)
    none.meet("ann", frames)
    assert none.chosen == ()


def test_calibration_looks_at_the_first_frames_alone():
    cache = sources()
    method = Personalized(*ARGUMENTS, Options(nearest_sources=2), cache, calibration=10)
    method.meet("ann", stream())
    first = method.chosen
    method.meet("ann", np.concatenate([stream()[:10], -stream()[10:]]))
    assert method.chosen == first


def test_a_new_person_finds_nothing_of_the_one_before():
    method = Personalized(*ARGUMENTS, Options())
    method.meet("ann", stream())
    first = [method.step(z) for z in stream()]
    method.meet("bob", stream())
    np.testing.assert_array_equal([method.step(z) for z in stream()], first)
