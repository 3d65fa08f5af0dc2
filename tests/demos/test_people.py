"""What visitors and programs bring of a person, asked of the running app."""

import csv
import json
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from core.settings import ROOT
from demos.abaw.examples import FOLDER
from tests.demos.made_clips import SECRET, people
from tests.demos.test_bad_input import code, told
from tests.demos.test_clips import BAD
from tests.serving import Server

CLIP = FOLDER / "smile.mp4"
PHOTO = ROOT / "demos" / "examples" / "faces" / "person-b_smile.jpg"
PAIN = "a face in pain\na calm face"
NEEDED = ("facet-image-text", "facet-expression", "vit-s14", "minilm-l6", "dlib-resnet")


@pytest.fixture
def client(server: Server) -> Client:
    return Client(server.url, verbose=False)


def answer(client: Client, *paths: Path) -> str:
    """All that the page would show after these uploads, one update after the other."""
    job = client.submit([handle_file(path) for path in paths], api_name="/add_clips")
    job.result()
    return json.dumps(job.outputs())


def test_clips_and_photos_are_listed_and_their_raw_uploads_are_gone(client: Client, server, tmp_path) -> None:
    text = answer(client, people(tmp_path / "me.mp4"), PHOTO, PHOTO.with_name("person-b_left.jpg"))
    assert "<b>me</b> <span>3.0 s, not read yet</span>" in text
    assert "<b>photos</b> <span>2 photos, not read yet</span>" in text
    assert code(text) is None
    kept = [path for path in server.uploads.rglob("*.mp4") if path.is_file()]
    assert kept and not any(SECRET.encode() in path.read_bytes() for path in kept)


@pytest.mark.parametrize("kind", ["letter", "empty", "sound", "stump"])
def test_what_is_no_clip_is_told_and_deleted_and_the_others_stay(
    client: Client, server: Server, tmp_path, kind: str
) -> None:
    path = BAD[kind](tmp_path)
    text = answer(client, path, people(tmp_path / "me.mp4"))
    assert code(text) in {"file-type", "file-unreadable", "no-video"}
    assert len(told(text)) > 20 and str(ROOT) not in told(text)
    assert "<b>me</b>" in text
    assert not list(server.uploads.rglob(path.name))


def test_people_of_a_visitor_are_chosen_by_name_and_forgotten(client: Client, tmp_path) -> None:
    answer(client, people(tmp_path / "me.mp4"))
    job = client.submit("Anna", api_name="/turn_to_person")
    job.result()
    text = json.dumps(job.outputs())
    assert "Anna" in text and "Person 1" in text and "<b>me</b>" not in text
    job = client.submit("x" * 50, api_name="/turn_to_person")
    job.result()
    assert "1 to 40 characters" in json.dumps(job.outputs())
    back = json.dumps(client.predict("Person 1", api_name="/turn_to_person"))
    assert "<b>me</b>" in back
    gone = json.dumps(client.predict(api_name="/forget_person"))
    assert "<b>me</b>" not in gone
    other = Client(str(client.src), verbose=False)
    assert "<b>me</b>" not in json.dumps(other.predict("Person 1", api_name="/turn_to_person"))


def test_a_forgotten_person_leaves_no_file(client: Client, server: Server, tmp_path) -> None:
    before = set(server.uploads.rglob("*.mp4"))
    answer(client, people(tmp_path / "me.mp4"), people(tmp_path / "too.mp4", ("smile",)))
    assert len(set(server.uploads.rglob("*.mp4")) - before) == 4  # each where it was put, and in the session
    client.predict(1, api_name="/take_away")
    assert len(set(server.uploads.rglob("*.mp4")) - before) == 2
    client.predict(api_name="/forget_person")
    assert not set(server.uploads.rglob("*.mp4")) - before


def test_a_photo_is_known_by_its_content(client: Client, tmp_path) -> None:
    nameless = tmp_path / "nameless"
    nameless.write_bytes(PHOTO.read_bytes())
    broken = tmp_path / "broken.jpg"
    broken.write_text("dear reader")
    text = answer(client, nameless, broken)
    assert "<b>photos</b> <span>1 photo, not read yet</span>" in text
    assert "JPEG, PNG or WEBP" in told(text)


def test_a_program_reads_clips_and_goes_on_from_the_cache(client: Client, weight) -> None:
    for name in NEEDED:
        weight(name)
    clips = [handle_file(CLIP), handle_file(PHOTO)]
    files, report = client.predict(clips, api_name="/personalize_read")
    assert [Path(str(path)).suffix for path in files] == [".safetensors", ".csv", ".json"]
    assert [clip["clip"] for clip in report["clips"]] == ["smile", "photos"]
    frames = sum(clip["frames"] for clip in report["clips"])
    assert report["counts"]["frames"] == frames > 30
    assert report["counts"]["kept"]["positive"] > 0
    assert not report["began_with_a_saved_cache"]
    assert report["weights"]["facet-image-text"]
    with Path(str(files[1])).open() as table:
        assert len(list(csv.DictReader(table))) == frames
    _, later = client.predict(clips[1:], "", "ours", handle_file(str(files[0])), api_name="/personalize_read")
    assert later["began_with_a_saved_cache"]
    with pytest.raises(AppError, match="other classes"):
        client.predict(clips[1:], PAIN, "ours", handle_file(str(files[0])), api_name="/personalize_read")


def test_a_program_asks_its_own_question(client: Client, weight) -> None:
    for name in NEEDED:
        weight(name)
    _, report = client.predict([handle_file(PHOTO)], PAIN, "June 2026", api_name="/personalize_read")
    assert report["classes"] == ["face in pain", "calm face"]
    assert report["prompts"] == PAIN.splitlines()
    assert report["options"]["scope"] == "video"
    assert report["counts"]["gates"]["prototype"]["asked"] == 0
    assert report["clips"][0]["answer"] in report["classes"]


@pytest.mark.parametrize(
    ("prompts", "preset", "told"),
    [("one", "ours", "2 to 10 classes"), ("", "May 2026", "no such preset"), ("", "ours", "not a video")],
)
def test_a_program_gets_a_sentence(client: Client, tmp_path, prompts: str, preset: str, told: str) -> None:
    with pytest.raises(AppError, match=told):
        client.predict([handle_file(BAD["letter"](tmp_path))], prompts, preset, api_name="/personalize_read")


def test_a_program_without_a_clip_gets_a_sentence(client: Client) -> None:
    with pytest.raises(AppError, match="no clip"):
        client.predict([], api_name="/personalize_read")


def test_the_models_are_told_with_their_terms(client: Client) -> None:
    models = client.predict(api_name="/list_personalize_models")
    assert {"facet-image-text", "minilm-l6", "vit-s14"} <= {model["name"] for model in models}
    assert all(model["licence"] and model["training_data"] for model in models)
