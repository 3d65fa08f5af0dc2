"""Readers of re-identification and face sets, on layouts made as they were published."""

import cv2
import numpy as np
import pytest

from core.datasets import celeba_hq, dukemtmc, market1501, mot_crops, pubfig
from core.errors import Code, UserError


def put(root, *names, text=""):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def refused(call, code=Code.LABELS_INVALID):
    with pytest.raises(UserError) as caught:
        call()
    assert caught.value.code == code
    assert caught.value.hint


def summary(sightings):
    return [(seen.identity, seen.camera, seen.photo.name) for seen in sightings]


def test_market_drops_junk_and_keeps_distractors_in_the_gallery_alone(tmp_path):
    inside = tmp_path / "Market-1501-v15.09.15"
    put(inside, "bounding_box_train/0002_c1s1_000451_03.jpg", "bounding_box_train/0000_c1s1_000451_04.jpg")
    put(inside, "query/0001_c6s2_001051_00.jpg", "query/Thumbs.db", "query/.hidden.jpg")
    put(
        inside,
        "bounding_box_test/-1_c1s1_000401_03.jpg",
        "bounding_box_test/0000_c2s1_000151_01.jpg",
        "bounding_box_test/0001_c1s1_001051_00.jpg",
    )
    for root in (tmp_path, inside):
        found = market1501.read(root)
        assert summary(found.training) == [(2, 1, "bounding_box_train/0002_c1s1_000451_03.jpg")]
        assert summary(found.query) == [(1, 6, "query/0001_c6s2_001051_00.jpg")]
        assert summary(found.gallery) == [
            (0, 2, "bounding_box_test/0000_c2s1_000151_01.jpg"),
            (1, 1, "bounding_box_test/0001_c1s1_001051_00.jpg"),
        ]


def test_duke_has_its_own_names(tmp_path):
    put(tmp_path, "DukeMTMC-reID/bounding_box_train/0001_c2_f0046182.jpg")
    put(tmp_path, "DukeMTMC-reID/query/0005_c2_f0046985.jpg")
    put(tmp_path, "DukeMTMC-reID/bounding_box_test/0005_c8_f0044158.jpg")
    found = dukemtmc.read(tmp_path)
    assert summary(found.training) == [(1, 2, "bounding_box_train/0001_c2_f0046182.jpg")]
    assert summary(found.gallery) == [(5, 8, "bounding_box_test/0005_c8_f0044158.jpg")]


def test_a_set_of_people_that_lacks_something_is_refused(tmp_path):
    refused(lambda: market1501.read(tmp_path / "nowhere"))
    put(tmp_path, "bounding_box_train/0002_c1s1_000451_03.jpg", "query/0001_c6s2_001051_00.jpg")
    refused(lambda: market1501.read(tmp_path))
    put(tmp_path, "bounding_box_test/-1_c1s1_000401_03.jpg")
    refused(lambda: market1501.read(tmp_path))  # nothing but junk
    put(tmp_path, "bounding_box_test/somebody.jpg")
    refused(lambda: market1501.read(tmp_path))


def test_celeba_hq_by_its_identity_file(tmp_path):
    put(tmp_path, *(f"CelebA-HQ-img/{number}.jpg" for number in (0, 2, 10, 11)))
    put(tmp_path, "CelebA-HQ-identity.txt", text="10.jpg 7\n0.jpg 9\n2.jpg 7\n5.jpg 7\n11.jpg 7\n")
    found = celeba_hq.read(tmp_path)
    assert [(photo.identity, photo.name) for photo in found] == [
        ("7", "CelebA-HQ-img/2.jpg"),
        ("7", "CelebA-HQ-img/10.jpg"),
        ("7", "CelebA-HQ-img/11.jpg"),
    ]
    assert len(celeba_hq.read(tmp_path, least=1)) == 4
    refused(lambda: celeba_hq.read(tmp_path, least=4))


def test_celeba_hq_by_the_mapping_to_celeba(tmp_path):
    put(tmp_path, "CelebA-HQ-img/0.jpg", "CelebA-HQ-img/1.jpg")
    refused(lambda: celeba_hq.read(tmp_path))
    put(
        tmp_path,
        "CelebA-HQ-to-CelebA-mapping.txt",
        text="idx  orig_idx  orig_file\n0  119613  119614.jpg\n1  99094  099095.jpg\n",
    )
    refused(lambda: celeba_hq.read(tmp_path))
    put(tmp_path, "identity_CelebA.txt", text="099095.jpg 42\n119614.jpg 42\n000001.jpg 2880\n")
    assert [photo.identity for photo in celeba_hq.read(tmp_path)] == ["42", "42"]
    put(tmp_path, "identity_CelebA.txt", text="099095.jpg\n")
    refused(lambda: celeba_hq.read(tmp_path))


def test_pubfig(tmp_path):
    put(tmp_path, "Abhishek Bachan/1.jpg", "Zac_Efron/Zac_Efron_0012.jpg", "Zac_Efron/portrait.jpg")
    put(tmp_path, "dev_people.txt", text="# PubFig Dataset v1.2 - dev_people.txt\nAbhishek Bachan\n")
    put(tmp_path, "eval_people.txt", text="# comment\nZac Efron\n")
    rows = "# PubFig\n#\tperson\timagenum\turl\trect\tmd5sum\nZac Efron\t12\tan address\t10,20,110,120\tabc\n"
    put(tmp_path, "eval_urls.txt", text=rows)
    everybody = [(one.photo.identity, one.photo.name, one.face) for one in pubfig.read(tmp_path)]
    assert everybody == [
        ("Abhishek Bachan", "Abhishek Bachan/1.jpg", None),
        ("Zac Efron", "Zac_Efron/Zac_Efron_0012.jpg", (10, 20, 110, 120)),
        ("Zac Efron", "Zac_Efron/portrait.jpg", None),
    ]
    assert [one.photo.identity for one in pubfig.read(tmp_path, "dev")] == ["Abhishek Bachan"]
    assert len(pubfig.read(tmp_path, "eval")) == 2
    put(tmp_path, "eval_urls.txt", text="Zac Efron\t12\tan address\t10,20,110\n")
    refused(lambda: pubfig.read(tmp_path))
    (tmp_path / "dev_people.txt").unlink()
    refused(lambda: pubfig.read(tmp_path, "dev"))
    refused(lambda: pubfig.read(tmp_path / "nowhere"))


def test_mot_crops(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    picture = cv2.imencode(".png", np.full((8, 4, 3), 200, np.uint8))[1].tobytes()
    table = pyarrow.table(
        {
            "sequence": ["MOT17-02", "MOT17-04", "MOT17-04"],
            "identity": [3, 3, 1],
            "frame": [1, 2, 1],
            "image": [picture] * 3,
        }
    )
    refused(lambda: mot_crops.read(tmp_path, ("MOT17-04",)), Code.FILE_UNREADABLE)
    (tmp_path / "reid").mkdir()
    parquet.write_table(table, tmp_path / mot_crops.FILE)
    found = mot_crops.read(tmp_path, ("MOT17-04",))
    assert summary(found) == [(4003, 4, "MOT17-04/3/2"), (4001, 4, "MOT17-04/1/1")]
    assert found[0].photo.pixels().shape == (8, 4, 3)
    assert not {*mot_crops.TRAINING} & {*mot_crops.HELD_OUT}
