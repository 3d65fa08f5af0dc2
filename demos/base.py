"""What every tab is, and the few pieces that every tab shows."""

import functools
import html
import inspect
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import gradio as gr

from core.errors import UserError
from core.types import Notice
from demos.services import Services

logger = logging.getLogger("facet")

Update = dict[Any, Any]  # component -> value
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Built:
    """What the page must know of a tab that was laid out.

    Attributes:
        blank: gives every component that shows something of the visitor's, with what it shows without.
        running: events that "Forget my images" must stop.
    """

    blank: Callable[[], Update]
    running: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Demo:
    """One tab.

    Attributes:
        slug: stable identifier, in addresses and in sessions.
        title: what stands on the tab.
        paper: the work it shows, as "Title (arXiv number)".
        build: lays out the tab inside an open ``gr.Tab`` and wires it.
    """

    slug: str
    title: str
    paper: str
    build: Callable[[Services], Built]


class Boundary:
    """The line that no exception crosses: a trouble becomes one sentence and a hint.

    Used as ``with Boundary() as trouble: ...``; afterwards ``trouble.message`` is empty when all went well.
    What was not foreseen is logged with a number; the person sees the number and no internals.
    """

    def __init__(self) -> None:
        self.code = ""
        self.message = ""
        self.hint = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None or isinstance(error, gr.Error) or not isinstance(error, Exception):
            return False
        if isinstance(error, UserError):
            self.code, self.message, self.hint = error.code, error.message, error.hint
            return True
        number = secrets.token_hex(3)
        logger.error("unexpected trouble %s", number, exc_info=(type(error), error, trace))
        self.code = "unexpected"
        self.message = f"Something went wrong on our side (number {number})."
        self.hint = "What you brought is still here: try again, or with other settings."
        return True


def guarded(
    notice: gr.HTML, after: Callable[[], Update] = dict, *, follows: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a screen's handler, which returns (or yields) ``{component: value}``.

    Trouble is written into ``notice`` and every other component keeps what it shows; an action that
    starts clears it. A stream that yields nothing changes nothing.

    Args:
        notice: where troubles are told.
        after: what trouble sets besides, for instance a button that can be pressed again (made anew each
            time, for gradio changes the updates that it is given).
        follows: the handler goes on after another one, whose words stay.
    """

    def first() -> Update:
        return {notice: gr.skip() if follows else ""}

    def decorate(handler: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(handler):

            @functools.wraps(handler)
            def stream(*args: Any, **kwargs: Any) -> Iterator[Update]:
                yield first()
                with Boundary() as trouble:
                    for update in handler(*args, **kwargs):
                        yield {notice: gr.skip(), **update}
                if trouble.message:
                    yield {**after(), **_told(notice, trouble)}

            return stream

        @functools.wraps(handler)
        def call(*args: Any, **kwargs: Any) -> Update:
            with Boundary() as trouble:
                return {**first(), **(handler(*args, **kwargs) or {})}
            return {**after(), **_told(notice, trouble)}

        return call

    return decorate


def endpoint(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a function that programs call: trouble becomes a ``gr.Error`` with the same sentences."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with Boundary() as trouble:
            return function(*args, **kwargs)
        raise gr.Error(f"{trouble.message} {trouble.hint}", title=trouble.code, print_exception=False)

    return call


def paced(events: Iterator[T], every_seconds: float = 0.25) -> Iterator[T]:
    """Events of a job thinned out for the screen; the last one always passes."""
    last: T | None = None
    shown = 0.0
    for event in events:
        last, now = event, time.monotonic()
        if now - shown >= every_seconds:
            shown, last = now, None
            yield event
    if last is not None:
        yield last


def _told(notice: gr.HTML, trouble: Boundary) -> Update:
    gr.Warning(f"{trouble.message} {trouble.hint}", title="")
    return {notice: panel("alert", trouble.message, trouble.hint, code=trouble.code)}


def panel(kind: str, message: str, hint: str = "", *, code: str = "") -> str:
    """A sentence and a hint in a coloured box: ``alert`` (read out at once), ``advice`` or ``done``."""
    role = "alert" if kind == "alert" else "status"
    rest = f" <span>{html.escape(hint)}</span>" if hint else ""
    data = f' data-code="{html.escape(code)}"' if code else ""
    return f'<div class="facet-panel {kind}" role="{role}"{data}><b>{html.escape(message)}</b>{rest}</div>'


def notices_panel(notices: Sequence[Notice]) -> str:
    """What the person should know about a photo, as one quiet box; empty when there is nothing."""
    sentences = list(dict.fromkeys(notice.message for notice in notices))
    if not sentences:
        return ""
    items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
    return f'<div class="facet-panel advice" role="status"><ul>{items}</ul></div>'


def photo_input(**settings: Any) -> gr.Image:
    """A place to drop a photo; its events are wired with ``preprocess=False`` and read by :func:`path_of`.

    gradio's own preprocessing opens the file (a small PNG bomb then takes gigabytes) and fails in its own
    words on what is no picture; ``core.media.images`` is the only door.
    """
    return gr.Image(**{"type": "filepath", "image_mode": None, "buttons": [], **settings})


def path_of(upload: Mapping[str, Any] | None) -> str | None:
    """The path in an event's raw image value; gradio has checked that it lies in its upload folder."""
    return str(upload["path"]) if upload and upload.get("path") else None
