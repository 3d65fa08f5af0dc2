"""Caches as files: what goes out comes back, and nothing else gets in."""

import json
import pickle

import numpy as np
import pytest
from safetensors.numpy import load, save

from core.errors import Code, UserError
from core.personalize.build import Labelled, build
from core.personalize.files import LARGEST, PERSON, load_person, load_sources, save_person, save_sources
from core.personalize.online import Session
from core.personalize.options import Options
from tests.core.personalize.personalize_fakes import CLASSES, DIM, SCALE, lent, stream, texts

NAMES = ("happy", "sad", "calm")
MODEL = "made-up"


def used(**options):
    session = Session(texts(), SCALE, Options(**options), lent())
    for z in stream():
        session.step(z)
    return session


def sources():
    rng = np.random.default_rng(0)
    people = [
        Labelled(name, stream(30, seed, dim=DIM), rng.integers(-1, CLASSES, 30))
        for seed, name in enumerate(("bob", "ann"))
    ]
    return build(people, NAMES, MODEL)


def refused(call, code=Code.CACHE_INVALID):
    with pytest.raises(UserError) as caught:
        call()
    assert caught.value.code == code


def altered(data, header=None, **tensors):
    """A file with some tensors replaced (None: removed) and another header."""
    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + length])["__metadata__"] | (header or {})
    kept = {**load(data), **{name.replace("__", "."): value for name, value in tensors.items()}}
    return save({name: value for name, value in kept.items() if value is not None}, metadata)


def test_a_person_comes_back_and_goes_on_as_if_never_gone():
    session = used()
    assert len(session.negative) > 0
    data = save_person(session, NAMES, MODEL)
    assert len(data) < 20_000
    fresh = Session(texts(), SCALE, Options(), lent())
    load_person(data, fresh, NAMES, MODEL)
    session.begin()
    fresh.begin()
    for z in stream(30, seed=4):
        a, b = session.step(z), fresh.step(z)
        np.testing.assert_array_equal(a.after, b.after)
        assert a.kept is None or a.kept.label == b.kept.label


def test_frame_numbers_go_on_after_those_of_the_file():
    fresh = Session(texts(), SCALE, Options())
    session = used()
    load_person(save_person(session, NAMES, MODEL), fresh, NAMES, MODEL)
    last = max(session.positive.frames.max(), session.negative.frames.max())
    assert fresh.step(stream(1)[0]).frame == last + 1


def test_entropies_are_in_nats_between_sessions_of_different_units():
    raw = Session(texts(), SCALE, Options(normalise_entropy=False))
    session = used()
    load_person(save_person(session, NAMES, MODEL), raw, NAMES, MODEL)
    taken = session.positive.taken
    np.testing.assert_allclose(
        raw.positive.entropies[taken], session.positive.entropies[taken] * np.log(CLASSES)
    )


def test_an_empty_person_is_a_file_too():
    data = save_person(Session(texts(), SCALE), NAMES, MODEL)
    session = used()
    load_person(data, session, NAMES, MODEL)
    assert len(session.positive) + len(session.negative) == 0


def test_files_that_are_no_caches_are_refused_and_change_nothing():
    good, session = save_person(used(), NAMES, MODEL), used()
    before = session.positive.state()
    vectors = load(good)["positive.vectors"]
    entropies = load(good)["positive.entropies"]
    infinite, longer = vectors.copy(), vectors * np.float32(1.1)
    infinite[load(good)["positive.frames"] >= 0] = np.nan
    for bad in (
        b"",
        b"no cache",
        pickle.dumps({"positive": [1]}),
        good[:-1],
        good[:100],
        save({"a": np.zeros(3)}),
        save_sources(sources()),
        altered(good, {"format": "facet-person-cache-9"}),
        altered(good, {"classes": "not json"}),
        altered(good, {"classes": json.dumps({"a": 1})}),
        altered(good, positive__vectors=None),
        altered(good, positive__vectors=vectors[:, :, :-1].copy()),
        altered(good, positive__vectors=vectors[:-1].copy()),
        altered(good, positive__vectors=vectors.astype(np.float64)),
        altered(good, positive__vectors=infinite),
        altered(good, positive__vectors=longer),
        altered(good, positive__entropies=-entropies),
        altered(good, positive__entropies=entropies + 5),
        altered(good, negative__frames=np.zeros((CLASSES, 1), np.int64)),
    ):
        refused(lambda bad=bad: load_person(bad, session, NAMES, MODEL))
    refused(lambda: load_person(good, session, NAMES[::-1], MODEL))
    refused(lambda: load_person(good, session, NAMES, "another"))
    refused(lambda: load_person(bytes(LARGEST[PERSON] + 1), session, NAMES, MODEL), Code.FILE_TOO_LARGE)
    for key, value in session.positive.state().items():
        np.testing.assert_array_equal(value, before[key])


def test_a_number_type_that_numpy_lacks_is_refused():
    header = json.dumps({"x": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}).encode()
    data = len(header).to_bytes(8, "little") + header + b"\0\0"
    refused(lambda: load_person(data, used(), NAMES, MODEL))


def test_the_file_holds_no_name():
    data = save_person(used(), NAMES, MODEL)
    assert b"ann" not in data
    assert set(load(data)) == {
        f"{cache}.{key}" for cache in ("positive", "negative") for key in ("vectors", "entropies", "frames")
    }


def test_sources_come_back():
    made = sources()
    back = load_sources(save_sources(made), NAMES, MODEL, DIM)
    np.testing.assert_array_equal(back.prototypes.vectors, made.prototypes.vectors)
    assert back.prototypes.owners == made.prototypes.owners
    assert back.statistics.keys() == made.statistics.keys()
    for name, one in made.statistics.items():
        np.testing.assert_allclose(back.statistics[name].mean, one.mean, atol=1e-7)
        np.testing.assert_allclose(back.statistics[name].variance, one.variance, atol=1e-8)
        assert back.statistics[name].frames == one.frames


def test_sources_of_other_sizes_classes_or_models_are_refused():
    good = save_sources(sources())
    labels, means = load(good)["labels"], load(good)["means"]
    for call in (
        lambda: load_sources(good, NAMES, MODEL, DIM + 1),
        lambda: load_sources(good, NAMES[:2], MODEL, DIM),
        lambda: load_sources(good, NAMES, "another", DIM),
        lambda: load_sources(save_person(used(), NAMES, MODEL), NAMES, MODEL, DIM),
        lambda: load_sources(altered(good, labels=labels + 1), NAMES, MODEL, DIM),
        lambda: load_sources(altered(good, owners=labels + 5), NAMES, MODEL, DIM),
        lambda: load_sources(altered(good, means=means * np.float32(np.nan)), NAMES, MODEL, DIM),
        lambda: load_sources(altered(good, variances=-load(good)["variances"]), NAMES, MODEL, DIM),
        lambda: load_sources(altered(good, {"subjects": '["ann", "ann"]'}), NAMES, MODEL, DIM),
    ):
        refused(call)
