"""Several photos of one person at the app's door: some are searched on, some only test."""

import json
import re
from pathlib import Path

import pytest
from gradio_client import Client, handle_file

from core.settings import ROOT
from tests.demos.test_bad_input import answer, code, pictures, told
from tests.serving import Server

EXAMPLES = ROOT / "demos" / "examples" / "faces"


@pytest.fixture
def client(server: Server) -> Client:
    return Client(server.url, verbose=False)


def photo(name: str) -> Path:
    return EXAMPLES / f"person-{name}_frontal.jpg"


def add(client: Client, *paths: Path) -> str:
    job = client.submit([handle_file(path) for path in paths], api_name="/add_photos")
    job.result()
    return json.dumps(job.outputs())


def test_every_third_photo_only_tests_and_the_screen_says_which(client: Client) -> None:
    assert pictures(answer(client, photo("a")))
    added = add(client, photo("b"), photo("c"))
    roles = re.findall(r'"caption": "([^"]+)"', added)
    assert roles == ["searched", "searched", "only tests"]


def test_one_bad_photo_among_good_ones_is_told_and_the_others_are_taken(
    client: Client, tmp_path: Path
) -> None:
    letter = tmp_path / "letter.jpg"
    letter.write_text("dear reader")
    answer(client, photo("a"))
    added = add(client, photo("b"), letter)
    assert code(added) == "file-type"
    assert "This is a text file" in told(added)
    assert added.count('"caption"') == 2


def test_more_than_a_dozen_is_refused_in_words(client: Client) -> None:
    answer(client, photo("a"))
    added = add(client, *[photo("b")] * 12)
    assert code(added) == "option-range"
    assert "more than 12 photos" in told(added)


def test_more_photos_need_a_first_one(client: Client) -> None:
    added = add(client, photo("b"))
    assert "There is no photo yet. Choose an example or upload your own." in told(added)
