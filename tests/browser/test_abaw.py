"""The video tab as a visitor uses it: real weights, a clip of synthetic people with sound, a real browser."""

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from tests.browser.visits import opened
from tests.demos.made_clips import people
from tests.serving import Server

pytestmark = pytest.mark.browser

LONG = 300_000  # ms; a test server may share its cores and fetch weights
NEEDED = ("facet-expression", "facet-abaw-heads", "dlib-resnet")
VIEWS, EACH = ("frontal", "smile", "frontal"), 25
FRAMES = len(VIEWS) * EACH


TAB = "Video, frame by frame", "Analyse the clip"


@pytest.fixture
def desk(chromium, server: Server) -> Iterator[object]:
    yield from opened(chromium, server, *TAB, 1280, 800)


@pytest.fixture
def phone(chromium, server: Server) -> Iterator[object]:
    yield from opened(chromium, server, *TAB, 390, 844, has_touch=True)


def bring(page, path: Path) -> None:
    page.locator("#abaw-clip input[type=file]").set_input_files(path)
    page.locator("#abaw-advice").get_by_text("frames a second").wait_for()


def analyse(page, weight) -> None:
    for name in NEEDED:
        weight(name)
    page.get_by_role("button", name="Analyse the clip").click()
    lane(page, "Final").wait_for(timeout=LONG)


def lane(page, name: str):
    return page.locator(f"#abaw-lanes [role=img][aria-label^='{name}:']")


def words(page, name: str) -> str:
    return lane(page, name).get_attribute("aria-label")


def cursor(page):
    return page.locator("#abaw-cursor input[type=range]")


def test_a_clip_is_uploaded_and_its_timeline_read(desk, weight, tmp_path: Path) -> None:
    bring(desk, people(tmp_path / "two.mp4", VIEWS, EACH))
    assert "with sound" in desk.locator("#abaw-advice").inner_text()
    analyse(desk, weight)

    assert cursor(desk).get_attribute("max") == str(FRAMES - 1)
    for name in ("Raw", "Smoothed", "Final", "Decided by", "Control: pretrained only", "Control: head only"):
        assert lane(desk, name).count() == 1
    told = words(desk, "Raw")
    assert "happiness" in told and "neutral" in told  # the middle third smiles

    picture = desk.locator("#abaw-moment img")
    assert picture.get_attribute("alt").startswith("The frame at 0.0 s, face marked")
    cursor(desk).focus()
    for _ in range(3):
        desk.keyboard.press("ArrowRight")
    desk.locator("#abaw-moment img[alt^='The frame at 0.1 s']").wait_for()
    stage = lane(desk, "Final")
    stage.click(position={"x": stage.bounding_box()["width"] / 2, "y": 10})
    desk.locator("#abaw-moment img[alt^='The frame at 1.5 s'][alt*='happiness']").wait_for()
    line = float(
        desk.locator("#abaw-figures").evaluate("e => getComputedStyle(e).getPropertyValue('--cursor')")
    )
    assert line == pytest.approx(0.5, abs=0.02)
    assert desk.locator("#abaw-moment .facet-meter .row").count() == 8
    assert desk.locator("#abaw-reading .facet-meter .row").count() == 12
    assert re.search(r"Valence [+-]\d\.\d\d, arousal", desk.locator("#abaw-reading").inner_text())
    assert desk.locator("#abaw-strips .lane.heat").count() == 12
    assert "Violence: this head needs" in desk.locator("#abaw-strips").inner_text()
    about = desk.locator("#abaw-about").inner_text()
    assert "Contempt is not among the classes" in about
    for part in ("#abaw-lanes", "#abaw-reading"):
        assert "Stand-in." in desk.locator(part).inner_text()

    people_here = desk.locator("#abaw-figures").get_by_role("radio")
    assert people_here.count() == 2
    before = picture.get_attribute("src")
    people_here.nth(1).check()
    desk.wait_for_function(
        "old => document.querySelector('#abaw-moment img').src !== old", arg=before, timeout=LONG
    )


def test_the_sliders_act_without_another_analysis(desk, weight, tmp_path: Path) -> None:
    bring(desk, people(tmp_path / "two.mp4", VIEWS, EACH))
    analyse(desk, weight)
    branches = words(desk, "Decided by")
    confidence = desk.locator("#abaw-confidence input[type=range]")
    confidence.focus()
    desk.keyboard.press("End")
    desk.locator("#abaw-lanes [aria-label^='Decided by: head 0.0 s']").wait_for()
    desk.keyboard.press("Home")
    desk.locator("#abaw-lanes [aria-label^='Decided by: pretrained 0.0 s']").wait_for()
    assert words(desk, "Final").removeprefix("Final") == words(desk, "Control: pretrained only").removeprefix(
        "Control: pretrained only"
    )
    assert desk.locator("#abaw-working progress").count() == 0
    desk.get_by_role("button", name="All settings back to the start").click()
    desk.wait_for_function(
        "old => document.querySelector(`#abaw-lanes [aria-label^='Decided by']`).ariaLabel === old",
        arg=branches,
    )
    assert confidence.input_value() == "0.8"


