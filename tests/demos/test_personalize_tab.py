"""The tab of TTA-CaP, its own logic: what is asked, what settings change, what is kept of whom."""

import csv
import io
import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import Code, UserError
from core.expressions import EXPRESSIONS
from core.personalize import bundled
from core.personalize.options import ABLATIONS, PRESETS, Options, ablate
from core.types import Progress
from core.vision_language.prompts import plain
from demos.personalize import (
    comparing,
    controls,
    examples,
    exports,
    intake,
    readers,
    reading,
    running,
    saved,
    showing,
    stepping,
)  # fmt: skip
from demos.personalize.desk import FIRST, MAX_CLIPS, MAX_PEOPLE, Desk, Piece, Saved
from demos.personalize.task import MOST, expressions, written
from demos.sessions import Session, Sessions
from tests.demos import people_fakes
from tests.demos.people_fakes import Model, parts

PAIN = "a face in pain\na calm face"


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch) -> Model:
    made = Model()
    monkeypatch.setattr(readers, "load", lambda name: made)
    monkeypatch.setattr(bundled, "sources", lambda classes, name: None)
    return made


@pytest.fixture
def desk() -> Desk:
    made = people_fakes.desk()
    running.rerun(made)
    return made


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Sessions(tmp_path, 30).open("visitor")


def trouble(code: Code, call, *arguments) -> str:
    with pytest.raises(UserError) as problem:
        call(*arguments)
    assert problem.value.code is code
    return problem.value.message


# What is asked


def test_seven_expressions_are_asked_at_first() -> None:
    task = expressions()
    assert task.classes == task.names == EXPRESSIONS
    assert task.prompts == plain()
    assert not task.own


def test_own_sentences_are_named_by_what_tells_them_apart() -> None:
    task = written("  a photo of a   person in pain \n\na photo of a calm person\n")
    assert task.prompts == task.classes == ("a photo of a person in pain", "a photo of a calm person")
    assert task.names == ("person in pain", "calm person")
    assert task.own
    assert written("happy face\nsad face").names == ("happy", "sad")
    assert written("a face\na face in pain").names == ("a face", "in pain")
    long = written("\n".join(f"{'x' * 40} {n} {'y' * 40}{n}" for n in range(MOST)))
    assert len(set(long.names)) == MOST and max(map(len, long.names)) <= 26


@pytest.mark.parametrize(
    "text", ["", "one line", "\n".join(map(str, range(11))), f"a\n{'b' * 201}", "Calm\ncalm", "a  b\na b"]
)
def test_what_makes_no_question_is_told(text: str) -> None:
    trouble(Code.OPTION_RANGE, written, text)


def test_sentences_are_read_once(desk: Desk, model: Model) -> None:
    assert model.asked == list(plain())
    stepping.ask(desk, written(PAIN))
    running.rerun(desk, replace(desk.options, window=5))
    stepping.ask(desk, expressions())
    assert model.asked == [*plain(), *PAIN.splitlines()]


def test_another_question_is_answered_on_the_same_frames(desk: Desk) -> None:
    before = desk.result()
    stepping.ask(desk, written(PAIN))
    made = desk.result()
    assert len(made) == len(before) == 64
    assert made.replay.running.shape == (64, 2)
    assert "own" not in showing.about(desk) and "prototype gate is not asked" in showing.about(desk)
    assert {one["answer"] for one in showing.verdicts(desk)} <= set(desk.task.names)


def test_a_question_that_cannot_be_read_changes_nothing(desk: Desk, monkeypatch) -> None:
    def gone(name: str) -> Model:
        raise UserError(Code.WEIGHTS_MISSING, "The model is not here.", "Fetch it.")

    stepping.poison(desk, 5, "anger")
    made, poison = desk.result(), desk.person.poison
    monkeypatch.setattr(readers, "load", gone)
    trouble(Code.WEIGHTS_MISSING, stepping.ask, desk, written(PAIN))
    assert desk.task == expressions()
    assert desk.result() is made and desk.person.poison is poison is not None


# Settings


def test_controls_and_options_say_the_same() -> None:
    for name, options in PRESETS.items():
        values = controls.values_of(options)
        assert controls.options_of(name, controls.SWITCHES, values) == options
    assert set(controls.FIELDS) <= {field.name for field in fields(Options)}


