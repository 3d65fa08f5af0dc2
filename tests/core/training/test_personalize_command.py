"""``personalize sources`` and ``personalize evaluate`` on small made data sets."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from core import vision_language
from core.__main__ import main
from core.errors import Code, UserError
from core.personalize import bundled, watch
from core.personalize.evaluate import Clip
from core.personalize.files import load_sources
from core.personalize.methods import ZeroShot
from core.personalize.options import ABLATIONS, Options, ablate
from core.personalize.watch import Pace
from core.training import personal_clips, personal_data, personal_evaluation, personal_sources
from core.training.personal_evaluation import FULL
from core.training.personalize_command import LAYOUTS
from core.types import Face
from core.vision_language import cards
from core.vision_language.facet import CARD
from tests.core.personalize.personalize_fakes import DIM, SCALE, Quarters, texts

EXAMPLES = Path(__file__).parents[3] / "demos" / "abaw" / "examples"
COLOURS = {"warm": (200, 60, 40), "cold": (40, 60, 200)}
PROMPTS = ["--classes", "warm,cold", "--prompts", "red|blue"]


IDENTITY = Quarters().card.identity


class Colours(Quarters):
    """A model that knows the sentences "red" and "blue"."""

    def _texts(self, sentences):
        rows = {"red": COLOURS["warm"], "blue": COLOURS["cold"]}
        pixels = torch.tensor([rows[sentence] for sentence in sentences]).float() / 255
        return self._images(pixels[:, :, None, None].expand(-1, -1, 2, 2))


@pytest.fixture
def model(monkeypatch):
    """In place of any model, with a face detector that takes every picture but black ones for a face."""
    made = Colours()

    def find(pictures):
        five = np.zeros((5, 2), np.float32)
        return tuple(
            (Face((0.0, 0.0, pixels.shape[1], pixels.shape[0]), 0.9, five),) if pixels.any() else ()
            for pixels in pictures
        )

    monkeypatch.setattr(vision_language, "load", lambda name: made)
    monkeypatch.setattr(watch, "find_batch", find)
    return made


def put(folder, colour, count, seed=0):
    """A clip of pictures around a colour."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for number in range(count):
        pixels = np.clip(np.array(colour) + rng.normal(0, 12, (24, 20, 3)), 0, 255) if any(colour) else 0
        picture = np.zeros((24, 20, 3), np.uint8)
        picture[:] = pixels
        cv2.imwrite(str(folder / f"{number:03d}.png"), picture[..., ::-1])


def people(root, names=("ann", "bob"), seed=0):
    for place, name in enumerate(names):
        for shown, colour in COLOURS.items():
            for clip in range(2):
                put(root / name / shown / f"clip{clip}", colour, 4, seed + 10 * place + clip)
    return root


def evaluated(tmp_path, *rest):
    report = tmp_path / "report.json"
    assert (
        main(["personalize", "evaluate", str(tmp_path / "set"), *PROMPTS, *rest, "--out", str(report)]) == 0
    )
    return json.loads(report.read_text())


def sources(root, out, *rest):
    return main(["personalize", "sources", str(root), str(out), "--classes", "warm,cold", *rest])


def test_sources_are_made_and_what_cannot_be_read_is_told(model, tmp_path, capsys):
    root, out = people(tmp_path / "set"), tmp_path / "new" / "people.safetensors"
    put(root / "ann" / "warm" / "dark", (0, 0, 0), 2)
    put(root / "ann" / "bored" / "one", (9, 9, 9), 2)
    (root / "bob" / "cold" / "broken.mp4").write_bytes(b"no video at all" * 50)
    put(root / "bob" / "cold" / "torn", (9, 9, 9), 1)
    (root / "bob" / "cold" / "torn" / "000.png").write_bytes(b"")
    assert sources(root, out) == 0
    told = capsys.readouterr().out
    assert "other classes are left out: bored" in told
    assert "ann/dark is left out: No face" in told and "bob/broken is left out" in told
    assert "bob/torn is left out: The picture 000.png" in told
    assert "2 people, 8 clips, 32 frames" in told and "4 prototypes: warm 2, cold 2" in told
    found = load_sources(out.read_bytes(), ("warm", "cold"), IDENTITY, 12)
    assert sorted(found.statistics) == ["ann", "bob"] and found.statistics["ann"].frames == 16


