"""Errors, registry, settings and the shared types."""

import dataclasses
import os

import numpy as np
import pytest

from core.errors import Code, UserError
from core.registry import Registry
from core.settings import Settings, share_processors
from core.types import Face, Image


def test_a_registry_builds_what_was_registered_in_order() -> None:
    family: Registry[int] = Registry("number")
    family.register("two")(lambda: 2)
    family.register("one")(lambda add=0: 1 + add)
    assert list(family) == ["two", "one"] and "one" in family and len(family) == 2
    assert family.create("one", add=4) == 5


def test_a_name_is_registered_once() -> None:
    family: Registry[int] = Registry("number")
    family.register("one")(lambda: 1)
    with pytest.raises(ValueError, match="twice"):
        family.register("one")(lambda: 2)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    family: Registry[int] = Registry("number")
    family.register("one")(lambda: 1)
    with pytest.raises(UserError) as caught:
        family.create("three")
    assert caught.value.code is Code.OPTION_RANGE and "one" in caught.value.hint


def test_waiting_threads_give_up_their_core_unless_somebody_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    share_processors()
    assert os.environ["GOMP_SPINCOUNT"] == "1000"
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    share_processors()
    assert os.environ["GOMP_SPINCOUNT"] == "7"


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACET_MAX_PIXELS", "1e6")
    monkeypatch.setenv("FACET_OFFLINE", "1")
    chosen = Settings.from_environment()
    assert chosen.max_pixels == 1_000_000 and chosen.offline
    monkeypatch.setenv("FACET_OFFLINE", "0")
    assert not Settings.from_environment().offline


def test_a_setting_that_is_no_number_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACET_QUEUE_SIZE", "many")
    with pytest.raises(ValueError, match="FACET_QUEUE_SIZE"):
        Settings.from_environment()


def test_an_image_is_rgb_bytes_that_nobody_changes() -> None:
    image = Image(np.zeros((4, 6, 3), np.uint8))
    assert (image.height, image.width) == (4, 6)
    with pytest.raises(ValueError, match="read-only"):
        image.pixels[0, 0] = 1
    for wrong in (np.zeros((4, 6), np.uint8), np.zeros((4, 6, 4), np.uint8), np.zeros((4, 6, 3))):
        with pytest.raises(ValueError, match="uint8 RGB"):
            Image(wrong)  # type: ignore[arg-type]


def test_a_face_measures_its_eye_distance() -> None:
    five = np.array([[0, 0], [3, 4], [0, 0], [0, 0], [0, 0]], np.float32)
    face = Face((0, 0, 1, 1), 0.9, five)
    assert face.eye_distance == pytest.approx(5.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        face.score = 1.0  # type: ignore[misc]