def test_every_switch_is_one_of_the_ablations() -> None:
    plain = Options()
    for part in controls.SWITCHES:
        on = [one for one in controls.SWITCHES if one != part]
        made = controls.options_of("ours", on, controls.values_of(plain))
        assert made == ablate(plain, f"no {part}") != plain
    assert {f"no {part}" for part in controls.SWITCHES} == set(ABLATIONS) - {"no gates"}
    nothing = controls.options_of("ours", [], controls.values_of(plain))
    assert not (nothing.temporal_gate or nothing.entropy_gate or nothing.prototype_gate)


@pytest.mark.parametrize(
    ("field", "value"),
    [("entropy_positive", 0.9), ("entropy_negative", 1.5), ("window", None), ("level", None), ("margin", 9)],
)
def test_settings_that_do_not_go_together_are_told_and_nothing_is_lost(desk: Desk, field, value) -> None:
    values = dict(zip(controls.FIELDS, controls.values_of(desk.options), strict=True)) | {field: value}
    made = desk.result()
    trouble(Code.OPTION_RANGE, controls.options_of, "ours", controls.SWITCHES, list(values.values()))
    assert desk.result() is made


def test_settings_act_without_reading_again(desk: Desk, monkeypatch) -> None:
    monkeypatch.setattr(reading, "job", None)
    before = showing.drawn(desk, parts())
    running.rerun(desk, ablate(desk.options, "no positive cache"))
    after = showing.drawn(desk, parts())
    assert before["caches"] != after["caches"]
    assert exports.counts(desk)["kept"]["positive"] == 0


# People and clips


def test_people_are_kept_apart(desk: Desk) -> None:
    first = desk.person
    kept = first.run
    second = desk.meet("Anna")
    assert second is not first and not second.pieces and second.run is None
    second.pieces.append(people_fakes.piece(desk, [5] * 20))
    running.rerun(desk)
    assert desk.meet(FIRST) is first and first.run is kept
    running.rerun(desk)
    alone = people_fakes.desk()
    running.rerun(alone)
    np.testing.assert_array_equal(desk.result().replay.running, alone.result().replay.running)
    np.testing.assert_array_equal(
        desk.result().session.positive.vectors, alone.result().session.positive.vectors
    )


def test_a_person_is_forgotten_and_the_others_stay(desk: Desk) -> None:
    stop = desk.stop
    desk.meet("Anna").pieces.append(people_fakes.piece(desk, [5] * 20))
    desk.halt()
    assert stop.is_set() and not desk.stop.is_set()
    gone = desk.forget()
    assert gone.name == "Anna"
    assert list(desk.people) == [desk.name] == [FIRST]
    desk.forget()
    assert desk.person.pieces == [] and desk.images() == 0


def test_each_person_is_looked_at_with_the_model_that_read_them(desk: Desk) -> None:
    anna = desk.meet("Anna")
    anna.pieces.append(people_fakes.piece(desk, [5] * 20))
    anna.pieces[0].seen["another"] = anna.pieces[0].seen.pop(desk.model)
    assert running.rerun(desk) is None
    anna.model = "another"
    assert running.rerun(desk) is not None
    desk.meet(FIRST)
    assert running.rerun(desk) is not None and showing.drawn(desk, parts())


def test_names_and_numbers_of_people_have_limits(desk: Desk) -> None:
    for name in ("", "   ", "x" * 41):
        trouble(Code.OPTION_RANGE, desk.meet, name)
    assert desk.name == FIRST
    for n in range(MAX_PEOPLE - 1):
        desk.meet(f" P  {n} ").pieces.append(Piece("x"))
    assert desk.name == f"P {MAX_PEOPLE - 2}"
    trouble(Code.OPTION_RANGE, desk.meet, "one more")
    assert desk.meet("P 0").name == "P 0"


def test_somebody_without_clips_leaves_nothing_behind() -> None:
    desk = Desk()
    desk.meet("Ann")
    desk.meet("Anna")
    assert list(desk.people) == ["Anna"]


def test_a_person_has_a_few_clips_at_most(desk: Desk) -> None:
    for _ in range(MAX_CLIPS - 2):
        desk.add(Piece("more"))
    trouble(Code.OPTION_RANGE, desk.add, Piece("one too many"))


def test_an_example_is_one_synthetic_person_with_a_clip_and_photos(session: Session) -> None:
    desk = Desk()
    for example in examples.people():
        intake.start(session, desk, example)
        intake.start(session, desk, example)  # a second press begins anew
        clip, photos = desk.person.pieces
        assert clip.path is not None and clip.path.is_relative_to(session.folder)
        assert len(photos.photos) == 6 and photos.path is None
    assert len(list(session.folder.rglob("*.mp4"))) == len(desk.people) == 2
    desk.forget()
    assert len(list(session.folder.rglob("*.mp4"))) == 1


