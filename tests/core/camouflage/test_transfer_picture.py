"""The picture of the transfer matrix shows what the figures say."""

import io

import numpy as np
import PIL.Image
import pytest

from core.camouflage.transfer import matrix
from core.camouflage.transfer_picture import label, picture
from tests.core.camouflage.test_transfer import figure

GREEN, RED = (15, 122, 109), (200, 67, 44)


def drawn(*figures, left_out=None) -> np.ndarray:
    table = matrix(list(figures), left_out or {})
    return np.asarray(PIL.Image.open(io.BytesIO(picture(table, {}, 0.01))).convert("RGB"), np.int16)


def cells(pixels: np.ndarray, color: tuple[int, int, int]) -> int:
    return int((np.abs(pixels - color).max(2) < 6).sum())


def test_what_is_rejected_is_green_and_what_is_accepted_red() -> None:
    rejected, accepted = drawn(figure("a", "unseen", 0.0, None)), drawn(figure("a", "unseen", 1.0, None))
    assert cells(rejected, GREEN) == pytest.approx(
        cells(rejected, RED), rel=0.05
    )  # clean above, painted below
    assert cells(accepted, GREEN) == 0 and cells(accepted, RED) > 1.9 * cells(rejected, RED)


def test_every_row_and_column_has_its_place() -> None:
    few = [figure("a", "unseen", 0.0, None)]
    more = drawn(*few, figure("b", "unseen", 0.0, None))
    longer = drawn(*few, left_out={"a": few})
    assert more.shape[1] > drawn(*few).shape[1]
    assert longer.shape[0] > drawn(*few).shape[0]


def test_the_same_figures_give_the_same_bytes() -> None:
    table = matrix([figure("a", "optimised", 0.3)])
    assert picture(table, {"a": "A"}, 0.01) == picture(table, {"a": "A"}, 0.01)
    assert picture(table, {"a": "A"}, 0.01) != picture(table, {"a": "B"}, 0.01)


def test_rows_are_named_for_people() -> None:
    assert label("without a", {"a": "A net (2020)"}) == "searched without A net (2020)"
    assert label("clean", {}) == "clean photos"
