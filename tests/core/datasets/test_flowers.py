"""Photographs of flowers from a file that is made here, and the real one where it is."""

from pathlib import Path

import cv2
import numpy as np
import pyarrow
import pyarrow.parquet as parquet
import pytest

from core.datasets import flowers
from core.datasets.flowers import CLASSES
from core.errors import Code, UserError


@pytest.fixture
def made(tmp_path: Path) -> Path:
    red = cv2.imencode(".png", np.full((8, 8, 3), (0, 0, 255), np.uint8))[1].tobytes()  # BGR
    blue = cv2.imencode(".png", np.full((8, 8, 3), (255, 0, 0), np.uint8))[1].tobytes()
    columns = {
        "split": ["train", "test", "train", "train"],
        "species": ["iris", "iris", "daisy", "oak"],
        "image": [red, blue, blue, red],
    }
    (tmp_path / flowers.FILE).parent.mkdir()
    parquet.write_table(pyarrow.table(columns), tmp_path / flowers.FILE)
    return tmp_path


def test_a_part_in_the_order_of_the_classes(made: Path) -> None:
    found = flowers.read(made, ("daisy", "iris"), "train")
    assert found.labels.tolist() == [1, 0] and found.pixels.shape == (2, 8, 8, 3)
    assert found.pixels[:, 0, 0].tolist() == [[255, 0, 0], [0, 0, 255]]
    assert len(flowers.read(made, ("daisy", "iris"), "test")) == 1


def test_what_is_not_there_is_said(made: Path, tmp_path: Path) -> None:
    for root, classes in ((made, ("elm",)), (tmp_path / "other", ("iris",))):
        with pytest.raises(UserError) as caught:
            flowers.read(root, classes, "train")
        assert caught.value.code is Code.FILE_UNREADABLE


@pytest.mark.data
def test_the_real_file_has_sixty_and_twenty_of_each(data_dir: Path) -> None:
    for part, each in (("train", 60), ("test", 20)):
        found = flowers.read(data_dir, CLASSES, part)
        assert np.bincount(found.labels).tolist() == [each] * 12
        assert found.pixels.shape[1:] == (160, 160, 3)
