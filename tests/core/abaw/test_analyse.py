"""One pass over a clip, with the networks that come with the repository."""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from core.abaw import models
from core.abaw.analyse import Analysis, Rows, Settings, _scores, analyse
from core.abaw.classes import OTHER
from core.faces import landmarks
from core.types import Progress

EXAMPLES = Path(__file__).parents[3] / "demos" / "abaw" / "examples"


@pytest.fixture(scope="module")
def people() -> tuple[list[Progress], Analysis]:
    *events, found = analyse(EXAMPLES / "two-people.mp4", models.load())
    assert isinstance(found, Analysis)
    return [event for event in events if isinstance(event, Progress)], found


def test_two_people_have_a_table_each_with_a_row_for_every_frame(people):
    _, found = people
    assert len(found.tracks) == 2
    for track in found.tracks:
        scores = found.scores[track.number]
        assert len(scores) == found.frames
        assert scores.seen.mean() > 0.3
        assert np.isfinite(scores.boxes[scores.seen]).all()


def test_rows_of_seen_frames_are_probabilities_and_the_others_empty(people):
    _, found = people
    scores = found.scores[found.tracks[0].number]
    for rows in (scores.pretrained, scores.mlp):
        assert np.allclose(rows[scores.seen].sum(1), 1, atol=1e-4)
        assert not rows[~scores.seen].any()
    assert scores.mlp[:, OTHER].max() < 1e-6  # no example of "other" was ever shown
    assert np.abs(scores.valence_arousal).max() <= 1
    assert scores.units.min() >= 0 and scores.units.max() <= 1
    assert set(scores.stand_ins) == {"expression", "dimensions", "units"}


def test_progress_rises_to_the_end(people):
    events, found = people
    shares = [event.done for event in events]
    assert shares == sorted(shares) and len(shares) > 2
    assert set(found.seconds) >= {"decode", "track", "encode"}


def test_a_smile_raises_the_lip_corners_and_the_valence():
    found = list(analyse(EXAMPLES / "smile.mp4", models.load()))[-1]
    assert isinstance(found, Analysis)
    scores = found.scores[found.tracks[0].number]
    rows = np.flatnonzero(scores.seen)
    lip_corner = scores.units[rows, 6]
    high, low = rows[lip_corner.argmax()], rows[lip_corner.argmin()]
    assert lip_corner.max() - lip_corner.min() > 0.3
    assert scores.valence_arousal[high, 0] > scores.valence_arousal[low, 0]


def test_torch_is_left_as_it_was_between_events():
    for event in analyse(EXAMPLES / "smile.mp4", models.load(), cancelled=lambda: True):
        assert not torch.is_inference_mode_enabled() and torch.is_grad_enabled(), event


def test_what_the_header_told_is_told_once(tmp_path):
    with av.open(EXAMPLES / "smile.mp4") as file, av.open(tmp_path / "titled.mp4", "w") as out:
        out.metadata["title"] = "a smile"
        stream = out.add_stream_from_template(file.streams.video[0])
        for packet in file.demux(file.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    found = list(analyse(tmp_path / "titled.mp4", models.load(), cancelled=lambda: True))[-1]
    assert isinstance(found, Analysis)
    assert [notice.code for notice in found.notices] == ["metadata-text"]


def test_cancelled_after_the_first_batch_what_was_read_is_the_result():
    path = EXAMPLES / "smile.mp4"
    found = list(analyse(path, models.load(), Settings(batch=16), cancelled=lambda: True))[-1]
    assert isinstance(found, Analysis)
    assert found.frames == 16


def test_frames_that_the_tracker_left_out_are_read_too(people):
    _, found = people
    for track in found.tracks:
        assert found.scores[track.number].seen[track.frames].mean() > 0.95


def test_landmarks_are_measured_in_every_fifth_frame(monkeypatch):
    asked = []
    measure = landmarks.measure

    def counted(pairs, **more):
        asked.append(len(pairs))
        return measure(pairs, **more)

    monkeypatch.setattr(landmarks, "measure", counted)
    found = list(analyse(EXAMPLES / "smile.mp4", models.load(), Settings(geometry_every=5)))[-1]
    assert isinstance(found, Analysis)
    assert sum(asked) == pytest.approx(found.frames / 5, abs=1)
    assert found.scores[found.tracks[0].number].units_second is not None


def test_a_place_after_the_last_measured_one_is_not_a_sighting(monkeypatch):
    """The tracker expects a face in a frame that it leaves out; should it never return, that was no face."""
    found = list(analyse(EXAMPLES / "smile.mp4", models.load(), Settings(geometry_every=0)))[-1]
    assert isinstance(found, Analysis)
    track = found.tracks[0]
    rows = Rows(list(range(4)), [torch.zeros(512).half()] * 4, [torch.zeros(7)] * 4)
    short = replace(track, times=track.times[:3], frames=np.arange(3), boxes=track.boxes[:3])
    scores = _scores(short, rows, np.arange(5) / 25, models.load())
    assert scores.seen.tolist() == [True] * 3 + [False] * 2
    assert not scores.pretrained[3:].any()


def test_the_main_person_is_the_first_of_the_scores(people):
    _, found = people
    heights = {t.number: float((t.boxes[:, 3] - t.boxes[:, 1]).sum()) for t in found.tracks}
    assert next(iter(found.scores)) == found.tracks[0].number == max(heights, key=lambda n: heights[n])
