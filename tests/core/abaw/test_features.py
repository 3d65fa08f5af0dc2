"""The feature cache keeps what it was given, keyed by encoder and weights, and hands it out row by row."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from core.abaw.features import Features, FeatureStore, LabelledClips, LabelledFrames
from core.datasets.frame_labels import Annotation, Task
from core.errors import Code, UserError

HASH = "0123456789abcdef" * 4


def features(count: int, dim: int = 6, classes: int = 3, seed: int = 0) -> Features:
    rng = np.random.default_rng(seed)
    return Features(
        rng.normal(size=(count, dim)).astype(np.float32),
        rng.normal(size=(count, classes)).astype(np.float32),
        np.arange(count) / 25,
        rng.random(count) < 0.9,
    )


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return FeatureStore(tmp_path, "face-net", HASH)


def test_what_was_saved_comes_back_in_half_precision(store: FeatureStore) -> None:
    given = features(11)
    store.save("video5_left", given)
    found = store.load("video5_left")
    assert found.features.dtype == found.scores.dtype == np.float16
    np.testing.assert_allclose(found.features, given.features, rtol=2**-10)
    np.testing.assert_allclose(found.scores, given.scores, rtol=2**-10)
    np.testing.assert_array_equal(found.times, given.times)
    np.testing.assert_array_equal(found.seen, given.seen)
    assert isinstance(found.features, np.memmap)


def test_any_reader_of_safetensors_sees_the_same(store: FeatureStore) -> None:
    store.save("clip", features(7, dim=5))
    theirs, ours = load_file(store.path("clip")), store.load("clip")
    assert set(theirs) == {"features", "scores", "times", "seen"}
    np.testing.assert_array_equal(theirs["features"], ours.features)
    np.testing.assert_array_equal(theirs["seen"], ours.seen)


def test_another_encoder_or_other_weights_see_nothing_of_it(store: FeatureStore, tmp_path: Path) -> None:
    store.save("clip", features(3))
    assert "clip" in store
    assert "clip" not in FeatureStore(tmp_path, "face-net", "f" * 64)
    assert "clip" not in FeatureStore(tmp_path, "other-net", HASH)
    assert FeatureStore.only(tmp_path).names() == ("clip",)
    FeatureStore(tmp_path, "other-net", HASH).save("clip", features(3))
    with pytest.raises(UserError):
        FeatureStore.only(tmp_path)


def test_a_store_remembers_the_classes_it_was_written_with(store: FeatureStore, tmp_path: Path) -> None:
    store.save("clip", features(3))
    assert FeatureStore.only(tmp_path).classes == ()  # as in folders of earlier versions
    named = FeatureStore(tmp_path, "face-net", HASH, ("anger", "fear", "neutral"))
    named.save("other", features(3))
    found = FeatureStore.only(tmp_path)
    assert (found.encoder, found.classes) == ("face-net", ("anger", "fear", "neutral"))
    assert found.names() == ("clip", "other")


def test_a_second_save_replaces_the_first_and_leaves_no_other_file(store: FeatureStore) -> None:
    store.save("clip", features(3))
    store.load("clip")
    store.save("clip", features(5, seed=1))
    assert len(store.load("clip")) == 5
    assert [file.name for file in store.folder.iterdir()] == ["clip.safetensors"]


def test_an_interrupted_save_leaves_the_old_file(
    store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save("clip", features(3))

    def stop(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        store.save("clip", features(5))
    assert len(store.load("clip")) == 3
    assert [file.name for file in store.folder.iterdir()] == ["clip.safetensors"]


@pytest.mark.parametrize("damage", ["cut", "text", "absent"])
def test_damaged_files_are_named(store: FeatureStore, damage: str) -> None:
    if damage != "absent":
        store.save("clip", features(9))
        data = store.path("clip").read_bytes()
        store.path("clip").write_bytes(data[:-40] if damage == "cut" else b"a text, no numbers at all")
    with pytest.raises(UserError, match="features of clip") as raised:
        store.load("clip")
    assert raised.value.code is Code.FILE_UNREADABLE


@pytest.mark.parametrize("name", ["", "../clip", "a/b", "a\\b", ".hidden"])
def test_names_never_leave_the_folder(store: FeatureStore, name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        store.save(name, features(2))


def test_only_frames_with_a_face_and_a_label_are_samples(store: FeatureStore) -> None:
    given = {name: features(20, seed=seed) for seed, name in enumerate(("a", "b"))}
    for name, one in given.items():
        store.save(name, one)
    labels = {name: np.where(np.arange(19) % 4 == 0, -1, np.arange(19) % 8) for name in given}
    data = LabelledFrames(store, [Annotation(name, Task.EXPRESSION, labels[name]) for name in given])
    expected = [
        (name, frame)
        for name, one in given.items()
        for frame in range(19)
        if one.seen[frame] and labels[name][frame] >= 0
    ]
    assert len(data) == len(expected) < 38
    order = np.random.default_rng(3).permutation(len(data))
    rows = data.rows(order)
    for row, number in enumerate(order):
        name, frame = expected[number]
        np.testing.assert_array_equal(
            rows.inputs[row].numpy(), given[name].features[frame].astype(np.float16)
        )
        assert rows.labels[row] == labels[name][frame]
    assert (data.labels >= 0).all()
    np.testing.assert_array_equal(data.labels, data.rows(np.arange(len(data))).labels)
    assert LabelledFrames(store, data.annotations, scores=True).width == 3


def test_features_of_another_length_are_refused(store: FeatureStore) -> None:
    store.save("a", features(20))
    with pytest.raises(UserError) as raised:
        LabelledFrames(store, [Annotation("a", Task.EXPRESSION, np.zeros(30, np.int64))])
    assert raised.value.code is Code.LABELS_INVALID
    with pytest.raises(UserError):
        LabelledFrames(store, [Annotation("a", Task.EXPRESSION, np.full(20, -1))])


def test_clips_cover_every_frame_and_pad_without_labels(store: FeatureStore) -> None:
    store.save("long", features(21))
    store.save("short", features(5, seed=1))
    labels = [
        Annotation("long", Task.VIOLENCE, np.arange(21) % 2),
        Annotation("short", Task.VIOLENCE, np.ones(5, np.int64)),
    ]
    data = LabelledClips(store, labels, length=8, hop=4)
    assert data.windows.tolist() == [[0, 0], [0, 4], [0, 8], [0, 12], [0, 16], [1, 0]]
    rows = data.rows(np.array([4, 5]))
    assert rows.inputs.shape == (2, 8, 6)
    assert rows.labels.tolist() == [[0, 1, 0, 1, 0, -1, -1, -1], [1, 1, 1, 1, 1, -1, -1, -1]]
    np.testing.assert_array_equal(rows.inputs[1, 5:], rows.inputs[1, 4:5].expand(3, -1))
    np.testing.assert_array_equal(
        rows.inputs[0, 0].numpy(), store.load("long").features[16].astype(np.float32)
    )
