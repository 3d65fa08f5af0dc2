"""The tab of patches as a visitor uses it: real weights, nobody's faces, a real browser."""

import json
import re
from collections.abc import Iterator

import pytest

from core.patches import bundled, safety
from core.settings import ROOT
from tests.browser.visits import opened
from tests.serving import Server

pytestmark = pytest.mark.browser

LONG = 300_000  # ms; a test server may share its cores and fetch weights
FACES = ROOT / "demos" / "examples" / "faces"


TAB = "Patches", "Make a patch"


@pytest.fixture
def desk(chromium, server: Server, weight) -> Iterator[object]:
    for names in (bundled.load("faces", "evasion").about.victims, ("yunet", "face-landmarker", "sface")):
        for name in names:
            weight(name)
    yield from opened(chromium, server, *TAB, 1280, 800)


@pytest.fixture
def phone(chromium, server: Server) -> Iterator[object]:
    yield from opened(chromium, server, *TAB, 390, 844, has_touch=True)


def example(page, strip: str = "faces", number: int = 0) -> None:
    page.locator(f"#patches-{strip} button").nth(number).click()
    page.locator("#patches-photo img").wait_for()


def made(page, button: str = "Make a patch") -> str:
    page.get_by_role("button", name=button).click()
    page.locator("#patches-working progress").wait_for()
    page.locator("#patches-working progress").wait_for(state="detached", timeout=LONG)
    page.locator("#patches-verdict section").wait_for(timeout=LONG)
    return page.locator("#patches-verdict").inner_text()