def test_anonymous_sources_hold_no_name_and_neither_do_kept_embeddings(model, tmp_path):
    root, out = people(tmp_path / "set", ("Bobby", "Anna")), tmp_path / "people.safetensors"
    assert sources(root, out, "--anonymous") == 0
    found = load_sources(out.read_bytes(), ("warm", "cold"), IDENTITY, 12)
    assert sorted(found.statistics) == ["source-001", "source-002"]
    kept = list((tmp_path / "people.clips").rglob("*.safetensors"))
    assert len(kept) == 8
    for file in (out, *kept):
        whole = str(file.relative_to(tmp_path)).encode() + file.read_bytes()
        assert b"Anna" not in whole and b"Bobby" not in whole


def test_a_second_call_goes_on_where_the_first_one_stopped(model, tmp_path, capsys):
    root, out = people(tmp_path / "set"), tmp_path / "people.safetensors"
    assert sources(root, out) == 0
    first, seen = out.read_bytes(), model.cuts
    kept = next((tmp_path / "people.clips").rglob("*.safetensors"))
    (root / "ann").rename(root / "anna")
    put(root / "carl" / "cold" / "new", COLOURS["cold"], 3, 99)
    assert sources(root, out) == 0
    assert model.cuts == seen + 3 and "8 of 9 clips were read before" in capsys.readouterr().out
    (root / "anna").rename(root / "ann")
    (root / "carl").rename(tmp_path / "carl")
    kept.write_bytes(kept.read_bytes()[:40])
    assert sources(root, out) == 0
    assert model.cuts == seen + 3 + 4  # the damaged one was read again
    one, other = (load_sources(data, ("warm", "cold"), IDENTITY, 12) for data in (first, out.read_bytes()))
    assert one.prototypes.owners == other.prototypes.owners
    np.testing.assert_array_equal(one.prototypes.vectors, other.prototypes.vectors)
    assert sources(root, out, "--rate", "2") == 0
    assert model.cuts == seen + 3 + 4 + 32  # another rate is another folder


def test_figures_are_those_of_the_labels(model, tmp_path, capsys):
    root = people(tmp_path / "set", ("ann", "bob", "carl"))
    put(root / "bob" / "cold" / "wrong", COLOURS["warm"], 4)
    found = evaluated(tmp_path, "--methods", f"tda,{FULL},zero-shot")
    assert (found["people"], found["clips"], found["frames"]) == (3, 13, 52)
    assert found["classes"] == {"warm": "red", "cold": "blue"} and found["left out"] == []
    plain = found["methods"]["zero-shot"]
    assert plain["pooled"]["WAR"] == pytest.approx(12 / 13)
    assert plain["pooled"]["UAR"] == pytest.approx((1 + 6 / 7) / 2)
    assert plain["people"]["bob"]["WAR"] == pytest.approx(4 / 5) and plain["people"]["bob"]["samples"] == 5
    assert plain["people"]["ann"] == {"WAR": 1, "UAR": 1, "macro-F1": 1, "samples": 4}
    assert plain["mean over people"]["WAR"] == pytest.approx((1 + 4 / 5 + 1) / 3)
    assert plain["intervals"]["WAR"]["low"] < 12 / 13 <= plain["intervals"]["WAR"]["high"]
    assert plain["minus"] == {} and set(found["methods"]["TDA"]["minus"]) == {"zero-shot"}
    difference = found["methods"][FULL]["minus"]["TDA"]["macro-F1"]
    assert difference["clusters"] == 3 and difference["estimate"] == pytest.approx(
        found["methods"][FULL]["pooled"]["macro-F1"] - found["methods"]["TDA"]["pooled"]["macro-F1"]
    )
    told = capsys.readouterr().out
    assert "3 people, 13 clips, 52 frames" in told and 'warm: "red"' in told
    assert "92.3 (" in next(line for line in told.splitlines() if line.startswith("zero-shot"))


