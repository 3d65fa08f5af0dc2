"""Published sets in their own layouts: who goes in, whom cameras take out, and the command on each."""

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from core.__main__ import main
from core.datasets.expressions import part
from core.datasets.folders import Photo
from core.errors import Code, UserError
from core.faces import align, find_batch
from core.patches import generator, victims
from core.patches.evaluate import Outcome
from core.patches.generator import About
from core.reid import pedestrians, resnet
from core.training import patch_command, patch_evaluation, patch_people, patch_sets
from core.training.example_index import FOLDER, Index, file_name
from core.training.patch_people import People
from core.types import Face, Pixels
from tests.core.patches.patch_fakes import TinyPerson, face_victim

NAMES = {"market1501": "{:04d}_c{}s1_{:06d}_00.jpg", "dukemtmc": "{:04d}_c{}_f{:07d}.jpg"}
FOUND = [("1", "1"), ("1", "2"), ("2", "1"), ("2", "2"), ("3", "1"), ("3", "2")]


def person(name: str) -> victims.PersonVictim:
    return victims.PersonVictim(TinyPerson(name, 256, 128, len(name)))


def put(path: Path, pixels: Pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels[..., ::-1])


def write_persons(root: Path, layout: str) -> None:
    """Three people by two cameras, a fourth by one, two distractors, a piece of junk, and training people."""
    rows = [(who, camera, time) for who in (1, 2, 3) for camera in (1, 2) for time in (0, 1)]
    rows += [(4, 1, 0), (4, 1, 1), (0, 1, 0), (0, 2, 0)]
    for (who, camera, time), pixels in zip(rows, pedestrians.batch(7, np.array(rows)), strict=True):
        folder = "query" if who and time == 0 else "bounding_box_test"
        put(root / folder / NAMES[layout].format(who, camera, time), pixels)
    junk = root / "bounding_box_test" / NAMES[layout].format(1, 2, 9).replace("0001", "-1", 1)
    put(junk, np.zeros((64, 32, 3), np.uint8))
    for who in range(10, 40):
        for camera in (1, 2):
            put(root / "bounding_box_train" / NAMES[layout].format(who, camera, 0),
                np.full((64, 32, 3), 5 * who, np.uint8))  # fmt: skip


def saved(path: Path, about: About) -> list[str]:
    generator.save(generator.PatchGenerator(about), path)
    return ["evaluate", "patch-generator", str(path)]


def table(command: list[str], out: Path) -> list[dict[str, Any]]:
    assert main([*command, "--out", str(out)]) == 0
    found: list[dict[str, Any]] = json.loads(out.read_text())
    return found


@pytest.mark.parametrize("layout", patch_sets.PERSONS)
def test_a_set_with_cameras_brings_its_queries_and_gallery(tmp_path: Path, layout: str) -> None:
    write_persons(tmp_path, layout)
    probes, gallery = patch_sets.search(layout, tmp_path)
    assert probes.cameras is not None and gallery.cameras is not None
    assert list(zip(probes.identities, probes.cameras, strict=True)) == FOUND  # nobody films the fourth again
    assert len(gallery) == 6 + 1 + 2
    assert sorted(set(gallery.identities)) == ["1", "2", "3", "4", "distractor 0", "distractor 1"]
    assert probes.pictures.shape == (6, 3, 256, 128)
    assert 0 <= probes.pictures.min() < 0.5 < probes.pictures.max() <= 1
    some, everyone = patch_sets.search(layout, tmp_path, 2)
    assert set(some.identities) == {"1", "2"} and len(everyone) == len(gallery)
    with pytest.raises(UserError) as problem:
        patch_sets.search(layout, tmp_path, 1)
    assert problem.value.code is Code.LABELS_INVALID