def fold(page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def saved(page, suffix: str) -> bytes:
    address = page.locator(f"#patches-files a[href$='{suffix}']").first.get_attribute("href")
    return page.request.get(address).body()


def test_hiding_in_one_pass_beside_a_search_with_eyes_and_a_defence(desk) -> None:
    example(desk)
    assert "never seen" in made(desk)
    level = desk.locator("#patches-verdict section").get_attribute("data-level")
    assert level in ("strong", "partial")  # the bundled generator does something to this face
    assert desk.locator("#patches-slider img").count() == 2
    assert desk.locator("#patches-hits li").count() == 20
    assert desk.locator("#patches-hits ol").nth(0).locator("li").nth(0).get_attribute("class") == "own"
    table = desk.locator("#patches-ways")
    assert "One pass of the generator" in table.inner_text() and "Random squares" in table.inner_text()

    line = desk.locator("#patches-opacity input[type=range]")
    line.focus()
    desk.keyboard.press("Home")
    desk.locator("#patches-verdict").get_by_text("turns nobody").wait_for()
    desk.keyboard.press("End")
    desk.locator("#patches-verdict").get_by_text("turns nobody").wait_for(state="detached")

    fold(desk, "The slow way")
    made(desk, "Search for a patch")
    table.get_by_text("the search took").wait_for()
    desk.locator("#patches-shown").get_by_label("One pass of the generator").check()

    fold(desk, "What was attacked")
    desk.get_by_role("button", name="Look", exact=True).click()
    desk.locator("#patches-explained .facet-clusters tbody tr").first.wait_for(timeout=LONG)
    assert desk.locator("#patches-explained img").count() == 6
    fold(desk, "Defend")
    desk.locator("#patches-defence").get_by_label("Defence on").check()
    desk.locator("#patches-defended .facet-findings").wait_for(timeout=LONG)
    assert "alarm" in desk.locator("#patches-defended").inner_text()

    fold(desk, "Take it with you")
    desk.locator("#patches-files a[href$='report.json']").first.wait_for()
    report = json.loads(saved(desk, "report.json"))
    assert report["mode"] == "evasion" and {"generator", "pgd"} <= set(report["patches"])
    for name in ("with-patch.png", "patch.png"):
        assert safety.marked(saved(desk, name))["mode"] == "evasion"

    desk.get_by_role("button", name="Forget my images").click()
    desk.locator("#facet-forgotten").get_by_text("Forgotten").wait_for()
    desk.locator("#patches-figures").wait_for(state="hidden")
    desk.locator("#patches-empty").get_by_text("The result appears here").wait_for()


def test_passing_for_a_synthetic_person_and_for_a_second_photo_with_consent_only(desk) -> None:
    example(desk)
    desk.locator("#patches-mode").get_by_label("Pass for somebody else").check()
    desk.get_by_role("button", name="Make a patch").click()
    desk.locator("#patches-notice").get_by_text("no target yet").wait_for()
    desk.locator("#patches-targets button").nth(0).click()
    desk.locator("#patches-notice").get_by_text("the person who wears the patch").wait_for()
    desk.locator("#patches-targets button").nth(3).click()
    desk.locator("#patches-aimed").get_by_text("Person d").wait_for()
    assert "take the person for the target" in made(desk)
    level = desk.locator("#patches-verdict section").get_attribute("data-level")
    assert level in ("strong", "partial")  # the mask turns some encoder towards this bundled person
    assert desk.locator("#patches-ways img[alt='the patch']").count() == 0  # it does not leave alone
    assert desk.locator("#patches-ways img[alt='with the patch']").count() >= 3
    assert "How alike to the target" in desk.locator("#patches-to-target").inner_text()
    assert "pasted" in desk.locator("#patches-ways").inner_text()
    fold(desk, "Take it with you")
    desk.locator("#patches-files a[href$='report.json']").first.wait_for()
    assert desk.locator("#patches-files a[href$='patch.png']").count() == 1  # with-patch.png alone
    assert safety.marked(saved(desk, "with-patch.png"))["mode"] == "impersonation"

    fold(desk, "A second photo instead")
    second = desk.locator("#patches-second input[type=file]")
    second.set_input_files(str(FACES / "person-f_frontal.jpg"))
    desk.locator("#patches-notice .alert").wait_for()
    assert desk.locator("#patches-second img").count() == 0
    assert "Person d" in desk.locator("#patches-aimed").inner_text()
    desk.locator("#patches-consent").get_by_label("agrees").check()
    desk.locator("#patches-second input[type=file]").set_input_files(str(FACES / "person-f_frontal.jpg"))
    desk.locator("#patches-aimed").get_by_text("the second photo").wait_for()
    desk.locator("#patches-second").get_by_label(re.compile("remove|clear", re.IGNORECASE)).first.click()
    desk.locator("#patches-aimed").get_by_text("the second photo").wait_for(state="detached")
    assert not desk.locator("#patches-consent").get_by_label("agrees").is_checked()  # it was for that photo
    desk.locator("#patches-consent").get_by_label("agrees").check()
    desk.locator("#patches-second input[type=file]").set_input_files(str(FACES / "person-g_frontal.jpg"))
    desk.locator("#patches-aimed").get_by_text("the second photo").wait_for()
    desk.locator("#patches-consent").get_by_label("agrees").uncheck()
    desk.locator("#patches-aimed").get_by_text("the second photo").wait_for(state="detached")


def test_a_natural_patch_tells_how_natural_it_is(desk, weight) -> None:
    for name in ("facet-flowers", "vit-s14"):
        weight(name)
    example(desk, number=4)
    fold(desk, "Natural: a patch that looks like a picture")
    made(desk, "Paint a natural patch")
    table = desk.locator("#patches-ways").inner_text()
    assert "Natural, by an offset in the latent" in table and "sticker" in table
    assert "The same prior without an attack" in table
    desk.locator("#patches-way").get_by_label("one pass").check()
    made(desk, "Paint a natural patch")
    desk.locator("#patches-ways").get_by_text("Natural, in one pass").wait_for(timeout=LONG)


def test_a_place_is_drawn_and_a_whole_person_wears_it(desk) -> None:
    desk.locator("#patches-kind").get_by_label("A whole person").check()
    desk.locator("#patches-walkers button").first.wait_for()
    example(desk, "walkers", 2)
    desk.locator("#patches-place").get_by_label("Draw it").check()
    canvas = desk.locator("#patches-canvas canvas")
    canvas.wait_for()
    desk.get_by_role("button", name="Make a patch").click()
    desk.locator("#patches-notice").get_by_text("Nothing is drawn yet").wait_for()
    desk.wait_for_function("() => document.querySelector('#patches-canvas canvas').width === 448")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    desk.mouse.move(box["x"] + 0.35 * box["width"], box["y"] + 0.35 * box["height"])
    desk.mouse.down()
    desk.mouse.move(box["x"] + 0.65 * box["width"], box["y"] + 0.35 * box["height"], steps=5)
    desk.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.42 * box["height"], steps=5)
    desk.mouse.up()
    told = made(desk)
    assert "Searched among 36 pictures" in told
    assert desk.locator("#patches-slider img").count() == 2


def test_what_is_no_photo_leaves_the_last_one(desk, tmp_path) -> None:
    example(desk)
    bad = tmp_path / "photo.png"
    bad.write_bytes(b"not a picture")
    desk.locator("#patches-photo input[type=file]").set_input_files(str(bad))
    desk.locator("#patches-notice .alert").wait_for()
    assert desk.locator("#patches-photo img").count() == 1


def test_on_a_phone_nothing_is_cut_off(phone, weight) -> None:
    for name in bundled.load("faces", "evasion").about.victims:
        weight(name)
    phone.locator("#patches-faces button").nth(1).scroll_into_view_if_needed()
    phone.locator("#patches-faces button").nth(1).tap()
    phone.locator("#patches-photo img").wait_for()
    made(phone)
    assert phone.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert phone.get_by_role("button", name="Make a patch").bounding_box()["height"] >= 36
    below = phone.locator("#patches-slider").bounding_box()["y"]  # before what is folded away
    assert below < phone.locator("#patches-slow").bounding_box()["y"]
