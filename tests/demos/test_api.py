"""Every function of a tab is an endpoint and an MCP tool with a description; asked of the running app."""

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from core.camouflage.options import PRESETS as PRESETS_OF_SEARCH
from core.camouflage.pattern import Pattern, Shape
from core.settings import ROOT
from demos.camouflage.words import PRESETS
from tests.serving import Server

TOOLS = {
    "find_camouflage", "paint_camouflage", "list_camouflage_models",
    "analyse_video", "decide_video", "list_video_models", "personalize_read", "list_personalize_models",
    "attack_with_patch", "list_patch_models",
}  # fmt: skip
FILES = ["painted.png", "recipe.pdf", "recipe.png", "transfer.png", "pattern.json", "report.json"]
PHOTO = ROOT / "demos" / "examples" / "faces" / "person-a_frontal.jpg"
PATTERN = Pattern((Shape("stripe", 0.0, 0.4, 2.0, 0.5, 20.0, "black"),)).to_json()


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    return Client(server.url, verbose=False)


def tools(server: Server) -> dict[str, dict[str, Any]]:
    with urllib.request.urlopen(f"{server.url}/gradio_api/mcp/schema", timeout=30) as reply:
        return {tool["name"]: tool for tool in json.load(reply)}


def test_the_tools_are_listed_with_words_for_every_argument(server: Server) -> None:
    listed = tools(server)
    assert set(listed) == TOOLS
    for tool in listed.values():
        assert len(tool["description"]) > 60
        for argument in tool["inputSchema"].get("properties", {}).values():
            assert len(argument["description"]) > 5
            assert argument.get("type")
    assert listed["find_camouflage"]["inputSchema"]["required"] == ["photo"]
    for words in PRESETS.values():  # the times that the screen tells
        assert re.search(r"\d+ (seconds|minutes)", words)[0] in listed["find_camouflage"]["description"]
    assert set(listed["paint_camouflage"]["inputSchema"]["required"]) == {"photo", "pattern"}


def test_programs_see_the_same_endpoints(client: Client) -> None:
    named = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert {name.strip("/") for name in named} == TOOLS


def test_the_models_are_told_with_their_terms(client: Client) -> None:
    models = [m for m in client.predict(api_name="/list_camouflage_models") if "name" in m]
    assert {"dlib-resnet", "mobilefacenet-ms1m", "edgeface-s"} <= {model["name"] for model in models}
    assert all(model["licence"] and model["training_data"] for model in models)
    assert next(model for model in models if model["name"] == "dlib-resnet")["present"]


def test_a_program_paints_a_pattern_and_gets_the_report(client: Client) -> None:
    painted, files, report = client.predict(handle_file(PHOTO), PATTERN, api_name="/paint_camouflage")
    assert str(painted).endswith("painted.png")
    assert [Path(str(path)).name for path in files] == FILES
    assert report["recognisers"]
    assert all(one["band"]["patterns"] == 20 for one in report["recognisers"])
    assert json.dumps(report["pattern"]["shapes"]) == json.dumps(json.loads(PATTERN)["shapes"])
    assert report["verdict"]
    assert 0 < report["area"] < 1


def test_a_program_searches_and_learns_who_took_part_and_who_only_judged(client: Client, weight) -> None:
    for name in PRESETS_OF_SEARCH["quick"].optimise_on:
        weight(name)
    more = [handle_file(PHOTO.with_name(f"person-{other}_frontal.jpg")) for other in "bc"]
    painted, files, report = client.predict(handle_file(PHOTO), more, "quick", 3, api_name="/find_camouflage")
    assert str(painted).endswith("painted.png")
    assert len(files) == len(FILES)
    roles = {one["name"]: one["role"] for one in report["recognisers"]}
    assert all(roles[name] == "optimised" for name in PRESETS_OF_SEARCH["quick"].optimise_on)
    assert report["options"]["seed"] == 3
    assert report["transfer"]["rows"][:3] == ["clean", "random", "this pattern"]
    assert report["recognisers"][0]["comparisons"] == 2  # the third photo only tests, against the two others
    assert report["verdict"]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [("{", "no pattern file"), ("no-such", "no ready-made pattern"), ("", "no ready-made pattern")],
)
def test_a_program_gets_a_sentence_for_a_wrong_pattern(client: Client, pattern: str, words: str) -> None:
    with pytest.raises(AppError, match=words):
        client.predict(handle_file(PHOTO), pattern, api_name="/paint_camouflage")


def test_a_program_gets_a_sentence_for_a_wrong_file(client: Client, tmp_path) -> None:
    path = tmp_path / "me.jpg"
    path.write_text("not a photo")
    with pytest.raises(AppError, match="JPEG, PNG or WEBP"):
        client.predict(handle_file(path), PATTERN, api_name="/paint_camouflage")


def test_files_of_the_server_cannot_be_named(server: Server) -> None:
    client = Client(server.url, verbose=False)
    secret = {"path": str(ROOT / "app.py"), "meta": {"_type": "gradio.FileData"}}
    with pytest.raises(AppError) as refused:
        client.predict(secret, PATTERN, api_name="/paint_camouflage")
    assert "getpass" not in str(refused.value)
    assert str(ROOT) not in str(refused.value)
