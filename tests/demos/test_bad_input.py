"""Whatever a visitor brings ends in a picture or in one sentence; asked as a program, of the running app."""

import io
import json
import re
import urllib.request
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytest
from gradio_client import Client, handle_file

from core.settings import ROOT
from core.types import Pixels
from tests.serving import Server

EXAMPLES = ROOT / "demos" / "examples" / "faces"


def person(name: str = "a") -> Pixels:
    return np.asarray(PIL.Image.open(EXAMPLES / f"person-{name}_frontal.jpg").convert("RGB"))


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    return Client(server.url, verbose=False)


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    def save(pixels: Pixels, name: str = "photo.png", **settings: Any) -> Path:
        PIL.Image.fromarray(pixels).save(tmp_path / name, **settings)
        return tmp_path / name

    return save


def answer(client: Client, path: Path) -> str:
    """All that the page would show after this upload, one update after the other."""
    job = client.submit(handle_file(path), api_name="/choose_photo")
    job.result()
    return json.dumps(job.outputs())


def code(text: str) -> str | None:
    found = re.search(r"data-code=\\\"([a-z-]+)", text)
    return found.group(1) if found else None


def pictures(text: str) -> list[str]:
    return re.findall(r'"(/[^"]*photo\.webp)"', text)


def png_of_nothing(side: int) -> bytes:
    """A small file whose header promises side x side pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = side.to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    rows = zlib.compress(bytes(side + 1) * side, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_text_file_named_jpg(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "me.jpg"
    path.write_text("this is a letter, not a photo")
    assert code(answer(client, path)) == "file-type"


def test_a_hundred_megapixels(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    path.write_bytes(png_of_nothing(10_000))
    told = answer(client, path)
    assert code(told) == "image-too-large"
    assert "10000 x 10000" in told


def test_an_interrupted_download(client: Client, tmp_path: Path) -> None:
    whole = (EXAMPLES / "person-a_frontal.jpg").read_bytes()
    path = tmp_path / "half.jpg"
    path.write_bytes(whole[: len(whole) // 2])
    assert code(answer(client, path)) == "file-unreadable"


def test_an_empty_file(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "empty.jpg"
    path.write_bytes(b"")
    assert code(answer(client, path)) in ("file-type", "file-unreadable")


def test_no_face(client: Client, saved: Callable[..., Path]) -> None:
    slope = np.linspace(90, 200, 640).astype(np.uint8)
    landscape = np.dstack([np.tile(slope, (480, 1))] * 3)
    assert code(answer(client, saved(landscape))) == "no-face"


def test_a_cartoon_ends_in_a_picture_or_a_sentence(client: Client, saved: Callable[..., Path]) -> None:
    drawing = np.full((400, 400, 3), 255, np.uint8)
    cv2.circle(drawing, (200, 200), 150, (255, 210, 80), -1)
    for x in (145, 255):
        cv2.circle(drawing, (x, 165), 18, (0, 0, 0), -1)
    cv2.ellipse(drawing, (200, 240), (70, 45), 0, 0, 180, (0, 0, 0), 8)
    told = answer(client, saved(drawing))
    assert code(told) == "no-face" or pictures(told)


def test_a_face_of_forty_pixels_is_taken_with_advice(client: Client, saved: Callable[..., Path]) -> None:
    small = cv2.resize(person(), (80, 80), interpolation=cv2.INTER_AREA)  # the face fills half of it
    scene = np.full((480, 640, 3), 128, np.uint8)
    scene[200:280, 280:360] = small
    told = answer(client, saved(scene))
    assert code(told) == "no-face" or "small" in told


def test_a_grey_photo_is_taken_with_advice(client: Client, saved: Callable[..., Path]) -> None:
    grey = np.repeat(cv2.cvtColor(person(), cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    told = answer(client, saved(grey))
    assert pictures(told)
    assert "black and white" in told


def test_sunglasses_are_noticed(client: Client, saved: Callable[..., Path]) -> None:
    from core import faces

    photo = person().copy()
    eyes = faces.find(photo)[0].five[:2]
    for x, y in eyes:
        cv2.ellipse(photo, (int(x), int(y)), (46, 34), 0, 0, 360, (12, 12, 14), -1, cv2.LINE_AA)
    cv2.line(photo, *(tuple(int(v) for v in eye) for eye in eyes), (12, 12, 14), 8)
    told = answer(client, saved(photo))
    assert code(told) == "no-face" or "glasses" in told


def test_a_head_turned_far_is_taken_with_advice(client: Client, saved: Callable[..., Path]) -> None:
    photo = person()
    narrow = cv2.resize(photo, (photo.shape[1] // 3, photo.shape[0]))  # no profile is drawn; squeezed so
    told = answer(client, saved(narrow))
    assert code(told) == "no-face" or pictures(told)


def test_several_people_are_asked_about(client: Client, saved: Callable[..., Path]) -> None:
    told = answer(client, saved(np.concatenate([person("a"), person("b")], 1)))
    assert "Person 1" in told
    assert "Person 2" in told
    assert "2 faces were found" in told
    chosen = json.dumps(client.predict(1, api_name="/choose_person"))
    assert pictures(chosen)


def test_what_is_no_photo_leaves_the_last_one_in_place(client: Client, saved, tmp_path: Path) -> None:
    assert pictures(answer(client, saved(person("c"))))
    path = tmp_path / "me.jpg"
    path.write_text("not a photo")
    told = answer(client, path)
    assert code(told) == "file-type"
    assert pictures(told)


def exif_with_gps() -> PIL.Image.Exif:
    exif = PIL.Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825).update({1: "N", 2: (51.0, 28.0, 40.0), 3: "W", 4: (0.0, 0.0, 5.0)})
    return exif


def test_gps_is_told_and_served_to_nobody(client: Client, server: Server, saved) -> None:
    path = saved(person("d"), "gps.jpg", exif=exif_with_gps())
    assert b"SecretCamera" in path.read_bytes()
    told = answer(client, path)
    assert "GPS" in told
    assert pictures(told)
    files = [p for p in server.uploads.rglob("*") if p.is_file()]
    assert files
    for stored in files:
        assert b"SecretCamera" not in stored.read_bytes(), "the raw upload is still there"


def fetch(server: Server, path: str) -> int:
    try:
        with urllib.request.urlopen(f"{server.url}/gradio_api/file={path}", timeout=20) as reply:
            PIL.Image.open(io.BytesIO(reply.read())).verify()
            return int(reply.status)
    except urllib.error.HTTPError as refused:
        return int(refused.code)


def stored(server: Server) -> set[str]:
    return {str(p) for p in server.uploads.rglob("*") if p.is_file()}


def test_two_clients_never_meet(server: Server, saved) -> None:
    one, two = Client(server.url, verbose=False), Client(server.url, verbose=False)
    before = stored(server)
    answer(one, saved(person("a"), "one.png"))
    of_one = stored(server) - before
    answer(two, saved(person("b"), "two.png"))
    of_two = stored(server) - before - of_one
    assert of_one
    assert of_two
    assert not {Path(p).parts[-3] for p in of_one} & {Path(p).parts[-3] for p in of_two if "facet-" in p}
    for path in of_one | of_two:
        assert fetch(server, path) == 200
    told = json.dumps(one.predict(api_name="/forget_my_images"))
    assert "1 image in memory" in told
    assert f"{len(of_one)} file" in told
    assert stored(server) & of_one == set()
    assert of_two <= stored(server)
    for path in of_one:
        assert fetch(server, path) in (403, 404)
    assert "nothing of yours" in json.dumps(one.predict(api_name="/forget_my_images"))
    assert "1 image in memory" in json.dumps(two.predict(api_name="/forget_my_images"))


def test_two_people_send_the_same_file_at_once(server: Server, saved) -> None:
    path = saved(person("c"), "same.png")
    clients = [Client(server.url, verbose=False) for _ in range(2)]
    jobs = [one.submit(handle_file(path), api_name="/choose_photo") for one in clients]
    for job in jobs:
        assert pictures(json.dumps(job.result()))


def test_no_path_of_the_server_is_told(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "me.jpg"
    path.write_text("not a photo")
    sentence = re.search(r"data-code=.*?</div>", answer(client, path))
    assert sentence is not None
    assert "/tmp" not in sentence.group(0)
    assert "Traceback" not in sentence.group(0)