def test_own_labels_are_scored(desk, weight, tmp_path: Path) -> None:
    bring(desk, people(tmp_path / "two.mp4", VIEWS, EACH))
    analyse(desk, weight)
    rows = ["Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other"]
    rows += [str(label) for label in (0, 4, 0) for _ in range(EACH)]
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(rows))
    desk.get_by_role("button", name="Score it against your own labels").click()
    desk.locator("#abaw-labels input[type=file]").set_input_files(labels)
    lane(desk, "Your labels").wait_for()
    score = re.search(r"macro-F1, final\s+(0\.\d+)", desk.locator("#abaw-scored").inner_text())
    assert 0.1 < float(score[1]) <= 0.25  # two of eight classes are there, so a quarter is the most
    labels.write_text("\n".join(rows[:40]))
    desk.locator("#abaw-labels button[aria-label='Clear']").or_(
        desk.locator("#abaw-labels .label-clear-button")
    ).first.click()
    lane(desk, "Your labels").wait_for(state="detached")
    desk.locator("#abaw-labels input[type=file]").set_input_files(labels)
    desk.locator("#abaw-notice").get_by_text("labels 39 frames, but the clip has 75").wait_for()


def test_tables_and_the_film_are_taken_along_and_then_forgotten(desk, weight, tmp_path: Path) -> None:
    bring(desk, people(tmp_path / "two.mp4", VIEWS, EACH))
    analyse(desk, weight)
    desk.get_by_role("button", name="Take it with you").click()
    desk.locator("#abaw-prepare").click()
    desk.locator("#abaw-files a[href$='clip.csv']").wait_for()
    files = {}
    for name in ("clip.csv", "clip-expr.txt", "clip-report.json"):
        address = desk.locator(f"#abaw-files a[href$='{name}']").first.get_attribute("href")
        files[name] = desk.request.get(address).body().decode()
    table = list(csv.DictReader(io.StringIO(files["clip.csv"])))
    assert len(table) == FRAMES
    assert len(files["clip-expr.txt"].splitlines()) == FRAMES + 1
    report = json.loads(files["clip-report.json"])
    assert report["weights"]["facet-expression"]
    assert report["versions"]["torch"]
    assert report["options"]["window"] == 25

    desk.locator("#abaw-film").click()
    film = desk.locator("#abaw-video video")
    film.wait_for(timeout=LONG)
    place = film.get_attribute("src")
    path = tmp_path / "film.mp4"
    path.write_bytes(desk.request.get(place).body())
    with av.open(str(path)) as clip:
        assert clip.streams.video[0].codec_context.name == "h264"
        assert clip.streams.audio
        assert sum(1 for _ in clip.decode(video=0)) == FRAMES
    film.evaluate("v => v.readyState >= 1 || new Promise(done => v.onloadedmetadata = done)")
    assert film.evaluate("v => v.duration") == pytest.approx(FRAMES / 25, abs=0.1)

    desk.get_by_role("button", name="Forget my images").click()
    desk.locator("#facet-forgotten").get_by_text(re.compile(r"Forgotten: .* [1-9]\d* file")).wait_for()
    lane(desk, "Final").wait_for(state="detached")
    assert desk.request.get(place).status in (403, 404)


def test_an_example_is_read_on_a_phone(phone, weight) -> None:
    phone.locator("#abaw-examples button").nth(0).click()
    phone.locator("#abaw-advice").get_by_text("frames a second").wait_for()
    analyse(phone, weight)
    assert "happiness" in words(phone, "Final")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    boxes = [lane(phone, name).bounding_box() for name in ("Raw", "Final", "Decided by")]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["width"] > 150 for box in boxes)


def test_a_bad_file_loses_nothing(desk, weight, tmp_path: Path) -> None:
    desk.locator("#abaw-examples button").nth(0).click()
    desk.locator("#abaw-advice").get_by_text("frames a second").wait_for()
    analyse(desk, weight)
    told = words(desk, "Final")
    desk.locator("#abaw-clip .icon-button-wrapper button").last.click()  # the player must be emptied first
    letter = tmp_path / "letter.mp4"
    letter.write_text("dear reader")
    desk.locator("#abaw-clip input[type=file]").set_input_files(letter)
    desk.locator("#abaw-notice").get_by_text("The file is not a video of a known kind.").wait_for()
    assert words(desk, "Final") == told
    cursor(desk).focus()
    desk.keyboard.press("End")
    desk.locator("#abaw-moment img[alt^='The frame at 8.1 s']").wait_for()
    desk.get_by_role("button", name="Analyse the clip").click()
    desk.locator("#abaw-notice").get_by_text("There is no clip yet.").wait_for()


def test_a_press_without_a_clip_says_what_to_do(desk) -> None:
    desk.get_by_role("button", name="Analyse the clip").click()
    desk.locator("#abaw-notice").get_by_text("There is no clip yet.").wait_for()