def test_all_methods_are_there_for_which_there_is_what_they_need():
    given = texts(2), SCALE, Options()
    plain = ["zero-shot", "TDA", "entropy tuning a frame", "entropy tuning a video"]
    ablations = [name for name in ABLATIONS if name not in personal_evaluation.OF_SOURCES]
    assert list(personal_evaluation.methods(*given)) == [*plain, FULL, *ablations]
    clips = [Clip("ann", "", texts(2)[:1], 0)]
    lent = personal_sources.made(clips, ("a", "b"), "made-up")
    shots = {"ann": (texts(2)[:1], np.array([0]))}
    found = personal_evaluation.methods(*given, lent, shots=shots)
    assert list(found) == [*plain, "Tip-Adapter", FULL, *ABLATIONS]
    assert personal_evaluation.names(False, False) == (*plain, FULL, *ablations)
    assert personal_evaluation.names(True, True) == tuple(found)
    assert personal_evaluation.names(True, False, "no gates, tda") == ("no gates", "TDA")
    assert found["no gates"].options == ablate(Options(), "no gates")
    assert found["no gates"].sources is lent


def test_one_person_has_figures_without_intervals(model, tmp_path):
    people(tmp_path / "set", ("ann",))
    found = evaluated(tmp_path, "--methods", "tda, zero-shot")
    assert list(found["methods"]) == ["zero-shot", "TDA"]
    assert all(one["intervals"] == one["minus"] == {} for one in found["methods"].values())


def test_other_people_lend_and_nobody_lends_to_themselves(model, tmp_path):
    people(tmp_path / "set", ("ann", "bob"), seed=50)
    out = tmp_path / "lenders.safetensors"
    assert sources(people(tmp_path / "lenders", ("dora", "emil", "fred"), seed=500), out) == 0
    found = evaluated(tmp_path, "--sources", str(out), "--methods", f"{FULL},no source cache")
    assert (found["sources"], found["people that lend"]) == ("lenders.safetensors", 3)
    assert list(found["methods"]) == [FULL, "no source cache"]
    found = evaluated(tmp_path, "--others", "--methods", FULL)
    assert (found["sources"], found["people that lend"]) == ("the others", 1)
    clips = [Clip(name, "", texts(2)[[place]], place) for place, name in enumerate(("ann", "bob"))]
    everybody = personal_sources.made(clips, ("a", "b"), "made-up")
    method = personal_evaluation.methods(texts(2), SCALE, Options(), everybody, among=True)[FULL]
    for name, other in (("ann", "bob"), ("bob", "ann"), ("carl", "ann")):
        method.meet(name, texts(2)[:1])
        assert other in method.chosen and name not in method.chosen


@pytest.mark.parametrize("anonymous", [[], ["--anonymous"]])
def test_sources_of_those_who_are_evaluated_are_refused(model, tmp_path, capsys, anonymous):
    root, out = people(tmp_path / "set"), tmp_path / "people.safetensors"
    assert sources(root, out, *anonymous) == 0
    assert main(["personalize", "evaluate", str(root), *PROMPTS, "--sources", str(out)]) == 1
    assert "2 of the people who are evaluated are in the sources, ann among them" in capsys.readouterr().err


def test_sources_that_only_share_a_name_are_refused_by_name(model, tmp_path, capsys):
    people(tmp_path / "set", ("ann", "bob"), seed=50)
    root, out = people(tmp_path / "lenders", ("ann", "emil"), seed=500), tmp_path / "people.safetensors"
    command = ["personalize", "evaluate", str(tmp_path / "set"), *PROMPTS, "--methods", "zero-shot"]
    assert sources(root, out) == 0
    assert main([*command, "--sources", str(out)]) == 1
    assert "1 of the people who are evaluated are in the sources, ann" in capsys.readouterr().err
    assert sources(root, out, "--anonymous") == 0
    assert main([*command, "--sources", str(out)]) == 0


