import numpy as np
import pytest
import torch

from benchmarks import flowers


def test_the_nearest_of_a_bank_by_direction() -> None:
    bank = np.array([[1.0, 0.0], [0.0, 5.0]])
    distance, which = flowers.nearest(np.array([[0.0, 1.0], [3.0, 0.0], [1.0, 1.0]]), bank)
    assert which.tolist()[:2] == [1, 0]
    assert distance == pytest.approx([0, 0, 1 - 0.5**0.5])


def test_a_copy_has_no_distance_and_another_picture_has() -> None:
    pictures = torch.rand(3, 3, 64, 64)
    shifted = flowers.apart(pictures + 0.1, pictures)
    assert flowers.apart(pictures, pictures) == pytest.approx(0, abs=1e-6)
    assert shifted == pytest.approx(0.1, abs=1e-4)


def test_a_sheet_is_read_back_as_it_was(tmp_path) -> None:  # type: ignore[no-untyped-def]
    import cv2

    red = torch.zeros(4, 3, 8, 8)
    red[:, 0] = 1
    flowers.sheet(red, 2, tmp_path / "sheet.png")
    found = cv2.imread(str(tmp_path / "sheet.png"), cv2.IMREAD_COLOR_RGB)
    assert found.shape == (16, 16, 3) and found[0, 0].tolist() == [255, 0, 0]