def test_pictures_of_the_probes_own_camera_do_not_count(tmp_path: Path) -> None:
    grey, other = np.full((256, 128, 3), 90, np.uint8), np.full((256, 128, 3), 200, np.uint8)
    for who, camera, folder, pixels in (
        (1, 1, "query", grey), (1, 1, "bounding_box_test", grey), (1, 2, "bounding_box_test", other),
        (2, 1, "query", other), (2, 2, "bounding_box_test", grey), (3, 1, "bounding_box_train", grey),
    ):  # fmt: skip
        put(tmp_path / folder / NAMES["market1501"].format(who, camera, 0), pixels)
    probes, gallery = patch_sets.search("market1501", tmp_path)
    model = generator.PatchGenerator(About("evasion", "persons", ("torso",), ("a",), 32, 32))
    *_, last = patch_evaluation.compare(model, probes, gallery, [person("a")], [])
    assert isinstance(last, Outcome)
    clean = last.verdicts[0].clean
    # The first one's copy is its own camera's, the second one's copy is the first one's in every other way:
    # the only right answers come last, of two and of three.
    assert clean.first_hit.tolist() == [2, 3]
    assert clean.average_precision.tolist() == [1 / 2, 1 / 3]


@pytest.mark.parametrize("layout", patch_sets.PERSONS)
def test_the_command_judges_a_set_with_cameras(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], layout: str
) -> None:
    write_persons(tmp_path, layout)
    monkeypatch.setattr(victims, "KINDS", {"persons": person})
    read: list[Path] = []

    def from_file(path: Path) -> TinyPerson:
        read.append(path)
        return TinyPerson("resnet50-reid", 256, 128)

    monkeypatch.setattr(resnet, "read", from_file)
    command = saved(tmp_path / "g.safetensors", About("evasion", "persons", ("torso",), ("a", "bb"), 32, 32))
    command += ["--data", str(tmp_path), "--layout", layout, "--unseen", "ccc,resnet50=some/where.pth"]
    found = table(command, tmp_path / "found.json")
    assert read == [Path("some/where.pth")]
    assert [row["encoder"] for row in found[:5]] == ["a", "bb", "ccc", "resnet50-reid", "ensemble"]
    assert [row["box"] for row in found[:4]] == ["white", "white", "black", "black"]
    assert {(row["probes"], row["people"]) for row in found} == {(6, 3)}
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("6 pictures of 3 people, looked for among 9;")
    assert [line.split()[0] for line in printed[1::5]] == ["generator", "random", "noise", "natural"]


@pytest.mark.parametrize("layout", patch_sets.PERSONS)
def test_training_takes_the_sets_own_training_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    write_persons(tmp_path, layout)
    monkeypatch.setattr(victims, "KINDS", {"persons": person})
    asked: list[People] = []

    def recipe(*given: Any, **_: Any) -> None:
        asked.extend(given[3:5])
        raise UserError(Code.OPTION_RANGE, "Enough.", "Nothing.")

    monkeypatch.setattr("core.training.patch_generator.recipe", recipe)
    command = ["train", "patch-generator", "--kind", "persons", "--victims", "a", "--slots", "torso"]
    assert main([*command, "--data", str(tmp_path), "--out", str(tmp_path / "o"), "--layout", layout]) == 1
    training, validation = (set(one.identities) for one in asked)
    assert training | validation == {str(who) for who in range(10, 40)} and not training & validation
    assert len(training) > 20 and {part(name) for name in validation} == {"validation"}