# Reading


def test_each_clip_is_read_once(monkeypatch) -> None:
    desk = Desk()
    desk.person.pieces += [Piece("one"), Piece("two")]
    monkeypatch.setattr(reading, "job", people_fakes.job)
    events = list(reading.read(desk.person, desk.model))
    assert [event.done for event in events if isinstance(event, Progress)] == [0.25, 0.75]
    assert events[0].message.startswith("Clip 1 of 2: ")
    assert [len(piece.seen[desk.model]) for piece in desk.person.pieces] == [15, 15]
    assert list(reading.read(desk.person, desk.model)) == []


def test_a_clip_without_a_face_does_not_spoil_the_others(monkeypatch) -> None:
    def job(piece: Piece, model: str, cancelled):
        if piece.name == "sky":
            raise UserError(Code.NO_FACE, "Nobody is seen.", "Use another clip.")
        yield from people_fakes.job(piece, model)

    desk = Desk()
    desk.person.pieces += [Piece("sky"), Piece("face")]
    monkeypatch.setattr(reading, "job", job)
    list(reading.read(desk.person, desk.model))
    made = running.rerun(desk)
    assert made is not None and [piece.name for piece in made.pieces] == ["face"]
    assert "not read: Nobody is seen." in showing.listed(desk)
    assert reading.nothing_read(desk.person).code is Code.NO_FACE


def test_what_was_read_before_a_stop_is_kept(monkeypatch) -> None:
    desk = Desk()
    desk.person.pieces += [Piece("one"), Piece("two")]
    monkeypatch.setattr(reading, "job", people_fakes.job)
    answers = iter([False, True])
    list(reading.read(desk.person, desk.model, lambda: next(answers)))
    assert running.rerun(desk) is not None
    assert "1 of the clips is not read yet" in showing.about(desk)
    assert reading.nothing_read(desk.person).code is Code.NO_VIDEO


def test_a_clip_that_was_taken_away_meanwhile_is_not_read(monkeypatch) -> None:
    desk = Desk()
    desk.person.pieces += [Piece("one"), Piece("two")]
    monkeypatch.setattr(reading, "job", people_fakes.job)
    reader = reading.read(desk.person, desk.model)
    next(reader)
    gone = desk.person.pieces.pop()
    list(reader)
    assert not gone.seen


def test_without_a_clip_or_a_reading_it_is_said_what_to_do() -> None:
    desk = Desk()
    assert "no clip" in trouble(Code.NO_VIDEO, desk.source)
    assert "Nothing" in trouble(Code.NO_VIDEO, desk.result)
    assert running.rerun(desk) is None
    assert set(showing.drawn(desk, parts())) == set(showing.nothing(parts()))


# Poison


@pytest.mark.parametrize("in_a_row", [False, True])
def test_poison_goes_in_where_it_is_wrong_and_comes_out_again(desk: Desk, in_a_row: bool) -> None:
    clean = desk.result()
    stepping.poison(desk, 5, "anger", in_a_row)
    made = desk.result()
    at = np.flatnonzero(made.replay.poisoned)
    assert len(at) == 5
    assert all(clean.replay.steps[n].label != 0 and made.replay.steps[n].label == 0 for n in at)
    assert bool(at[-1] - at[0] < 12) is in_a_row
    assert made.open is not None
    assert f"<b>{showing.got_in(made.replay)} of 5</b>" in showing.poisoned(desk)
    assert f"<b>{showing.got_in(made.open)} of 5</b> without gates" in showing.poisoned(desk)
    assert in_a_row or showing.got_in(made.open) > showing.got_in(made.replay)
    again = [step.label for step in made.replay.steps]
    running.rerun(desk)
    assert [step.label for step in desk.result().replay.steps] == again
    desk.person.poison = None
    running.rerun(desk)
    np.testing.assert_array_equal(desk.result().replay.running, clean.replay.running)
    assert showing.poisoned(desk) == ""


def test_the_temporal_gate_keeps_single_poisoned_frames_out(desk: Desk) -> None:
    stepping.poison(desk, 5, "anger")
    assert showing.got_in(desk.result().replay) == 0


def test_poison_needs_a_class_and_frames() -> None:
    desk = people_fakes.desk()
    trouble(Code.NO_VIDEO, stepping.poison, desk, 5, "anger")
    running.rerun(desk)
    trouble(Code.OPTION_RANGE, stepping.poison, desk, 5, "boredom")
    assert desk.person.poison is None


