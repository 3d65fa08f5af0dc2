"""Whatever clip a visitor brings ends in a sentence, and leaves nothing behind; asked of the running app."""

import json
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from core.settings import ROOT
from demos.abaw.score_file import pack
from tests.demos.clip_scores import clip_scores
from tests.demos.made_clips import SECRET, people
from tests.demos.test_bad_input import code, told
from tests.serving import Server


@pytest.fixture
def client(server: Server) -> Client:
    return Client(server.url, verbose=False)


def answer(client: Client, path: Path) -> str:
    """All that the page would show after this upload, one update after the other."""
    job = client.submit(handle_file(path), api_name="/choose_clip")
    job.result()
    return json.dumps(job.outputs())


def test_a_clip_is_described_and_its_raw_upload_is_gone(client: Client, server: Server, tmp_path) -> None:
    text = answer(client, people(tmp_path / "me.mp4"))
    assert "512 \\u00d7 256 pixels, 3.0 s, 25 frames a second, with sound" in text
    assert code(text) is None
    kept = [path for path in server.uploads.rglob("*.mp4") if path.is_file()]
    assert kept
    assert not any(SECRET.encode() in path.read_bytes() for path in kept)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def sound_only(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000)
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        samples.sample_rate = 48000
        resampled = av.AudioResampler(stream.format, stream.layout, 48000).resample(samples)
        for part in resampled:
            container.mux(stream.encode(part))
        container.mux(stream.encode())
    return path


def cut_short(path: Path) -> Path:
    whole = people(path.with_name("whole.mp4")).read_bytes()
    return written(path, whole[: len(whole) // 8])


BAD: dict[str, Callable[[Path], Path]] = {
    "letter": lambda folder: written(folder / "letter.mp4", b"dear reader"),
    "empty": lambda folder: written(folder / "empty.mp4", b""),
    "photo": lambda folder: written(
        folder / "photo.mp4", (ROOT / "demos/examples/faces/person-a_frontal.jpg").read_bytes()
    ),
    "sound": lambda folder: sound_only(folder / "sound.mp4"),
    "stump": lambda folder: cut_short(folder / "stump.mp4"),
    "playlist": lambda folder: written(folder / "list.m3u8", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_clip_is_told_and_deleted(client: Client, server: Server, tmp_path, kind: str) -> None:
    path = BAD[kind](tmp_path)
    text = answer(client, path)
    assert code(text) in {"file-type", "file-unreadable", "no-video"}
    sentence = told(text)
    assert len(sentence) > 20
    assert str(ROOT) not in sentence
    assert not list(server.uploads.rglob(path.name))


def test_a_program_decides_anew_from_a_file_of_scores(client: Client, tmp_path) -> None:
    path = written(tmp_path / "scores.npz", pack({0: clip_scores(gap=False)}))
    table, report = client.predict(handle_file(path), '{"confidence": 0}', api_name="/decide_video")
    rows = Path(table).read_text().splitlines()
    assert len(rows) == 201
    assert all(",pretrained," in row for row in rows[1:])
    assert report["options"]["confidence"] == 0
    assert report["stand_ins"]
    assert sum(report["shares"].values()) == pytest.approx(1)


WRONG = {"{": "no JSON", '{"nose": 1}': "unknown option", '{"window": -1}': "out of range"}


@pytest.mark.parametrize("options", WRONG)
def test_a_program_gets_a_sentence_for_wrong_options(client: Client, tmp_path, options: str) -> None:
    path = written(tmp_path / "scores.npz", pack({0: clip_scores()}))
    with pytest.raises(AppError, match=WRONG[options]):
        client.predict(handle_file(path), options, api_name="/decide_video")


def test_a_program_gets_a_sentence_for_a_wrong_file(client: Client, tmp_path) -> None:
    with pytest.raises(AppError, match="no file of scores"):
        client.predict(handle_file(BAD["letter"](tmp_path)), "", api_name="/decide_video")
    with pytest.raises(AppError, match="not a video"):
        client.predict(handle_file(BAD["letter"](tmp_path)), api_name="/analyse_video")


def test_a_program_reads_a_clip_and_gets_all_files(client: Client, weight, tmp_path) -> None:
    for name in ("facet-expression", "facet-abaw-heads"):
        weight(name)
    files, report = client.predict(handle_file(people(tmp_path / "me.mp4")), api_name="/analyse_video")
    names = [Path(str(path)).name for path in files]
    assert names[0] == "clip.csv" and names[-2:] == ["clip-report.json", "scores.npz"]
    assert report["frames"] == 75
    assert report["people"] == [0, 1]
    assert report["heads"]["mlp"] and not report["heads"]["violence"]
    assert report["not_a_class"].startswith("Contempt")
    again, later = client.predict(handle_file(str(files[-1])), api_name="/decide_video")
    assert Path(again).read_text() == Path(str(files[0])).read_text()
    assert later["shares"] == report["shares"]
