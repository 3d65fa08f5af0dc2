"""The real model on clips: what it sees, and that reading a person changes nothing in it."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import Code, UserError
from core.media import video
from core.personalize.build import Labelled, build
from core.personalize.options import PRESETS
from core.personalize.replay import replay
from core.personalize.types import Watched
from core.personalize.watch import Pace, photos, watch
from core.vision_language import cards, load
from core.vision_language.facet import CARD
from core.vision_language.prompts import plain

EXAMPLES = Path(__file__).parents[3] / "demos" / "abaw" / "examples"
pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def model(weight):
    for name in cards[CARD.name].weights:
        weight(name)
    return load(CARD.name)


def person(path, model, *rest, **more):
    *_, found = watch(path, model, *rest, **more)
    assert isinstance(found, Watched)
    return found


def checked(found, rate=5.0):
    """Unit vectors, and as many as the pace says."""
    np.testing.assert_allclose(np.linalg.norm(found.embeddings, axis=1), 1, atol=1e-5)
    assert found.embeddings.shape == (len(found), CARD.dim)
    assert len(found) + found.absent == pytest.approx(found.clip.duration * rate, abs=1)
    assert (np.diff(found.times) > 0.9 / rate).all()
    assert found.thumbnails.shape == (len(found), 48, 48, 3)
    return found


def states(model):
    """Every number of the model as one hash."""
    found = hashlib.sha256()
    for name, values in sorted(model.state_dict().items()):
        found.update(name.encode())
        found.update(values.contiguous().numpy().tobytes())
    return found.hexdigest()


def test_two_people_give_one_and_leave_one_out(model):
    found = checked(person(EXAMPLES / "two-people.mp4", model))
    assert found.others == 1 and found.absent <= 2


def test_neither_reading_nor_personalising_changes_a_parameter_or_asks_for_a_gradient(model):
    before, modes = states(model), []
    hook = model.frozen.backbone.register_forward_hook(
        lambda *_: modes.append((torch.is_inference_mode_enabled(), torch.is_grad_enabled()))
    )
    try:
        clips = [person(EXAMPLES / f"{name}.mp4", model, Pace(3)) for name in ("smile", "turn")]
    finally:
        hook.remove()
    assert modes and set(modes) == {(True, False)}
    with video.Reader(EXAMPLES / "smile.mp4", batch=1) as reader:
        frame = next(iter(reader))[0]
    seen = model.images(model.cut(frame.pixels, np.array([[100.0, 60.0, 200.0, 190.0]])))
    assert seen.is_inference() and not seen.requires_grad and seen.grad_fn is None
    text = model.texts(list(plain())).numpy()
    labels = (clips[0].embeddings @ text.T).argmax(1).astype(np.int64)
    sources = build([Labelled("ann", clips[0].embeddings, labels)], tuple(plain()), CARD.name)
    for options in PRESETS.values():
        found, _ = replay([one.embeddings for one in clips], text, model.scale, options, sources)
        assert len(found.steps) == sum(map(len, clips)) and found.lent == ("ann",)
    assert states(model) == before
    assert not any(one.requires_grad or one.grad is not None for one in model.parameters())


def test_photos_of_a_clip_are_seen_as_the_clip_is(model):
    found = person(EXAMPLES / "smile.mp4", model, Pace(2))
    pictures = [frame.pixels for batch in video.frames(EXAMPLES / "smile.mp4", fps=2) for frame in batch]
    *_, row = photos(pictures, model)
    assert row.times.tolist() == list(range(len(pictures)))
    assert len(row) == len(found) and (row.embeddings * found.embeddings).sum(1).min() > 0.9


@pytest.mark.data
@pytest.mark.parametrize(("name", "rate"), [("mead_happy", 5.0), ("mead_fear", 8.0)])
def test_a_real_clip(model, data_dir, name, rate):
    found = checked(person(data_dir / "video" / f"{name}.mp4", model, Pace(rate)), rate)
    assert found.absent == 0 and found.others == 0


@pytest.mark.data
def test_who_leaves_a_real_clip_is_absent_from_then_on(model, data_dir):
    found = checked(person(data_dir / "video" / "pyfeat_face_noface.mov", model))
    assert found.absent > 5 and found.times[-1] < 0.8 * found.clip.duration


@pytest.mark.data
def test_a_real_clip_without_a_face_is_told(model, data_dir):
    with pytest.raises(UserError) as caught:
        person(data_dir / "video" / "pyfeat_no_face.mp4", model)
    assert caught.value.code == Code.NO_FACE


@pytest.mark.data
def test_cancelled_a_real_clip_gives_what_was_read(model, data_dir):
    found = person(data_dir / "video" / "mead_happy.mp4", model, cancelled=lambda: True)
    assert len(found) == 4 and found.times[-1] < 16 / 25
