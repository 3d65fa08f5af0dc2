"""The weight of the sound in the video tab: when it may be moved, why not, and that it acts at once."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest

from core import speech, weights
from core.abaw import hearing
from core.abaw.classes import EXPRESSIONS
from demos.abaw import exports, readers, showing, sound
from demos.abaw.desk import Desk
from demos.abaw.parts import lay_out
from demos.abaw.words import SOUND
from tests.demos.clip_scores import CLIP, clip_scores, desk

ANGER = EXPRESSIONS.index("anger")


@pytest.fixture
def parts() -> Any:
    with gr.Blocks():
        return lay_out([], [("One", "facet-expression")], [])


@pytest.fixture
def here(monkeypatch) -> Any:
    """Decides whether the speech encoder is on this machine."""
    status = weights.status

    def put(present: bool, fetchable: bool = True) -> None:
        state = SimpleNamespace(present=present, fetchable=fetchable, reason="", bytes_to_fetch=70_000_000)
        monkeypatch.setattr(weights, "status", lambda name: state if name == readers.SPEECH else status(name))

    return put


def heard(frames: int = 200, **heads: Any) -> Any:
    """A clip in which everybody sounds angry."""
    said = np.full((frames, len(EXPRESSIONS)), 0.01)
    said[:, ANGER] = 0.93
    scores = clip_scores(frames, gap=False, audio=said, **heads)
    return replace(scores, stand_ins={**scores.stand_ins, "audio": hearing.STAND_IN})


def state(one: Desk | None, parts: Any) -> tuple[bool, str, bool]:
    update = sound.shown(one, parts)
    steps = parts.steps
    return (
        update[steps.visual_weight]["interactive"],
        update[steps.sound],
        update[steps.fetch_speech]["visible"],
    )


def test_the_weight_acts_on_stored_scores() -> None:
    one = desk(heard())
    scores = one.scores()
    at_start = one.decided()
    assert one.options.visual_weight == 1
    one.decide(replace(one.options, confidence=1, visual_weight=1.0))
    seen = one.decided()
    assert not (seen.final == ANGER).all()
    shares = [
        float((one.decide(replace(one.options, visual_weight=weight)).final == ANGER).mean())
        for weight in (1.0, 0.6, 0.3, 0.0)
    ]
    assert shares == sorted(shares) and shares[-1] == 1.0 and shares[0] < 1.0
    assert one.scores() is scores
    silent = desk(clip_scores(200, gap=False))
    silent.decide(replace(silent.options, visual_weight=0.3))
    assert (silent.decided().final == at_start.final).all()  # nothing to weigh


def test_the_slider_is_free_only_where_a_clip_was_heard(parts, here) -> None:
    here(True)
    assert state(desk(heard()), parts)[0]
    assert not state(None, parts)[0]
    assert not state(desk(clip_scores()), parts)[0]
    assert not state(desk(heard(mlp=None)), parts)[0]  # there is nothing to blend the sound with


@pytest.mark.parametrize(
    ("made", "present", "case", "button"),
    [
        (lambda: None, True, "ready", False),
        (lambda: None, False, "fetch", True),
        (lambda: desk(heard()), True, "heard", False),
        (lambda: desk(heard(mlp=None)), True, "no head", False),
        (lambda: desk(clip_scores()), True, "silent", False),
        (lambda: desk(clip_scores()), False, "fetch", True),
    ],
)
def test_it_is_said_why_the_sound_does_not_count(parts, here, made, present, case, button) -> None:
    here(present)
    _, words, offered = state(made(), parts)
    assert f'data-sound="{case}"' in words
    assert offered == button
    assert ("python -m core weights fetch whisper-tiny-en" in words) == (case == "fetch")


def test_a_clip_without_sound_needs_no_encoder(parts, here) -> None:
    here(False)
    one = desk(clip_scores())
    one.clip = replace(CLIP, has_audio=False)
    free, words, offered = state(one, parts)
    assert not free and not offered
    assert SOUND["no sound"] in words


def test_offline_there_is_a_command_and_no_button(parts, here) -> None:
    here(False, fetchable=False)
    _, words, offered = state(None, parts)
    assert not offered and "weights fetch" in words


def test_the_stand_in_is_told_beside_the_slider(parts, here) -> None:
    here(True)
    assert "<b>Stand-in.</b>" in showing.analysed(desk(heard()), parts)[parts.steps.sound]
    assert "Stand-in" not in showing.analysed(desk(clip_scores()), parts)[parts.steps.sound]


def test_the_report_names_what_heard_only_when_it_did() -> None:
    with_sound, without = exports.report(desk(heard())), exports.report(desk())
    assert with_sound["heads"]["audio"] and not without["heads"]["audio"]
    assert "facet-abaw-audio" in with_sound["weights"]
    assert not set(readers.HEARING) & set(without["weights"])


def test_the_tab_and_the_system_mean_the_same_weights() -> None:
    assert readers.HEARING == (speech.NAME, hearing.HEAD)
    assert set(readers.HEARING) <= set(readers.listed())
    assert weights.entry(readers.SPEECH).optional and not weights.entry(hearing.HEAD).optional
