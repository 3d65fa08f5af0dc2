from pathlib import Path

import cv2
import numpy as np
import pytest

from core.datasets import folders, lfw
from core.errors import UserError


def picture(value: int, suffix: str = ".png") -> bytes:
    pixels = np.full((8, 6, 3), (value, 20, 30), np.uint8)
    return cv2.imencode(suffix, pixels[..., ::-1])[1].tobytes()


def test_a_folder_of_people_is_read_in_order_and_in_rgb(tmp_path: Path) -> None:
    for person, file, value in (("zoe", "b.png", 3), ("zoe", "a.PNG", 2), ("adam", "x.png", 200)):
        (tmp_path / person).mkdir(exist_ok=True)
        (tmp_path / person / file).write_bytes(picture(value))
    (tmp_path / "zoe" / "notes.txt").write_text("no photo")
    (tmp_path / "zoe" / ".hidden.png").write_bytes(picture(0))
    (tmp_path / ".cache").mkdir()
    (tmp_path / "README.png").write_bytes(picture(0))
    found = folders.people(tmp_path)
    assert [photo.name for photo in found] == ["adam/x.png", "zoe/a.PNG", "zoe/b.png"]
    assert [photo.identity for photo in found] == ["adam", "zoe", "zoe"]
    assert found[0].pixels().shape == (8, 6, 3)
    assert found[0].pixels()[0, 0].tolist() == [200, 20, 30]


@pytest.mark.parametrize("data", [b"", b"not a picture", Path("nowhere.jpg")])
def test_what_is_no_picture_is_named(data: bytes | Path) -> None:
    with pytest.raises(UserError, match="someone/1"):
        folders.Photo("someone", "someone/1", data).pixels()


def write_parquet(path: Path, **columns: list[object]) -> None:
    arrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    parquet.write_table(arrow.table(columns), path)


def test_parquet_photos_are_filtered_by_source_and_named_by_stem(tmp_path: Path) -> None:
    path = tmp_path / "faces.parquet"
    write_parquet(
        path,
        identity=["A", "A", "B"],
        file=["A_0001.jpg", "A_0002.jpg", "B_1.jpg"],
        source=["lfw", "lfw", "film"],
        image=[picture(1), picture(2), picture(3)],
    )
    found = lfw.photos(path, "lfw")
    assert [(photo.identity, photo.name) for photo in found] == [("A", "A_0001"), ("A", "A_0002")]
    assert found[1].pixels()[0, 0, 0] == 2
    assert len(lfw.photos(path)) == 3


def test_names_shared_by_people_get_the_identity_in_front(tmp_path: Path) -> None:
    path = tmp_path / "orl.parquet"
    write_parquet(path, identity=["s1", "s2"], file=["1.pgm", "1.pgm"], image=[picture(1), picture(2)])
    assert [photo.name for photo in lfw.photos(path)] == ["s1/1", "s2/1"]


def test_pairs_know_their_kind_and_fold(tmp_path: Path) -> None:
    path = tmp_path / "pairs.txt"
    path.write_text("2\t1\nAnn\t1\t12\nAnn\t1\tBob\t3\nCy\t2\t4\nCy\t2\tDi\t1\n")
    assert lfw.pairs(path) == (
        lfw.Pair("Ann_0001", "Ann_0012", True, 0),
        lfw.Pair("Ann_0001", "Bob_0003", False, 0),
        lfw.Pair("Cy_0002", "Cy_0004", True, 1),
        lfw.Pair("Cy_0002", "Di_0001", False, 1),
    )


@pytest.mark.parametrize("text", ["1\t1\nAnn\t1\t2\n", "1\t1\nAnn\t1\t2\nAnn 1 2\n"])
def test_a_broken_pairs_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pairs.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match="pair"):
        lfw.pairs(path)


@pytest.mark.data
def test_the_published_pairs_are_balanced_and_mostly_at_hand(data_dir: Path) -> None:
    pairs = lfw.pairs(data_dir / "faces/lfw_pairs.txt")
    names = {photo.name for photo in lfw.photos(data_dir / "faces/lfw_expressions.parquet", "lfw")}
    assert len(pairs) == 6000
    assert sum(pair.genuine for pair in pairs) == 3000
    assert {pair.fold for pair in pairs} == set(range(10))
    assert sum(pair.first in names and pair.second in names for pair in pairs) == 5605