def test_shots_are_set_aside_for_everybody(model, tmp_path, capsys):
    people(tmp_path / "set")
    found = evaluated(tmp_path, "--shots", "2", "--methods", "zero-shot,tip-adapter", "--unit", "frame")
    assert found["frames"] == 32 - 2 * 2 * 2 and set(found["methods"]) == {"zero-shot", "Tip-Adapter"}
    assert found["methods"]["Tip-Adapter"]["people"]["ann"]["samples"] == 12
    assert main(["personalize", "evaluate", str(tmp_path / "set"), *PROMPTS, "--shots", "99"]) == 1
    assert "No frame is left" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--methods", "zero-shot,magic"], "no method 'magic'"),
        (["--methods", "tip-adapter"], "needs --shots"),
        (["--methods", "no source cache"], "need sources"),
        (["--prompts", "red"], "2 classes and 1 sentences"),
        (["--prompts", "red|"], "2 classes and 1 sentences"),
        (["--classes", "warm"], "two or more"),
        (["--classes", "warm,warm"], "two or more"),
        (["--classes", "hot,cool"], "no labelled clip"),
        (["--layout", "biovid"], "Leave --classes out"),
        (["--split", "some.txt"], "Leave --split out"),
        (["--rate", "0"], "out of range"),
        (["--shots", "-1"], "negative"),
        (["--sources", "nowhere.safetensors"], "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_told_with_a_hint(model, tmp_path, capsys, more, told):
    root = people(tmp_path / "set", ("ann",))
    assert main(["personalize", "evaluate", str(root), *PROMPTS, *more]) == 1
    problem = capsys.readouterr().err
    assert told in problem.replace("\n", " ")
    assert not model.cuts  # before hours are spent on clips


def test_a_folder_without_any_face_is_told(model, tmp_path, capsys):
    put(tmp_path / "set" / "ann" / "warm", (0, 0, 0), 2)
    assert sources(tmp_path / "set", tmp_path / "out.safetensors") == 1
    assert "None of these clips shows a face." in capsys.readouterr().err
    assert not (tmp_path / "out.safetensors").exists()


def test_missing_weights_stop_everything(model, tmp_path, monkeypatch):
    def refuse(*_):
        raise UserError(Code.WEIGHTS_MISSING, "They are not here.", "Fetch them.")

    monkeypatch.setattr(personal_clips, "photos", refuse)
    clips, _ = personal_data.read(people(tmp_path / "set"), "folder", ("warm", "cold"))
    with pytest.raises(UserError) as caught:
        list(personal_clips.collect(clips, model, Pace()))
    assert caught.value.code == Code.WEIGHTS_MISSING


def test_pictures_are_decoded_as_they_are_asked_for(tmp_path):
    put(tmp_path, (200, 60, 40), 5)
    row = personal_clips.Pictures(sorted(tmp_path.iterdir()))
    assert len(row) == 5 and len(row[3:9]) == 2
    assert row[0].shape == (24, 20, 3) and row[0].mean((0, 1)) == pytest.approx((200, 60, 40), abs=4)


def test_every_layout_is_read_with_its_classes_and_sentences(tmp_path):
    assert tuple(personal_data.CLASSES) == LAYOUTS
    put(tmp_path / "pain" / "video" / "p1" / "p1-PA4-001", (9, 9, 9), 1)
    (tmp_path / "stress" / "Videos" / "s1").mkdir(parents=True)
    (tmp_path / "stress" / "Videos" / "s1" / "s1_Stroop.mp4").touch()
    (tmp_path / "stress" / "labels.csv").write_text("subject/task,binary-stress\ns1_Stroop,1\n")
    video = tmp_path / "bah" / "Videos" / "7" / "Visite_1" / "a.mp4"
    video.parent.mkdir(parents=True)
    video.touch()
    split = tmp_path / "bah" / "dataset-splits" / "video-level" / "BAH_DB" / "split-0" / "train.txt"
    split.parent.mkdir(parents=True)
    split.write_text("Videos/7/Visite_1/a.mp4,1,words\n")
    for folder, layout, subject in (
        ("pain", "biovid", "p1"), ("stress", "stressid", "s1"), ("bah", "bah", "7"),
    ):  # fmt: skip
        clips, classes = personal_data.read(tmp_path / folder, layout, part="train")
        assert [(clip.subject, clip.label) for clip in clips] == [(subject, 1)]
        assert len(set(personal_data.sentences(classes))) == len(classes) == 2
        assert all(name in personal_data.SENTENCES for name in classes)
    with pytest.raises(UserError) as caught:
        personal_data.read(tmp_path / "bah", "bah")  # no file of the test part
    assert caught.value.code == Code.LABELS_INVALID
    (tmp_path / "stress" / "labels.csv").write_text("subject/task,binary-stress\ns1_Stroop,2\n")
    with pytest.raises(UserError) as caught:
        personal_data.read(tmp_path / "stress", "stressid")
    assert caught.value.code == Code.LABELS_INVALID


def test_sentences_of_expressions_are_those_of_the_screen_under_any_spelling():
    assert personal_data.sentences(personal_data.CLASSES["folder"]) == vision_language.prompts.plain()
    assert personal_data.sentences(("happy", "bored")) == (
        "a photo of a person who looks happy",
        "a photo of a person who looks bored",
    )


def test_each_persons_clips_come_in_a_drawn_order():
    clips = [Clip(name, str(at), texts(1), 0) for name in ("ann", "bob") for at in range(9)]
    found = personal_evaluation.shuffled(clips, 0)
    assert [clip.subject for clip in found] == ["ann"] * 9 + ["bob"] * 9
    orders = [[int(clip.name) for clip in found if clip.subject == name] for name in ("ann", "bob")]
    assert all(sorted(order) == list(range(9)) != order for order in orders)
    assert found == personal_evaluation.shuffled(clips, 0) != personal_evaluation.shuffled(clips, 1)


def test_methods_that_others_are_compared_with_run_first():
    rows = texts(3)
    clips = [Clip(name, "", rows[[label]], label) for name in ("ann", "bob") for label in range(3)]
    available = personal_evaluation.methods(rows, SCALE, Options())
    given = {name: available[name] for name in (FULL, "zero-shot")}
    results = list(personal_evaluation.judge(given, clips, 3, "video"))
    assert [one.run.name for one in results] == [ZeroShot.name, FULL]
    assert results[0].against == {} and set(results[1].against) == {ZeroShot.name}
    assert rows.shape == (3, DIM)


@pytest.mark.weights
def test_the_real_model_on_clips_of_two_people(weight, tmp_path, capsys):
    for name in cards[CARD.name].weights:
        weight(name)
    for subject, shown, example in (("ann", "happiness", "smile"), ("bob", "neutral", "turn")):
        place = tmp_path / "set" / subject / shown
        place.mkdir(parents=True)
        (place / "clip.mp4").write_bytes((EXAMPLES / f"{example}.mp4").read_bytes())
    keep = ["--keep", str(tmp_path / "kept"), "--rate", "2", "--methods", f"zero-shot,{FULL}"]
    command = [
        "personalize",
        "evaluate",
        str(tmp_path / "set"),
        *keep,
        "--out",
        str(tmp_path / "report.json"),
    ]
    lenders = {}
    for given, origin in ((), bundled.NAME), (("--others",), "the others"), (("--nobody",), ""):
        assert main([*command, *given]) == 0
        report = json.loads((tmp_path / "report.json").read_text())
        assert (report["people"], report["clips"], report["sources"]) == (2, 2, origin)
        lenders[origin] = report["people that lend"]
    assert lenders[bundled.NAME] > 20 and (lenders["the others"], lenders[""]) == (1, 0)
    assert "2 of 2 clips were read before" in capsys.readouterr().out
