import json
from types import SimpleNamespace

import numpy as np
import pytest

from core.camouflage import evaluate, session, system
from core.camouflage.options import PRESETS, Options
from core.camouflage.pattern import Pattern, Shape
from core.camouflage.session import Session
from core.camouflage.system import Result, run
from core.errors import Code, UserError
from core.types import Progress
from tests.core.camouflage import fakes

NAMES = ("tiny-0", "tiny-1", "tiny-2")
PAINT = Pattern((Shape("stripe", 0, 0.6, 1.6, 0.5, 30, "black"),))


@pytest.fixture(autouse=True)
def tiny_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three tiny recognisers with thresholds, and a detector that finds the drawn face."""
    nets = fakes.models(3)
    measured = SimpleNamespace(far={0.01: 0.6, 0.001: 0.8}, impostor_std=0.1)
    present = [SimpleNamespace(name=name, present=name != "tiny-9") for name in NAMES]
    files = SimpleNamespace(title="A net", files=(SimpleNamespace(path="f", sha256="0" * 64),))
    monkeypatch.setattr(session.recognition, "load", lambda name: nets[name])
    monkeypatch.setattr(session.recognition, "available", lambda: present)
    monkeypatch.setattr(session.thresholds, "load", lambda: dict.fromkeys(NAMES, measured))
    monkeypatch.setattr(session.weights, "entry", lambda name: files)
    monkeypatch.setattr(evaluate.finder, "find_batch", lambda photos: tuple((fakes.face(),) for _ in photos))


def small(**changes: object) -> Options:
    values = {
        "evaluations": 40,
        "optimise_on": NAMES[:2],
        "shapes": 3,
        "population": 6,
        "randoms": 5,
        "views": 1,
        "from_preset": False,
    }
    return Options(**{**values, **changes})  # type: ignore[arg-type]


def finish(options: Options, photos: int = 2, tested: int = 0) -> tuple[list[Progress], Result]:
    people = [fakes.portrait(seed) for seed in range(photos + tested)]
    *events, result = run(Session(people[:photos], people[photos:]), options)
    assert isinstance(result, Result)
    return events, result


def test_a_run_tells_who_was_optimised_on_and_who_never_saw_it() -> None:
    events, result = finish(small())
    roles = {one.name: one.role for one in result.judgement.figures}
    assert roles == {"tiny-0": "optimised", "tiny-1": "optimised", "tiny-2": "unseen"}
    assert result.optimised_on == NAMES[:2]
    assert all(one.band is not None and one.band.patterns == 5 for one in result.judgement.figures)
    done = [event.done for event in events]
    assert done == sorted(done) and done[-1] <= 1


def test_the_report_is_plain_data_with_seed_versions_and_hashes() -> None:
    _, result = finish(small(seed=7, survival=True, transfer=True))
    report = json.loads(json.dumps(result.report))
    assert report["options"]["seed"] == 7 and report["versions"]["torch"]
    assert report["weights"]["tiny-0"] == {"f": "0" * 64}
    assert Pattern.from_json(json.dumps(report["pattern"])) == result.judgement.pattern
    assert "JPEG 50" in report["survival"] and report["transfer"]["rows"][0] == "clean"
    assert result.transfer.rows == ("clean", "random", "this pattern", "without tiny-0", "without tiny-1")


def test_leaving_one_out_shares_the_budget_and_draws_no_curve_of_its_own() -> None:
    events, result = finish(small(evaluations=80, transfer=True))
    assert result.search.evaluations <= 40
    assert result.transfer.optimised[3:].tolist() == [[False, True, False], [True, False, False]]
    others = [event for event in events if "without" in event.message]
    assert others and not any("best" in event.data for event in others)
    done = [event.done for event in events]
    assert done == sorted(done) and done[-1] <= 1


def test_a_plain_run_has_its_row_in_the_matrix_too() -> None:
    _, result = finish(small())
    assert result.transfer.rows == ("clean", "random", "this pattern")
    shown = dict(zip(result.transfer.columns, result.transfer.accepted[2], strict=True))
    assert shown == {one.name: one.painted_accepted for one in result.judgement.figures}


def test_the_same_seed_gives_the_same_result() -> None:
    first, again = finish(small(seed=2))[1], finish(small(seed=2))[1]
    assert first.judgement.pattern == again.judgement.pattern
    assert first.judgement.figures == again.judgement.figures


def test_photos_that_only_test_take_no_part_in_the_search() -> None:
    alone, tested = finish(small(), photos=2)[1], finish(small(), photos=2, tested=1)[1]
    assert alone.judgement.pattern == tested.judgement.pattern
    assert len(alone.judgement.painted) == 2 and len(tested.judgement.painted) == 1
    assert tested.judgement.figures[0].comparisons == 2


def test_one_photo_is_enough_and_its_limit_is_said() -> None:
    _, result = finish(small(), photos=1)
    assert "own clean version" in result.judgement.verdict.text
    assert len(result.judgement.painted) == 1


def test_cancelling_still_judges_the_best_so_far() -> None:
    people = [fakes.portrait(0)]
    *_, result = run(Session(people), small(evaluations=5000), cancelled=lambda: True)
    assert isinstance(result, Result) and result.cancelled
    assert result.search.evaluations <= 40


def test_recognisers_without_weights_are_left_out_or_refused() -> None:
    _, result = finish(small(optimise_on=("tiny-0", "tiny-8")))
    assert result.optimised_on == ("tiny-0",)
    with pytest.raises(UserError) as problem:
        finish(small(optimise_on=("tiny-8",)))
    assert problem.value.code == Code.WEIGHTS_MISSING


def test_what_a_preset_was_searched_on_is_not_called_never_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    black = Pattern(tuple(Shape("disc", x, 0.5, 0.4, 0.4, 0, "black") for x in (-0.6, 0.0, 0.6)))
    shipped = SimpleNamespace(name="shipped", pattern=black, optimised_on=("tiny-2",))
    monkeypatch.setattr(system.presets, "load", lambda: (shipped,))
    _, result = finish(small(from_preset=True))
    assert {one.role for one in result.judgement.figures} == {"optimised"}
    assert result.report["started_from"] == "shipped" and "tiny-2" in result.optimised_on
    _, other = finish(small(from_preset=True, colors=("red", "white")))
    assert other.report["started_from"] is None and other.judgement.figures[-1].role == "unseen"


def test_judging_by_hand_changes_only_the_face() -> None:
    people = [fakes.portrait(0), fakes.portrait(1)]
    bench = Session(people)
    judged = bench.judge(PAINT, NAMES, probes=[0])
    assert len(judged.painted) == 1 and judged.painted[0].shape == people[0].pixels.shape
    changed = (judged.painted[0] != people[0].pixels).any(2)
    assert 0 < changed.mean() < 0.4
    nothing = bench.judge(Pattern(PAINT.shapes, opacity=0.0), NAMES, probes=[0])
    assert np.array_equal(nothing.painted[0], people[0].pixels)
    assert nothing.figures[0].painted == pytest.approx(nothing.figures[0].clean, abs=1e-6)


def test_a_session_embeds_its_clean_photos_once(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Session([fakes.portrait(0)])
    bench.judge(PAINT, NAMES)
    looked: list[int] = []
    monkeypatch.setattr(
        evaluate.finder, "find_batch", lambda photos: looked.append(len(photos)) or ((fakes.face(),),)
    )
    bench.judge(PAINT, NAMES)
    assert looked == [1]  # only the painted photo is looked at


@pytest.mark.parametrize(
    "bad",
    [
        {"evaluations": 0},
        {"seconds": 1.0},
        {"far": 0.5},
        {"area_cap": 0.9},
        {"optimise_on": ()},
        {"strategy": "guess"},
        {"shapes": 9},
        {"randoms": -1},
    ],
)
def test_options_are_checked(bad: dict) -> None:
    with pytest.raises(UserError):
        small(**bad)


def test_a_session_needs_a_photo() -> None:
    with pytest.raises(UserError):
        Session([])


def test_presets_are_quick_and_thorough() -> None:
    assert PRESETS["quick"].seconds <= 30 < PRESETS["thorough"].seconds
    assert PRESETS["thorough"].transfer and PRESETS["thorough"].survival
    assert set(PRESETS["quick"].optimise_on) < set(PRESETS["thorough"].optimise_on)
