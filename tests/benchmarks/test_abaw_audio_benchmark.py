"""The audio head's benchmark never judges a head on a speaker it was trained or chosen on."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks import abaw_audio
from core.abaw.classes import EXPRESSIONS
from core.datasets.emodb import SPEAKERS, Utterance
from core.training.abaw_audio import Heard

ACTED = ("anger", "sadness")


@pytest.fixture
def heard() -> Heard:
    """Everybody says both emotions, three moments each; a state is its emotion's row."""
    people = abaw_audio.ordered()
    said = tuple(Utterance(Path(), one, "t", emotion) for one in people for emotion in ACTED)
    rows = np.eye(8)[[EXPRESSIONS.index(one.emotion) for one in said for _ in range(3)]]
    states = torch.from_numpy(rows).half()
    return Heard(states, states, torch.arange(len(said)).repeat_interleave(3), said)


def test_each_speaker_is_answered_by_a_head_that_heard_neither_training_nor_checking(
    heard, monkeypatch
) -> None:
    seen = []

    def trained(given, of, tuned, checked, labels) -> nn.Module:
        seen.append((set(tuned), set(checked)))
        return nn.Identity()

    monkeypatch.setattr(abaw_audio, "trained", trained)
    assert (abaw_audio.in_turn(heard, "states", heard.emotions) == heard.emotions).all()
    everybody = set(abaw_audio.ordered())
    left_out = [everybody - tuned - checked for tuned, checked in seen]
    assert [len(one) for one in left_out] == [1] * 10 and set.union(*left_out) == everybody
    assert all(len(tuned) == 7 and not tuned & checked for tuned, checked in seen)


def test_a_sentence_has_the_class_of_its_mean_moment(heard) -> None:
    rows = heard.states.clone()
    rows[0] = torch.eye(8)[EXPRESSIONS.index("fear")]  # one of three moments of the first sentence
    changed = Heard(rows, rows, heard.clips, heard.utterances)
    first = changed.utterances[0].speaker
    sentences, said, moments = abaw_audio.answers(nn.Identity(), changed, "states", [first])
    assert sentences.tolist() == [0, 1]
    assert (said == heard.emotions[:2]).all()
    assert moments == pytest.approx(5 / 6)


def test_the_majority_is_that_of_the_training_speakers(heard) -> None:
    said = tuple(
        Utterance(Path(), one.speaker, "t", "fear" if one.speaker in SPEAKERS["test"] else "anger")
        for one in heard.utterances
    )
    found = abaw_audio.majority(Heard(heard.states, heard.states, heard.clips, said))
    assert (found == EXPRESSIONS.index("anger")).all()


def test_figures_leave_out_classes_that_nobody_acted() -> None:
    truth = np.array([1, 1, 5, 5])
    assert abaw_audio.cells(truth, truth) == ["100.0", "100.0", "100.0"]
    assert abaw_audio.cells(truth, np.array([1, 5, 5, 6])) == ["50.0", "50.0", "58.3"]