def test_another_question_takes_the_poison_out(desk: Desk) -> None:
    stepping.poison(desk, 5, "anger")
    stepping.ask(desk, written(PAIN))
    assert desk.person.poison is None and not desk.result().replay.poisoned.any()


# Other methods


def test_other_methods_read_the_same_frames(desk: Desk) -> None:
    found = running.compare(desk, desk.person)
    assert [one.name for one in found] == ["TTA-CaP, as set", "zero-shot", "TDA", "entropy tuning"]
    assert all(one.running.shape == (64, 7) for one in found)
    drawn = comparing.compared(desk, parts())
    assert "Tip-Adapter needs labelled frames" in drawn["peers"]
    verdicts = showing.verdicts(desk)
    ends = np.array(desk.result().replay.starts[1:]) - 1
    zero = [EXPRESSIONS[n] for n in found[1].running[ends].argmax(1)]
    assert [one["zero_shot"] for one in verdicts] == zero
    assert [one["answer"] for one in verdicts] == [EXPRESSIONS[n] for n in found[0].running[ends].argmax(1)]


def test_other_methods_are_asked_again_only_where_they_would_differ(desk: Desk, monkeypatch) -> None:
    asked = []
    others = running._others
    monkeypatch.setattr(running, "_others", lambda *given: asked.append(given) or others(*given))
    running.compare(desk, desk.person)
    running.rerun(desk, PRESETS["March 2026"])
    running.compare(desk, desk.person)
    assert len(asked) == 1
    stepping.poison(desk, 3, "anger")
    running.compare(desk, desk.person)
    assert len(asked) == 2
    desk.person.pieces[0].truth = "fear"
    running.compare(desk, desk.person)
    assert len(asked) == 3


def test_tip_adapter_never_sees_the_clip_that_it_is_asked_about(desk: Desk) -> None:
    one, two = desk.person.pieces
    one.truth = two.truth = "fear"
    found = running.compare(desk, desk.person)
    assert found[-1].name == "Tip-Adapter"
    tip = running._tip(desk.result(), (3, 6), 0)
    tip.meet("", desk.result().clips[0])
    assert set(tip._values.argmax(1).tolist()) == {6}
    assert tip.memory > 0
    drawn = comparing.compared(desk, parts())
    assert "needs labelled frames" not in drawn["peers"]
    assert "right" in showing.answers(desk) or "you say fear" in showing.answers(desk)


# Files


def test_the_table_has_a_row_a_frame(desk: Desk) -> None:
    stepping.poison(desk, 4, "anger")
    table = list(csv.DictReader(io.StringIO(exports.csv_of(desk))))
    steps = desk.result().replay.steps
    assert len(table) == len(steps) == 64
    assert [row["clip"] for row in table] == ["1"] * 32 + ["2"] * 32
    assert sum(int(row["poisoned"]) for row in table) == 4
    for row, step in zip(table, steps, strict=True):
        assert row["zero_shot"] == EXPRESSIONS[step.label]
        assert row["kept_in"] == (step.kept.cache if step.kept else "")
        assert float(row["after_fear"]) == pytest.approx(step.after[2], abs=1e-4)
        assert row["prototype_asked"] == "0" and row["prototype_value"] == ""


def test_a_sentence_is_no_formula_in_the_table(desk: Desk) -> None:
    desk.person.pieces[0].name = "=1+1"
    assert "'=1+1" in exports.csv_of(desk) and ",=1+1" not in exports.csv_of(desk)


def test_the_report_is_plain_data(desk: Desk) -> None:
    told = json.loads(json.dumps(exports.report(desk), allow_nan=False))
    assert [clip["frames"] for clip in told["clips"]] == [32, 32]
    assert told["counts"]["frames"] == 64
    assert told["counts"]["gates"]["prototype"]["asked"] == 0
    assert told["options"]["lambda_positive"] == desk.options.lambda_positive
    assert told["milliseconds_a_frame"]["image_encoder"] == 30.0
    assert told["poison"] is None
    stepping.poison(desk, 4, "anger")
    poison = exports.report(desk)["poison"]
    assert poison["frames"] == 4 and poison["towards"] == "anger"
    assert poison["in_positive_cache"] < poison["in_positive_cache_without_gates"] <= 4


