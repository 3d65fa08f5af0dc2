"""Whatever a visitor brings ends in a picture or in one sentence; asked as a program, of the running app."""

import html
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
from tests.core.faces.turning import turned
from tests.serving import Server

# Rows of UTKFace as a person looking at them sees them: heads turned far to the side, and frontal ones.
REAL = {175: True, 8: True, 537: True, 1439: True, 0: False, 2: False, 4: False}
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


def told(text: str) -> str:
    """The sentences in the page's panels as a person reads them, with what none of them may hold checked."""
    panels = re.findall(r"<div class=.{0,2}facet-panel.*?</div>", text)
    plain = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", panel)) for panel in panels)
    plain = re.sub(r"\s+", " ", plain).strip()
    assert not plain or plain.endswith(".")
    for internal in ("/", "\\\\", "Traceback", "Error", "None"):
        assert internal not in plain
    return plain


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
    answered = answer(client, path)
    assert code(answered) == "file-type"
    assert "This is a text file" in told(answered)
    assert "Upload a JPEG, PNG or WEBP picture." in told(answered)


def test_a_hundred_megapixels(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    path.write_bytes(png_of_nothing(10_000))
    answered = answer(client, path)
    assert code(answered) == "image-too-large"
    assert "10000 x 10000 pixels" in told(answered)
    assert "Make it smaller" in told(answered)


def test_an_interrupted_download(client: Client, tmp_path: Path) -> None:
    whole = (EXAMPLES / "person-a_frontal.jpg").read_bytes()
    path = tmp_path / "half.jpg"
    path.write_bytes(whole[: len(whole) // 2])
    answered = answer(client, path)
    assert code(answered) == "file-unreadable"
    assert "its download or upload was interrupted" in told(answered)
    assert "once more" in told(answered)


def test_an_empty_file(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "empty.jpg"
    path.write_bytes(b"")
    answered = answer(client, path)
    assert code(answered) == "file-unreadable"
    assert "The file is empty." in told(answered)


def test_no_face(client: Client, saved: Callable[..., Path]) -> None:
    slope = np.linspace(90, 200, 640).astype(np.uint8)
    landscape = np.dstack([np.tile(slope, (480, 1))] * 3)
    answered = answer(client, saved(landscape))
    assert code(answered) == "no-face"
    assert told(answered).endswith(
        "No face was found in this photo. "
        "Choose a photo in which a face looks towards the camera, upright and well lit."
    )


def test_a_cartoon(client: Client, saved: Callable[..., Path]) -> None:
    drawing = np.full((400, 400, 3), 255, np.uint8)
    cv2.circle(drawing, (200, 200), 150, (255, 210, 80), -1)
    for x in (145, 255):
        cv2.circle(drawing, (x, 165), 18, (0, 0, 0), -1)
    cv2.ellipse(drawing, (200, 240), (70, 45), 0, 0, 180, (0, 0, 0), 8)
    answered = answer(client, saved(drawing))
    assert code(answered) == "no-face"
    assert "Choose a photo" in told(answered)


def test_a_face_of_forty_pixels_is_taken_with_advice(client: Client, saved: Callable[..., Path]) -> None:
    small = cv2.resize(person(), (68, 68), interpolation=cv2.INTER_AREA)  # the face is 41 px wide
    scene = np.full((480, 640, 3), 128, np.uint8)
    scene[200:268, 280:348] = small
    answered = answer(client, saved(scene))
    assert pictures(answered)
    assert re.search(r"The face is small \(\d+ pixels between the eyes\).* a larger photo", told(answered))


def test_what_is_too_small_to_be_measured_is_told_from_nothing(client: Client, saved) -> None:
    scene = np.full((480, 640, 3), 128, np.uint8)
    scene[200:221, 280:301] = cv2.resize(person("d"), (21, 21), interpolation=cv2.INTER_AREA)
    answered = answer(client, saved(scene))
    assert code(answered) == "no-face"
    assert "too small or too unclear" in told(answered)
    assert "at least 40 pixels wide" in told(answered)


def test_a_grey_photo_is_taken_with_advice(client: Client, saved: Callable[..., Path]) -> None:
    grey = np.repeat(cv2.cvtColor(person(), cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    answered = answer(client, saved(grey))
    assert pictures(answered)
    assert "black and white" in told(answered)


def test_sunglasses_are_noticed(client: Client, saved: Callable[..., Path]) -> None:
    from core import faces

    photo = person().copy()
    eyes = faces.find(photo)[0].five[:2]
    for x, y in eyes:
        cv2.ellipse(photo, (int(x), int(y)), (46, 34), 0, 0, 360, (12, 12, 14), -1, cv2.LINE_AA)
    cv2.line(photo, *(tuple(int(v) for v in eye) for eye in eyes), (12, 12, 14), 8)
    answered = answer(client, saved(photo))
    assert pictures(answered)
    assert "Dark glasses seem to hide the eyes" in told(answered)


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_profile_is_taken_with_advice(client: Client, saved: Callable[..., Path], mirrored: bool) -> None:
    from core import faces

    photo = person("d")
    face = faces.find(photo)[0]

    def shown(degrees: float) -> str:
        picture = turned(photo, face, degrees)
        answered = answer(client, saved(np.ascontiguousarray(picture[:, ::-1]) if mirrored else picture))
        assert pictures(answered)
        return told(answered)

    assert "turned far to the side" in shown(60)
    assert "looks towards the camera" in shown(60)
    assert "turned" not in shown(15)


@pytest.mark.data
def test_profiles_of_real_people_are_taken_with_advice(client: Client, saved, data_dir: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    encoded = parquet.read_table(data_dir / "attributes" / "utkface_4000.parquet", columns=["image"])["image"]
    for row, far in REAL.items():
        photo = np.asarray(PIL.Image.open(io.BytesIO(encoded[row].as_py())).convert("RGB"))
        answered = answer(client, saved(photo))
        assert pictures(answered), row
        assert ("turned far to the side" in told(answered)) is far, row


def test_several_people_are_asked_about(client: Client, saved: Callable[..., Path]) -> None:
    answered = answer(client, saved(np.concatenate([person("a"), person("b")], 1)))
    assert "Person 1" in answered
    assert "Person 2" in answered
    assert "2 faces were found; choose the one that is meant." in told(answered)
    chosen = json.dumps(client.predict(1, api_name="/choose_person"))
    assert pictures(chosen)


def test_what_is_no_photo_leaves_the_last_one_in_place(client: Client, saved, tmp_path: Path) -> None:
    assert pictures(answer(client, saved(person("c"))))
    path = tmp_path / "me.jpg"
    path.write_text("not a photo")
    answered = answer(client, path)
    assert code(answered) == "file-type"
    assert pictures(answered)


def exif_with_gps() -> PIL.Image.Exif:
    exif = PIL.Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825).update({1: "N", 2: (51.0, 28.0, 40.0), 3: "W", 4: (0.0, 0.0, 5.0)})
    return exif


def test_gps_is_told_and_served_to_nobody(client: Client, server: Server, saved) -> None:
    path = saved(person("d"), "gps.jpg", exif=exif_with_gps())
    assert b"SecretCamera" in path.read_bytes()
    answered = answer(client, path)
    assert "GPS" in told(answered)
    assert pictures(answered)
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
    forgotten = told(json.dumps(one.predict(api_name="/forget_my_images")))
    assert "1 image in memory" in forgotten
    assert f"{len(of_one)} file" in forgotten
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
