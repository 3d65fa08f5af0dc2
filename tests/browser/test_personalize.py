"""The tab of one person as a visitor uses it: real weights, synthetic people, a real browser."""

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import ROOT
from demos.abaw.examples import FOLDER
from tests.browser.visits import opened
from tests.demos.made_clips import people
from tests.serving import Server

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser

LONG = 300_000  # ms; a test server may share its cores and fetch weights
NEEDED = ("facet-image-text", "facet-expression", "vit-s14", "minilm-l6", "dlib-resnet")
PAIN = "a face in pain\na calm face"


TAB = "One person", "Read the clips"


@pytest.fixture
def desk(chromium, server: Server) -> Iterator[object]:
    yield from opened(chromium, server, *TAB, 1280, 800)


@pytest.fixture
def phone(chromium, server: Server) -> Iterator[object]:
    yield from opened(chromium, server, *TAB, 390, 844, has_touch=True)


def example(page, weight, number: int = 0) -> None:
    for name in NEEDED:
        weight(name)
    page.locator("#personalize-examples button").nth(number).click()
    page.locator("#personalize-clips").get_by_text("6 photos, not read yet").wait_for()
    page.get_by_role("button", name="Read the clips").click()
    page.locator("#personalize-peers").get_by_text("entropy tuning").wait_for(timeout=LONG)


def lane(page, name: str):
    return page.locator(f"#personalize-film [role=img][aria-label^='{name}:']")


def marks(page, name: str):
    """The strip of this name, whose marks are told as a sentence."""
    return page.locator("#personalize-film .lane.marks").filter(has_text=name).locator("[role=img]")


def words(page, name: str) -> str:
    return lane(page, name).get_attribute("aria-label")


def cursor(page):
    return page.locator("#personalize-cursor input[type=range]")