def faces(count: int, wanted: str) -> list[str]:
    """Numbers of people of one part."""
    return [name for name in map(str, range(1000)) if part(name) == wanted][:count]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A finder that sees one face in the left half of a photo and a larger one in the right."""
    looked: list[int] = []

    def find(pictures: list[Pixels]) -> tuple[tuple[Face, ...], ...]:
        looked.append(len(pictures))
        five = np.array([[30, 40], [50, 40], [40, 52], [32, 60], [48, 60]], np.float32)
        right, left = Face((80, 0, 200, 96), 1.0, five + np.float32([80, 0])), Face((0, 0, 80, 96), 1.0, five)
        return tuple((right, left) for _ in pictures)

    monkeypatch.setattr(patch_people, "find_batch", find)
    return looked


def two_faces(level: int) -> Pixels:
    """160×96: the left half is dark, the right half as bright as asked."""
    pixels = np.full((96, 160, 3), 20, np.uint8)
    pixels[:, 80:] = level
    return pixels


def gathered(*given: Any, **wanted: Any) -> People:
    *_, last = patch_people.gather(*given, **wanted)
    assert isinstance(last, People)
    return last


def test_celeba_hq_is_divided_by_person(tmp_path: Path, seen: list[int]) -> None:
    lines, number = [], 0
    for wanted in ("training", "validation", "test"):
        for who in faces(3, wanted):
            for _ in range(3):
                put(tmp_path / f"CelebA-HQ-img/{number}.jpg", two_faces(100 + number))
                lines.append(f"{number}.jpg {who}")
                number += 1
    (tmp_path / "CelebA-HQ-identity.txt").write_text("\n".join(lines))
    given = tmp_path, "faces", "test", tmp_path / "keep", (224, 224)
    test = gathered(*given, layout="celeba_hq", each=2)
    assert list(dict.fromkeys(test.identities)) == faces(3, "test") and test.pixels.shape == (6, 224, 224, 3)
    assert gathered(*given, layout="celeba_hq", each=2).pixels.shape == test.pixels.shape
    assert seen == [6]  # what was found is kept
    training = gathered(tmp_path, "faces", "training", tmp_path / "keep", (224, 224), layout="celeba_hq")
    assert set(training.identities) == set(faces(3, "training"))
    with pytest.raises(UserError) as problem:
        gathered(*given, layout="celeba_hq", least=4)
    assert problem.value.code is Code.LABELS_INVALID


def test_faces_of_a_set_are_found_and_aligned(tmp_path: Path) -> None:
    whole = []
    for number, (who, view) in enumerate((who, view) for who in (0, 1) for view in ("frontal", "light")):
        name = list(Index.load().people)[who]
        (tmp_path / "CelebA-HQ-img").mkdir(exist_ok=True)
        file = shutil.copy(FOLDER / file_name(name, view), tmp_path / f"CelebA-HQ-img/{number}.jpg")
        with (tmp_path / "CelebA-HQ-identity.txt").open("a") as lines:
            lines.write(f"{number}.jpg {faces(2, 'test')[who]}\n")
        pixels = Photo("", "", file).pixels()
        whole.append(align.align(pixels, find_batch([pixels])[0][0]))
    test = gathered(tmp_path, "faces", "test", tmp_path / "keep", (224, 224), layout="celeba_hq")
    assert test.identities.tolist() == list(np.repeat(faces(2, "test"), 2))
    assert np.abs(test.pixels.astype(int) - np.stack(whole)).mean() < 1


def write_pubfig(root: Path, cut: bool = True) -> None:
    """Three people to evaluate on, many to develop with; the left face is theirs where the list says so."""
    persons = {"dev": [f"Dev {number}" for number in range(30)], "eval": ["Ann Lee", "Bo Ray", "Cy Fox"]}
    for name, members in persons.items():
        (root / f"{name}_people.txt").write_text("# PubFig\n" + "\n".join(members))
        rows = [f"{who}\t{one}\thttp\t10,10,70,80\tabc" for who in members for one in (1, 2)]
        (root / f"{name}_urls.txt").write_text("# PubFig\n" + "\n".join(rows if cut else []))
        for number, who in enumerate(members):
            for one in (1, 2):
                put(root / who / f"{one}.jpg", two_faces(100 + 5 * number))


def test_pubfig_evaluates_on_its_own_people_and_takes_the_face_that_the_list_names(
    tmp_path: Path, seen: list[int]
) -> None:
    write_pubfig(tmp_path)
    test = gathered(tmp_path, "faces", "test", tmp_path / "keep", (224, 224), layout="pubfig")
    assert list(dict.fromkeys(test.identities)) == ["Ann Lee", "Bo Ray", "Cy Fox"]
    assert test.pixels[:, 100:124, 100:124].max() < 60  # the left face
    training, validation = (
        gathered(tmp_path, "faces", wanted, tmp_path / "keep", (224, 224), layout="pubfig")
        for wanted in ("training", "validation")
    )
    names = set(training.identities), set(validation.identities)
    assert names[0] | names[1] == {f"Dev {number}" for number in range(30)} and not names[0] & names[1]
    copy = tmp_path / "copy"  # another one's pictures have the same names
    copy.mkdir()
    write_pubfig(copy, cut=False)
    other = gathered(copy, "faces", "test", tmp_path / "keep", (224, 224), layout="pubfig")
    assert other.pixels[:, 100:124, 100:124].min() > 60


def test_no_face_where_the_list_says_so_leaves_the_photo_out(tmp_path: Path, seen: list[int]) -> None:
    write_pubfig(tmp_path)
    lists = tmp_path / "eval_urls.txt"
    lists.write_text(lists.read_text().replace("10,10,70,80", "10,200,70,300"))
    with pytest.raises(UserError) as problem:
        gathered(tmp_path, "faces", "test", tmp_path / "keep", (224, 224), layout="pubfig")
    assert problem.value.code is Code.NO_FACE


@pytest.mark.parametrize("layout", patch_sets.FACES)
def test_the_command_judges_a_set_of_faces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: list[int], layout: str
) -> None:
    write_pubfig(tmp_path)
    for number, who in enumerate(2 * faces(3, "test")):
        put(tmp_path / f"CelebA-HQ-img/{number}.jpg", two_faces(100 + 5 * number))
        with (tmp_path / "CelebA-HQ-identity.txt").open("a") as lines:
            lines.write(f"{number}.jpg {who}\n")
    monkeypatch.setattr(victims, "KINDS", {"faces": lambda name: face_victim(name, len(name))})
    command = saved(tmp_path / "g.safetensors", About("evasion", "faces", ("glasses",), ("a", "bb"), 32, 32))
    found = table([*command, "--data", str(tmp_path), "--layout", layout], tmp_path / "found.json")
    assert [row["encoder"] for row in found[:3]] == ["a", "bb", "ensemble"]
    assert {(row["probes"], row["people"]) for row in found} == {(3, 3)}


def test_a_bad_folder_or_a_set_of_the_other_kind_ends_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(victims, "KINDS", {"persons": person, "faces": face_victim})
    persons = saved(tmp_path / "p.safetensors", About("evasion", "persons", ("torso",), ("a",), 32, 32))
    heads = saved(tmp_path / "f.safetensors", About("evasion", "faces", ("glasses",), ("a",), 32, 32))
    wrong = ("market1501 is no set of faces.", "celeba_hq is no set of persons.")
    for command, layout, said in (
        *((persons, name, "lacks labelled pictures") for name in patch_sets.PERSONS),
        (heads, "celeba_hq", "does not say who is who"), (heads, "pubfig", "does not say who belongs"),
        (heads, "market1501", wrong[0]), (persons, "celeba_hq", wrong[1]),
    ):  # fmt: skip
        assert main([*command, "--data", str(tmp_path / "nowhere"), "--layout", layout]) == 1
        told = capsys.readouterr().err.splitlines()
        assert said in told[-2] and told[-1] and "Traceback" not in "".join(told)
    write_persons(tmp_path / "m", "market1501")
    torn = next((tmp_path / "m" / "query").iterdir())
    torn.write_bytes(torn.read_bytes()[:20])
    assert main([*persons, "--data", str(tmp_path / "m"), "--layout", "market1501"]) == 1
    assert f"query/{torn.name} cannot be decoded" in capsys.readouterr().err
    command = [*persons, "--data", str(tmp_path), "--unseen", f"resnet50={tmp_path / 'none.pth'}"]
    assert main([*command, "--drawn", "2"]) == 1
    assert "none.pth is not a checkpoint" in capsys.readouterr().err


def test_every_layout_can_be_asked_for() -> None:
    assert (*patch_sets.PERSONS, *patch_sets.FACES) == patch_command.LAYOUTS
