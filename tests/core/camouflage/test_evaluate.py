import numpy as np
import pytest
import torch

from core.camouflage import evaluate
from core.camouflage.evaluate import Evaluator, Portrait, look
from core.camouflage.pattern import Pattern, Shape
from core.camouflage.survival import TREATMENTS, accepted, moved, survival
from core.types import Face, Pixels
from tests.core.camouflage import fakes

PAINT = Pattern((Shape("stripe", 0, 0.6, 1.6, 0.5, 30, "black"),))
NOTHING = Pattern(PAINT.shapes, opacity=0.0)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A detector that finds the drawn face wherever the picture still has 224 px; counts its photos."""
    calls: list[int] = []

    def find_batch(photos: list[Pixels]) -> tuple[tuple[Face, ...], ...]:
        calls.append(len(photos))
        return tuple((fakes.face(),) if photo.shape[0] == 224 else () for photo in photos)

    monkeypatch.setattr(evaluate.finder, "find_batch", find_batch)
    return calls


def people() -> list[Portrait]:
    return [
        fakes.portrait(0, "one"),
        fakes.portrait(1, "one"),
        fakes.portrait(2, "two"),
        fakes.portrait(3, "two"),
    ]


def test_genuine_pairs_leave_out_the_photo_itself_and_other_people(seen: list[int]) -> None:
    evaluator = Evaluator(people(), fakes.models())
    clean = evaluator.unpainted()
    assert clean.probe.tolist() == [0, 1, 2, 3] and clean.person.tolist() == ["one", "one", "two", "two"]
    for name, rows in evaluator.clean.items():
        assert clean.scores[name][0] == pytest.approx(float(rows[0] @ rows[1]), abs=1e-6)
    assert evaluator.self_compared == ()


def test_a_lone_photo_is_compared_with_itself_and_said_so(seen: list[int]) -> None:
    evaluator = Evaluator(people()[:1], fakes.models())
    assert evaluator.self_compared == ("one",)
    assert evaluator.unpainted().mean("tiny-0") == pytest.approx(1.0, abs=1e-5)


def test_no_paint_changes_no_score_and_paint_does(seen: list[int]) -> None:
    evaluator = Evaluator(people(), fakes.models())
    clean, nothing, paint = evaluator.unpainted(), evaluator.painted(NOTHING), evaluator.painted(PAINT)
    for name in fakes.models():
        assert nothing.genuine.scores[name] == pytest.approx(clean.scores[name], abs=1e-6)
        assert not np.allclose(paint.genuine.scores[name], clean.scores[name], atol=1e-3)
    assert nothing.area == 0 and 0.05 < paint.area < 0.5


def test_a_face_that_is_not_found_keeps_its_clean_alignment(seen: list[int]) -> None:
    one = fakes.portrait(0)
    hidden = np.pad(one.pixels, ((0, 1), (0, 0), (0, 0)))
    sight = look([one.pixels, hidden], [one.face, one.face])
    assert sight.detected.tolist() == [True, False]
    assert torch.allclose(sight.aligned[0], sight.aligned[1], atol=0.02)


def test_another_face_in_the_photo_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    one = fakes.portrait(0)
    far = Face(box=(500, 500, 600, 600), score=1.0, five=one.face.five + 500)
    monkeypatch.setattr(evaluate.finder, "find_batch", lambda photos: ((far,),))
    assert not look([one.pixels], [one.face]).detected[0]


def test_probes_of_a_few_photos_meet_the_whole_gallery(seen: list[int]) -> None:
    evaluator = Evaluator(people(), fakes.models())
    rows = {name: vectors[[2]] for name, vectors in evaluator.clean.items()}
    some = evaluator.genuine(rows, [2])
    assert some.probe.tolist() == [2]
    assert some.scores["tiny-0"][0] == pytest.approx(evaluator.unpainted().scores["tiny-0"][2], abs=1e-6)


def test_subsets_keep_the_people_asked_for(seen: list[int]) -> None:
    evaluator = Evaluator(people(), fakes.models())
    part = evaluator.subset(["two"], evaluator.unpainted())
    assert set(part.person) == {"two"} and len(part.scores["tiny-1"]) == 2


def test_tar_counts_the_threshold_itself(seen: list[int]) -> None:
    clean = Evaluator(people(), fakes.models()).unpainted()
    middle = float(np.sort(clean.scores["tiny-0"])[1])
    assert clean.tar("tiny-0", middle) == pytest.approx((clean.scores["tiny-0"] >= middle).mean())


def test_treatments_follow_the_face_and_keep_the_type() -> None:
    one = fakes.portrait(0)
    for treatment in TREATMENTS:
        treated = treatment.change(one.pixels)
        assert treated.dtype == np.uint8 and treated.ndim == 3
        where = moved(one.face, treatment, one.pixels.shape[1], one.pixels.shape[0])
        scale = treated.shape[1] / one.pixels.shape[1]
        if "crop" in treatment.name:
            assert where.eye_distance == pytest.approx(one.face.eye_distance)
            dy = (one.pixels.shape[0] - treated.shape[0]) // 2
            assert where.five[0, 1] == pytest.approx(one.face.five[0, 1] - dy, abs=1)
        else:
            assert where.eye_distance == pytest.approx(one.face.eye_distance * scale, rel=0.02)


def test_survival_names_every_treatment(seen: list[int]) -> None:
    results = survival(Evaluator(people(), fakes.models()), PAINT)
    table = accepted(results, {"tiny-0": 0.0})
    assert list(table) == [treatment.name for treatment in TREATMENTS]
    assert all(0 <= row["tiny-0"] <= 1 for row in table.values())
