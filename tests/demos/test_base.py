"""No exception reaches a visitor: troubles become sentences, and nothing that was shown is lost."""

import logging
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest

from core.errors import Code, UserError
from core.types import Notice
from demos.base import Boundary, endpoint, guarded, notices_panel, paced, panel, path_of


@pytest.fixture
def notice(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A component to write troubles into; toasts need a running event, so they are caught."""
    monkeypatch.setattr(gr, "Warning", lambda *_, **__: None)
    return "notice"


def refuse() -> None:
    raise UserError(Code.NO_FACE, "No face was found.", "Use another photo.")


def test_success_clears_the_last_trouble(notice: Any) -> None:
    assert guarded(notice)(lambda: {"picture": 1})() == {"notice": "", "picture": 1}
    assert guarded(notice)(lambda: None)() == {"notice": ""}


def test_a_users_trouble_is_told_and_everything_else_stays(notice: Any) -> None:
    update = guarded(notice)(refuse)()
    assert list(update) == ["notice"]
    assert "No face was found." in update["notice"]
    assert "Use another photo." in update["notice"]
    assert 'role="alert"' in update["notice"]
    assert 'data-code="no-face"' in update["notice"]


def test_a_stream_keeps_what_it_showed_before_the_trouble(notice: Any) -> None:
    @guarded(notice)
    def handler() -> Iterator[dict[str, Any]]:
        yield {"picture": 1}
        refuse()

    cleared, first, last = list(handler())
    assert cleared == {"notice": ""}
    assert first == {"notice": gr.skip(), "picture": 1}
    assert list(last) == ["notice"]


def test_a_handler_that_goes_on_keeps_the_words_of_the_one_before(notice: Any) -> None:
    @guarded(notice, follows=True)
    def silent() -> Iterator[dict[str, Any]]:
        yield from ()

    assert list(silent()) == [{"notice": gr.skip()}]
    assert guarded(notice, follows=True)(lambda: {"a": 1})() == {"notice": gr.skip(), "a": 1}


def test_after_trouble_a_button_can_be_pressed_again(notice: Any) -> None:
    told = guarded(notice, lambda: {"button": gr.update(interactive=True)})(refuse)()
    assert told["button"]["interactive"]
    assert "No face" in told["notice"]


def test_a_surprise_gives_a_number_and_no_internals(notice: Any, caplog: pytest.LogCaptureFixture) -> None:
    def handler() -> None:
        raise KeyError("/secret/path")

    with caplog.at_level(logging.ERROR, "facet"):
        told = guarded(notice)(handler)()["notice"]
    number = caplog.records[0].getMessage().split()[-1]
    assert number in told
    assert "secret" not in told
    assert "KeyError" not in told
    assert caplog.records[0].exc_info is not None


def test_only_exceptions_that_mean_trouble_are_caught() -> None:
    with pytest.raises(KeyboardInterrupt), Boundary():
        raise KeyboardInterrupt
    with pytest.raises(gr.Error), Boundary():
        raise gr.Error("as it is")


def test_programs_get_the_same_sentence() -> None:
    with pytest.raises(gr.Error) as trouble:
        endpoint(refuse)()
    assert trouble.value.message == "No face was found. Use another photo."
    assert trouble.value.title == "no-face"
    assert endpoint(lambda: 5)() == 5


def test_words_cannot_smuggle_markup() -> None:
    assert "<script>" not in panel("alert", "<script>", "<b>", code='"><i>')
    assert "<script>" not in notices_panel([Notice("x", "<script>")])


def test_each_notice_is_told_once() -> None:
    assert notices_panel([]) == ""
    assert notices_panel([Notice("a", "one"), Notice("b", "one")]).count("one") == 1


def test_pacing_never_loses_the_last_event() -> None:
    assert list(paced(iter(range(100)), every_seconds=60)) == [0, 99]
    assert list(paced(iter(range(3)), every_seconds=0)) == [0, 1, 2]
    assert list(paced(iter(()))) == []


@pytest.mark.parametrize(
    ("upload", "path"), [(None, None), ({}, None), ({"path": None}, None), ({"path": "/a"}, "/a")]
)
def test_the_path_of_an_upload(upload: Any, path: str | None) -> None:
    assert path_of(upload) == path
