"""The page as it is wired: who may run at the same time, and what programs may call."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import app
from core.settings import ROOT, settings
from demos.services import FETCH, HEAVY, LIGHT, LIVE, Services
from demos.sessions import Sessions

HEAVY_ONES = (
    "search", "extend", "find_camouflage", "paint_camouflage", "analyse_clip", "make_film", "analyse_video",
    "read_clips", "personalize_read", "make_patch", "search_patch", "paint_patch", "explain_patch", "defend",
    "attack_with_patch",
)  # fmt: skip
TOOLS = {
    "find_camouflage", "paint_camouflage", "list_camouflage_models",
    "analyse_video", "decide_video", "list_video_models", "personalize_read", "list_personalize_models",
    "attack_with_patch", "list_patch_models",
}  # fmt: skip


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    root: Path = tmp_path_factory.mktemp("uploads")
    page = app.build(Services(settings(), Sessions(root, 30)))
    return list(page.fns.values())


def named(functions: list[Any], name: str) -> list[Any]:
    return [one for one in functions if getattr(one.fn, "__name__", "") == name]


def test_the_page_opens_before_torch_is_imported() -> None:
    """In a process of its own; torch alone takes longer to import than all the rest."""
    script = "import sys, app; print('torch' in sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout.split()[-1] == "False"


def test_one_limit_is_shared_by_all_heavy_work(functions: list[Any]) -> None:
    for name in HEAVY_ONES:
        found = named(functions, name)
        assert found, name
        for one in found:
            assert one.queue is not False, name
            assert (one.concurrency_id, one.concurrency_limit) == ("heavy", 1), name
    for one in functions:
        if one.concurrency_id == HEAVY["concurrency_id"]:
            assert one.concurrency_limit == HEAVY["concurrency_limit"]


def test_whatever_computes_has_a_limit(functions: list[Any]) -> None:
    limits = {limit["concurrency_id"] for limit in (HEAVY, LIGHT, LIVE, FETCH)}
    for one in functions:
        if one.fn is not None and one.queue is not False and not named([one], "left"):
            assert one.concurrency_id in limits, one.fn


def test_what_must_answer_at_once_waits_in_no_queue(functions: list[Any]) -> None:
    for name in ("forget_my_images", "stop", "stop_analysis", "stop_reading"):
        assert [one.queue for one in named(functions, name)] == [False], name


def test_forgetting_ends_what_runs(functions: list[Any]) -> None:
    (forget,) = named(functions, "forget_my_images")
    pressed = [one for one in functions if set(one.targets) & set(forget.targets)]
    ids = {number for one in pressed for number in one.cancels}
    ended = {getattr(one.fn, "__name__", "") for one in functions if one._id in ids}
    assert {
        "fetch_needed",
        "search",
        "fetch_judges",
        "extend",
        "fetch_for_clip",
        "analyse_clip",
        "make_film",
        "fetch_for_person",
        "read_clips",
        "fetch_for_patch",
        "make_patch",
        "search_patch",
        "fetch_for_natural",
        "paint_patch",
        "explain_patch",
        "defend",
    } <= ended


def test_only_functions_with_words_are_tools(functions: list[Any]) -> None:
    tools = {one.api_name: one for one in functions if one.api_visibility == "public"}
    assert set(tools) == TOOLS
    for one in tools.values():
        assert "Returns:" in one.fn.__doc__
