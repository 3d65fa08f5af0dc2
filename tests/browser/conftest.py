"""Debian's chromium looking at the app."""

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.serving import Server, serve, server

__all__ = ["serve", "server"]  # fixtures

playwright = pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="session")
def chromium() -> Iterator["playwright.Browser"]:
    """The browser; the test is skipped where there is none."""
    path = os.environ.get("FACET_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not path:
        pytest.skip("no chromium here (apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: "playwright.Browser", server: Server) -> Iterator["playwright.Page"]:
    """A fresh visitor on a desktop, with the app open."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    visitor = context.new_page()
    visitor.set_default_timeout(60_000)
    visitor.goto(server.url)
    visitor.get_by_role("button", name="Find a pattern for me").wait_for()
    yield visitor
    context.close()