def fold(page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def saved(page, suffix: str) -> bytes:
    address = page.locator(f"#personalize-files a[href$='{suffix}']").first.get_attribute("href")
    return page.request.get(address).body()


def test_a_person_is_read_and_every_frame_can_be_looked_at(desk, weight) -> None:
    example(desk, weight)
    answers = desk.locator("#personalize-answers li")
    assert answers.count() == 2
    assert "happiness" in answers.nth(0).inner_text() and "zero-shot says" in answers.nth(1).inner_text()
    last = int(cursor(desk).get_attribute("max"))
    assert last > 30 and cursor(desk).input_value() == str(last)
    assert desk.locator("#personalize-lamps .lamp").count() == 3
    assert desk.locator("#personalize-caches .tile").count() > 3
    assert desk.locator("#personalize-fusion tbody tr").count() == 4
    assert "ms a frame" in desk.locator("#personalize-about").inner_text()
    for name in ("TTA-CaP, as set", "zero-shot", "TDA", "entropy tuning"):
        assert name in desk.locator("#personalize-peers").inner_text()
    assert desk.locator("#personalize-curve svg").count()

    stage = lane(desk, "Personal")
    stage.scroll_into_view_if_needed()
    stage.click(position={"x": stage.bounding_box()["width"] / 3, "y": 8})
    picture = desk.locator("#personalize-moment img[alt^='smile, the frame at']")
    picture.wait_for()
    assert 10 < int(cursor(desk).input_value()) < last - 10
    before = picture.get_attribute("alt")
    cursor(desk).focus()
    for _ in range(5):
        desk.keyboard.press("ArrowRight")
    desk.wait_for_function(
        "old => document.querySelector('#personalize-moment img')?.alt !== old", arg=before
    )
    desk.keyboard.press("Home")
    desk.locator("#personalize-caches").get_by_text("Empty so far").first.wait_for()
    desk.locator("#personalize-film .play").click()
    desk.wait_for_function(
        "() => Number(document.querySelector('#personalize-cursor input[type=range]').value) > 2"
    )
    desk.locator("#personalize-film .play").click()


def test_parts_are_switched_off_and_settings_that_clash_are_told(desk, weight) -> None:
    example(desk, weight)
    assert "not asked" not in desk.locator("#personalize-lamps").inner_text()
    desk.locator("#personalize-on").get_by_label("Entropy gate").uncheck()
    desk.locator("#personalize-lamps .lamp").nth(1).get_by_text("not asked").wait_for()
    assert not marks(desk, "Sure").get_attribute("aria-label").startswith("0 frames")
    desk.locator("#personalize-on").get_by_label("Positive cache").uncheck()
    desk.locator("#personalize-film [aria-label^='0 frames kept in the positive cache']").wait_for()
    desk.locator("#personalize-preset").get_by_label("June 2026").check()
    desk.get_by_text("caches are emptied when a clip begins").wait_for()
    desk.locator("#personalize-preset").get_by_label("ours").check()
    desk.get_by_text("the gates judge the personalised answer").wait_for()  # the film comes with it
    fold(desk, "More settings")
    desk.wait_for_timeout(500)
    told = words(desk, "Personal")
    high = desk.locator("#personalize-entropy-positive input[type=range]")
    high.focus()
    desk.keyboard.press("End")
    desk.locator("#personalize-notice").get_by_text("lies below that of confident ones").wait_for()
    assert words(desk, "Personal") == told


def test_an_own_question_poison_and_the_way_back(desk, weight) -> None:
    example(desk, weight)
    fold(desk, "What is asked")
    desk.locator("#personalize-question").get_by_label("My own sentences").check()
    box = desk.locator("#personalize-prompts textarea")
    box.fill("only one")
    desk.get_by_role("button", name="Ask this").click()
    desk.locator("#personalize-notice").get_by_text("2 to 10 classes").wait_for()
    assert "happiness" in words(desk, "Personal")
    box.fill(PAIN)
    desk.get_by_role("button", name="Ask this").click()
    desk.locator("#personalize-film [aria-label^='Personal:'][aria-label*='calm face']").or_(
        desk.locator("#personalize-film [aria-label^='Personal:'][aria-label*='face in pain']")
    ).first.wait_for()
    desk.locator("#personalize-about").get_by_text("the prototype gate is not asked").wait_for()
    assert "sentences about expressions only" in desk.locator("#personalize-task").inner_text()

    desk.locator("#personalize-question").get_by_label("The seven expressions").check()
    desk.locator("#personalize-film [aria-label^='Personal:'][aria-label*='happiness']").wait_for()
    clean = words(desk, "Personal")
    fold(desk, "Poison it")
    offered = desk.locator("#personalize-towards input")
    playwright.expect(offered).to_have_value("anger", timeout=LONG)  # a class of this question
    desk.locator("#personalize-put").click()
    told = desk.locator("#personalize-poisoned")
    told.get_by_text("without gates").wait_for()
    assert re.search(r"0 of 6 .* 6 of 6", told.inner_text(), re.S)
    marks(desk, "Poisoned").wait_for()
    assert "anger" in words(desk, "Zero-shot")
    desk.locator("#personalize-heal").click()
    marks(desk, "Poisoned").wait_for(state="detached")
    assert words(desk, "Personal") == clean


def test_a_cache_is_taken_along_brought_back_and_forgotten(desk, weight, tmp_path: Path) -> None:
    example(desk, weight)
    frames = int(cursor(desk).get_attribute("max")) + 1
    fold(desk, "Take it with you")
    desk.locator("#personalize-prepare").click()
    desk.locator("#personalize-files a[href$='.safetensors']").wait_for()
    cache = tmp_path / "cache.safetensors"
    cache.write_bytes(saved(desk, "-cache.safetensors"))
    assert len(list(csv.DictReader(io.StringIO(saved(desk, ".csv").decode())))) == frames
    report = json.loads(saved(desk, "-report.json"))
    assert report["counts"]["frames"] == frames and report["weights"]["facet-image-text"]

    desk.locator("#personalize-bring input[type=file]").set_input_files(cache)
    desk.locator("#personalize-about").get_by_text("began with those of the saved file").wait_for()
    cursor(desk).focus()
    desk.keyboard.press("Home")
    desk.locator("#personalize-caches .tile").first.wait_for()
    letter = tmp_path / "letter.safetensors"
    letter.write_text("dear reader")
    desk.locator("#personalize-bring input[type=file]").set_input_files(letter)
    desk.locator("#personalize-notice").get_by_text("not a cache that was exported here").wait_for()
    desk.locator("#personalize-unload").click()
    desk.wait_for_function(
        "() => !document.querySelector('#personalize-about').innerText.includes('began with')"
    )

    desk.locator("#personalize-drop-person").click()
    lane(desk, "Personal").wait_for(state="detached")
    desk.locator("#personalize-empty").get_by_text("The film of decisions appears here").wait_for()
    example(desk, weight)
    desk.get_by_role("button", name="Forget my images").click()
    desk.locator("#facet-forgotten").get_by_text(re.compile(r"Forgotten: .* [1-9]\d* file")).wait_for()
    lane(desk, "Personal").wait_for(state="detached")
    assert desk.locator("#personalize-clips li").count() == 0


def test_a_clip_of_ones_own_and_a_bad_file(desk, weight, tmp_path: Path) -> None:
    for name in NEEDED:
        weight(name)
    letter = tmp_path / "letter.mp4"
    letter.write_text("dear reader")
    mine = people(tmp_path / "mine.mp4", ("frontal", "smile"), 15)
    box = desk.locator("#personalize-upload input[type=file]")
    box.set_input_files([letter, mine])
    desk.locator("#personalize-notice").get_by_text("not a video of a known kind").wait_for()
    desk.locator("#personalize-clips").get_by_text("mine").wait_for()
    box.set_input_files([ROOT / "demos/examples/faces/person-b_smile.jpg"])
    desk.locator("#personalize-clips").get_by_text("1 photo, not read yet").wait_for()
    desk.get_by_role("button", name="Read the clips").click()
    lane(desk, "Personal").wait_for(timeout=LONG)
    assert "1 other left out" in desk.locator("#personalize-clips").inner_text()
    desk.get_by_role("button", name="Take it away").click()
    desk.wait_for_function("() => document.querySelectorAll('#personalize-clips ol li').length === 1")
    fold(desk, "What the clips really show")
    truth = desk.locator("#personalize-truth input").first
    truth.click()
    desk.get_by_role("option", name="surprise").click()
    desk.locator("#personalize-answers").get_by_text("you say surprise").wait_for()


def test_people_are_kept_apart_and_a_reading_can_be_stopped(desk, weight) -> None:
    example(desk, weight)
    told = words(desk, "Personal")
    who = desk.locator("#personalize-person input")
    who.fill("Anna")
    who.press("Enter")
    lane(desk, "Personal").wait_for(state="detached")
    assert desk.locator("#personalize-clips ol li").count() == 0
    desk.locator("#personalize-upload input[type=file]").set_input_files([FOLDER / "turn.mp4"])
    desk.locator("#personalize-clips").get_by_text("not read yet").wait_for()
    desk.get_by_role("button", name="Read the clips").click()
    desk.get_by_role("button", name="Stop, keep what was read").click()
    desk.locator("#personalize-working progress").wait_for(state="detached", timeout=LONG)
    desk.get_by_role("button", name="Read the clips").click()
    desk.locator("#personalize-peers").get_by_text("entropy tuning").wait_for(timeout=LONG)
    assert "Anna" in desk.locator("#personalize-answers").inner_text()
    who.click()
    desk.get_by_role("option", name="Synthetic B").click()
    desk.locator("#personalize-answers").get_by_text("Synthetic B").wait_for()
    assert words(desk, "Personal") == told


def test_a_person_is_read_on_a_phone(phone, weight) -> None:
    example(phone, weight, 1)
    assert "happiness" in words(phone, "Personal")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    boxes = [lane(phone, name).bounding_box() for name in ("Zero-shot", "Personal")]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["width"] > 150 for box in boxes)


def test_a_press_without_a_clip_says_what_to_do(desk) -> None:
    desk.get_by_role("button", name="Read the clips").click()
    desk.locator("#personalize-notice").get_by_text("There is no clip of this person yet.").wait_for()
