"""The tools as an agent calls them: over MCP's streamable HTTP, with photos by address."""

import base64
import io
import re
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import httpx
import PIL.Image
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

from core.camouflage.pattern import Pattern, Shape
from core.settings import ROOT
from demos.addresses import uploaded
from tests.serving import Server

PHOTO = ROOT / "demos" / "examples" / "faces" / "person-a_frontal.jpg"
STRIPE = Pattern((Shape("stripe", 0.0, 0.4, 2.0, 0.5, 20.0, "black"),)).to_json()


def ask(server: Server, tool: str = "", *, watched: bool = False, **arguments: Any) -> Any:
    """The answer of one tool, or the list of tools; ``watched`` asks for progress as some clients do."""
    seen: list[float] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        seen.append(done)

    async def talk() -> Any:
        async with (
            streamablehttp_client(f"{server.url}/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            if not tool:
                return (await session.list_tools()).tools
            return await session.call_tool(tool, arguments, progress_callback=progress if watched else None)

    with ThreadPoolExecutor(1) as apart:  # the browser tests leave a loop running in the main thread
        answered = apart.submit(anyio.run, talk).result()
    assert bool(seen) is watched
    return answered


def words(answer: Any) -> str:
    return " ".join(part.text for part in answer.content if part.type == "text")


def upload(server: Server, path: Path) -> str:
    """The address of a photo after an upload, made as gradio's own upload tool makes it."""
    with path.open("rb") as file:
        stored = (
            httpx.post(f"{server.url}/gradio_api/upload", files={"files": file}).raise_for_status().json()
        )
    return f"{server.url}/gradio_api/file={stored[0]}"


def data(path: Path) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(path.read_bytes()).decode()


def test_an_agent_reads_how_to_give_a_photo_and_where_pattern_names_come_from(server: Server) -> None:
    tools = {tool.name: tool for tool in ask(server)}
    assert set(tools) >= {"find_camouflage", "paint_camouflage", "list_camouflage_models"}
    for name in ("find_camouflage", "paint_camouflage"):
        assert "largest face" in tools[name].description
        photo = tools[name].inputSchema["properties"]["photo"]
        assert photo["type"] == "string"
        assert "upload to this server, public http(s), or data:" in photo["description"]
    assert (
        "list_camouflage_models"
        in tools["paint_camouflage"].inputSchema["properties"]["pattern"]["description"]
    )
    assert "no promise" in tools["find_camouflage"].description


def test_an_agent_lists_models_and_patterns(server: Server) -> None:
    answer = ask(server, "list_camouflage_models")
    assert not answer.isError
    assert words(answer).startswith("[{")
    for part in ("dlib-resnet", "public domain", "FaceScrub", "universal-a"):
        assert part in words(answer)


def test_an_agent_paints_a_photo_that_it_uploaded(server: Server) -> None:
    answer = ask(server, "paint_camouflage", photo=upload(server, PHOTO), pattern="universal-a")
    assert not answer.isError, words(answer)
    assert "recognisers mostly reject" in words(answer) or "No success" in words(answer)
    address = re.search(r"http://[^'\" ]+painted\.png", words(answer))
    assert address is not None
    with urllib.request.urlopen(address[0], timeout=30) as reply:
        painted = PIL.Image.open(io.BytesIO(reply.read()))
    assert painted.size == PIL.Image.open(PHOTO).size
    assert not painted.getexif()


def test_an_agent_that_watches_progress_gets_the_picture_itself(server: Server) -> None:
    answer = ask(server, "paint_camouflage", watched=True, photo=data(PHOTO), pattern=STRIPE)
    assert not answer.isError, words(answer)
    pictures = [part for part in answer.content if part.type == "image"]
    assert len(pictures) == 1
    painted = PIL.Image.open(io.BytesIO(base64.b64decode(pictures[0].data)))
    assert painted.size == PIL.Image.open(PHOTO).size
    assert "recipe.pdf" in words(answer)


@pytest.mark.parametrize(
    ("photo", "pattern", "told"),
    [
        ("data:image/jpeg;base64,aGVsbG8gdGhlcmU=", STRIPE, "This is a text file, not a JPEG, PNG or WEBP"),
        (None, "no-such", "There is no ready-made pattern of this name. Choose one of:"),
        ("{server}/gradio_api/file=/etc/passwd", STRIPE, "could not be fetched from this address"),
        ("http://169.254.169.254/latest/meta-data", STRIPE, "could not be fetched from this address"),
    ],
)
def test_an_agents_mistake_is_a_sentence(server: Server, photo: str | None, pattern: str, told: str) -> None:
    given = data(PHOTO) if photo is None else photo.format(server=server.url)
    answer = ask(server, "paint_camouflage", photo=given, pattern=pattern)
    assert answer.isError
    assert told in words(answer)
    assert str(ROOT) not in words(answer)
    assert "Traceback" not in words(answer)


def test_only_uploads_are_taken_by_their_own_address(tmp_path: Path) -> None:
    inside = tmp_path / "up" / "my photo.jpg"
    inside.parent.mkdir()
    inside.write_bytes(b"x")
    (tmp_path / "secret.jpg").write_bytes(b"x")
    folder, server = inside.parent, "http://127.0.0.1:7860/gradio_api"
    assert uploaded(f"{server}/file={folder}/my%20photo.jpg", folder) == str(inside)
    for other in (
        f"{server}/file={tmp_path}/secret.jpg",
        f"{server}/file={folder}/../secret.jpg",
        f"{server}/file={folder}/gone.jpg",
        f"{server}/file={folder}",
        f"ftp://host/file={inside}",
        f"http://host/?x=/file={inside}",
        str(inside),
        None,
    ):
        assert uploaded(other, folder) is None