def test_a_cache_goes_out_and_comes_in(desk: Desk, session: Session) -> None:
    desk.meet(FIRST).name = FIRST
    paths = exports.files(session, desk)
    assert [Path(path).name for path in paths] == [
        "person-1-cache.safetensors", "person-1.csv", "person-1-report.json",
    ]  # fmt: skip
    data = Path(paths[0]).read_bytes()
    kept = desk.result().session.positive
    other = people_fakes.desk(1)
    running.rerun(other)
    saved.take(other, data)
    assert other.result().imported and "saved file" in showing.about(other)
    vectors = {row.tobytes() for row in kept.vectors[kept.taken]}
    begun = [entry.frame for bucket in other.result().replay.entries("positive", 0) for entry in bucket]
    assert vectors and begun.count(-1) >= len(vectors) - 1
    running.rerun(other, PRESETS["June 2026"])
    assert not other.result().imported and "not used now" in showing.about(other)
    running.rerun(other, PRESETS["ours"])
    stepping.ask(other, written(PAIN))
    assert not other.result().imported and "other classes" in showing.about(other)


def test_a_cache_that_does_not_fit_is_told_and_changes_nothing(desk: Desk) -> None:
    data = exports.cache_of(desk)
    trouble(Code.NO_VIDEO, saved.take, Desk(), data)
    trouble(Code.CACHE_INVALID, saved.take, desk, b"not a cache")
    running.rerun(desk, PRESETS["June 2026"])
    assert "gone at once" in trouble(Code.OPTION_RANGE, saved.take, desk, data)
    running.rerun(desk, PRESETS["ours"])
    stepping.ask(desk, written(PAIN))
    assert "other classes" in trouble(Code.CACHE_INVALID, saved.take, desk, data)
    assert desk.person.saved is None and not desk.result().imported


def test_other_weights_of_the_model_make_another_cache(desk: Desk, monkeypatch) -> None:
    data = exports.cache_of(desk)
    saved.take(desk, data)
    monkeypatch.setattr(readers, "identity", lambda name: f"{name} trained anew")
    assert "another model" in trouble(Code.CACHE_INVALID, saved.take, desk, data)


def test_a_poisoned_cache_is_not_taken_along(desk: Desk, session: Session) -> None:
    stepping.poison(desk, 4, "anger")
    trouble(Code.CACHE_INVALID, exports.cache_of, desk)
    assert [Path(path).suffix for path in exports.files(session, desk)] == [".csv", ".json"]


def test_an_uploaded_cache_is_deleted_when_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "up" / "cache.safetensors"
    path.parent.mkdir()
    path.write_bytes(b"x" * 10)
    assert saved.content(str(path)) == b"x" * 10
    assert not path.exists()
    path.parent.mkdir()
    path.write_bytes(b"x" * (saved.MAX_BYTES + 1))
    trouble(Code.FILE_TOO_LARGE, saved.content, str(path))
    assert not path.exists()
    trouble(Code.FILE_UNREADABLE, saved.content, None)


# The screen


def test_everything_that_is_shown_is_blank_without_a_person(desk: Desk) -> None:
    assert set(showing.drawn(desk, parts())) | set(comparing.compared(desk, parts())) == set(
        showing.nothing(parts())
    )


def test_names_cannot_smuggle_markup(desk: Desk) -> None:
    evil = "<script>x</script>"
    desk.person.pieces[0].name = evil
    desk.people[evil] = desk.people.pop(desk.name)
    desk.people[evil].name = desk.name = evil
    stepping.ask(desk, written(f"a {evil} face\na calm face"))
    stepping.poison(desk, 3, desk.task.names[0])
    desk.person.pieces[0].truth = desk.task.names[0]
    drawn = {**showing.drawn(desk, parts()), **comparing.compared(desk, parts())}
    shown = [text for text in drawn.values() if isinstance(text, str)] + [showing.listed(desk)]
    assert len(shown) > 9
    assert not any("<script>x" in text for text in shown)


def test_the_cursor_shows_its_frame(desk: Desk) -> None:
    desk.person.cursor = 40
    first = showing.at_cursor(desk, parts())
    desk.person.cursor = 41
    assert first["moment"] != showing.at_cursor(desk, parts())["moment"]
    assert "clip 2, the frame at 1.6 s" in first["moment"]  # frame 8 of the second clip, five a second


def test_the_models_are_those_that_the_text_model_is_made_of() -> None:
    from core.vision_language import cards

    for name, needed in readers.PARTS.items():
        assert set(cards[name].weights) == set(needed)
    assert readers.models()[0][1] == readers.MODEL
    assert set(readers.needed()) <= set(readers.listed())


def test_a_saved_cache_counts_only_where_it_fits(desk: Desk) -> None:
    desk.person.saved = Saved(exports.cache_of(desk), desk.task.classes, "another model")
    running.rerun(desk)
    assert not desk.result().imported
