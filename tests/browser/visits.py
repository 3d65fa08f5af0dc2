"""One visitor with one tab open."""

from collections.abc import Iterator

from tests.serving import Server


def opened(
    chromium, server: Server, tab: str, button: str, width: int, height: int, **settings
) -> Iterator[object]:
    """A fresh visitor's page on a tab, once its main button is there.

    Args:
        chromium: the browser.
        server: the running app.
        tab: what stands on the tab.
        button: that the tab's main button says.
        width, height: of the window, pixels.
        settings: of the browser's context.
    """
    context = chromium.new_context(
        viewport={"width": width, "height": height}, accept_downloads=True, **settings
    )
    visitor = context.new_page()
    visitor.set_default_timeout(60_000)
    visitor.goto(server.url)
    visitor.get_by_role("tab", name=tab).click()
    visitor.get_by_role("button", name=button).wait_for()
    yield visitor
    context.close()
