"""The house around the tabs, in a real browser: private, reachable by keyboard, at home on a phone."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.serving import Server

pytestmark = pytest.mark.browser


@pytest.fixture
def phone(chromium, server: Server) -> Iterator[object]:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    visitor = context.new_page()
    visitor.goto(server.url)
    visitor.get_by_role("button", name="Find a pattern for me").wait_for()
    yield visitor
    context.close()


def test_the_page_asks_no_other_host_for_anything(chromium, server: Server) -> None:
    context = chromium.new_context()
    hosts: set[str] = set()
    visitor = context.new_page()
    visitor.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    visitor.goto(server.url)
    visitor.get_by_role("button", name="Forget my images").wait_for()
    visitor.wait_for_timeout(1000)
    assert hosts - {""} == {urlsplit(server.url).netloc}
    context.close()


def test_nothing_is_wider_than_a_phone(phone) -> None:
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    assert phone.evaluate("document.body.scrollWidth") <= 390


def test_buttons_are_large_enough_for_a_thumb(phone) -> None:
    for name in ("Forget my images", "Find a pattern for me"):
        box = phone.get_by_role("button", name=name).bounding_box()
        assert box["height"] >= 36
        assert box["width"] >= 120


def test_every_picture_has_words_and_every_control_a_name(page) -> None:
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('img')].filter(e => e.offsetParent && !e.alt).length"""
    )
    assert nameless == 0
    silent = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, textarea')].filter(e =>
             e.offsetParent && e.type !== 'file' && !e.innerText?.trim() && !e.ariaLabel && !e.title
             && !e.labels?.length && !e.getAttribute('aria-labelledby') && !e.querySelector('img[alt]')
           ).map(e => e.outerHTML.slice(0, 200))"""
    )
    assert silent == []


def test_the_keyboard_reaches_the_button_and_shows_where_it_is(page) -> None:
    target = page.get_by_role("button", name="Find a pattern for me")
    for _ in range(40):
        page.keyboard.press("Tab")
        if target.evaluate("e => e === document.activeElement"):
            break
    else:
        pytest.fail("forty tabs did not reach the primary button")
    assert target.evaluate("e => parseFloat(getComputedStyle(e).outlineWidth)") >= 2


def test_forgetting_answers_in_words(page) -> None:
    page.get_by_role("button", name="Forget my images").click()
    answer = page.locator("#facet-forgotten")
    answer.get_by_text(re.compile("nothing of yours to forget", re.I)).wait_for()


def test_a_press_without_a_photo_says_what_to_do(page) -> None:
    page.get_by_role("button", name="Find a pattern for me").click()
    page.locator("#camouflage-notice").get_by_text("There is no photo yet.").wait_for()


def test_dark_mode_is_readable(chromium, server: Server) -> None:
    context = chromium.new_context(color_scheme="dark")
    visitor = context.new_page()
    visitor.goto(server.url)
    visitor.get_by_role("button", name="Find a pattern for me").wait_for()
    light = visitor.evaluate(
        "() => getComputedStyle(document.querySelector('.facet-lead')).color.match(/\\d+/g).map(Number)"
    )
    back = visitor.evaluate(
        "() => getComputedStyle(document.querySelector('.gradio-container')).backgroundColor.match(/\\d+/g)"
        ".map(Number)"
    )
    assert sum(light[:3]) / 3 - sum(back[:3]) / 3 > 140
    context.close()


def test_models_licences_and_limits_are_in_the_tab(page) -> None:
    page.get_by_role("button", name="Models, licences and where they come from").click()
    table = page.locator(".facet-table").inner_text()
    for words in (
        "dlib ResNet-29",
        "non-commercial research only",
        "Apache-2.0",
        "MS-Celeb-1M",
        "Trained on",
    ):
        assert words in table
    page.get_by_role("button", name="What this does not show").click()
    page.get_by_text("Real paint, sweat and a moving head are not tested here").wait_for()
