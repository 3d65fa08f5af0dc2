"""The video tab's own logic: what is drawn of given scores, what the sliders ask, what is told."""

import csv
import io
import json
import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from core import weights
from core.abaw import submission
from core.abaw.classes import ACTION_UNITS, EXPRESSIONS, OTHER
from core.abaw.decide import decide
from core.abaw.tuned_file import options_from
from core.abaw.types import Options
from core.datasets.frame_labels import Task, parse
from core.errors import Code, UserError
from core.metrics.classification import macro_f1
from demos import strips
from demos.abaw import exports, lanes, overlay, plots, readers, score_file, scoring, showing
from demos.abaw.desk import Desk
from demos.abaw.looks import EXPRESSION_LOOKS
from demos.abaw.stepping import options_of, values_of
from demos.abaw.words import CONTEMPT
from tests.demos.clip_scores import clip_scores, desk, truth

THREE_MINUTES = 5400


def painted(html: str, lane: str) -> dict[str, set[int]]:
    """Columns of each colour in the lane of this name, read back from its paths."""
    body = html.split(f'<span class="name">{lane}</span>')[1].split("</svg>")[0]
    found: dict[str, set[int]] = {}
    for style, path in re.findall(r'<path class="([\w-]+)" d="([^"]*)"', body):
        for start, length in re.findall(r"M(\d+) 0h(\d+)v1", path):
            found.setdefault(style, set()).update(range(int(start), int(start) + int(length)))
    return found


def test_a_lane_paints_every_frame_in_the_colour_of_its_class() -> None:
    one = desk()
    drawn = painted(showing.strips_of_classes(one), "Final")
    for n, name in enumerate(EXPRESSIONS):
        assert drawn.get(f"x-{name}", set()) == set(np.flatnonzero(one.decided().final == n))


def test_undecided_frames_stay_unpainted() -> None:
    one = desk()
    one.decide(replace(one.options, fill=False))
    unseen = set(np.flatnonzero(~one.scores().seen))
    assert unseen
    for columns in painted(showing.strips_of_classes(one), "Final").values():
        assert not columns & unseen


def test_thinning_keeps_the_most_frequent_value_of_each_column() -> None:
    values = np.array([0, 0, 5, 3, 3, 3, -1, -1, 2])
    assert strips.thinned(values, 3).tolist() == [0, 3, -1]
    assert strips.thinned(values, 9).tolist() == values.tolist()
    assert len(strips.thinned(np.arange(1001) % 8, 600)) == 600


def test_a_lane_is_told_in_words() -> None:
    times = np.arange(100) / 10
    values = np.r_[np.zeros(40, int), np.full(30, -1), np.full(30, 4)]
    told = lanes.told(lanes.Lane("Final", values), times)
    assert told == "Final: neutral 0.0 s to 4.0 s, happiness 7.0 s to 9.9 s"
    noisy = lanes.told(lanes.Lane("Raw", np.arange(100) % 2), times)
    assert noisy == "Raw: neutral 50%, anger 50%"
    assert "nothing decided" in lanes.told(lanes.Lane("Final", np.full(100, -1)), times)


def test_three_minutes_stay_small_on_the_wire() -> None:
    one = desk(clip_scores(THREE_MINUTES))
    one.decide(replace(one.options, window=0))  # the most ragged lanes
    assert len(showing.strips_of_classes(one)) < 120_000
    assert len(showing.strips_of_scores(one)) < 60_000
    assert len(showing.reading(one)) < 20_000


def test_the_controls_are_the_method_with_a_part_switched_off() -> None:
    one = desk()
    controls, scores = one.controls(), one.scores()
    assert (controls["pretrained only"].branch != 1).all()
    assert (controls["head only"].branch != 0).all()
    assert OTHER not in controls["pretrained only"].final
    plain = decide(scores, replace(one.options, window=0))
    assert (controls["no smoothing"].final == plain.final).all()
    html = showing.strips_of_classes(one)
    for name in controls:
        assert f"Control: {name}" in html


def test_without_a_head_its_control_is_left_out_and_said() -> None:
    one = desk(clip_scores(mlp=None))
    assert "head only" not in one.controls()
    assert "the pretrained classes decide alone" in showing.strips_of_classes(one)


def test_sliders_and_options_say_the_same() -> None:
    options = Options(
        confidence=0.3, window=7, visual_weight=0.8, bias=tuple(np.linspace(-1, 1, 8)), fill=False,
        window_dimensions=9, window_units=2, window_violence=1, unit_thresholds=tuple(np.linspace(0, 1, 12)),
        unit_mix=0.25, violence_threshold=0.6,
    )  # fmt: skip
    assert options_of(values_of(options)) == options
    with pytest.raises(UserError):
        options_of([2.0, *values_of(options)[1:]])


def test_a_moved_slider_changes_the_picture_without_asking_the_networks_again() -> None:
    one = desk()
    before = showing.strips_of_classes(one)
    scores = one.scores()
    one.decide(replace(one.options, window=0))
    assert showing.strips_of_classes(one) != before
    assert one.scores() is scores


def test_a_head_that_is_not_here_is_told_with_the_command_that_makes_it() -> None:
    one = desk(clip_scores(valence_arousal=None, units=None, units_second=None))
    reading, strips = showing.reading(one), showing.strips_of_scores(one)
    for head, text in (("valence_arousal", reading), ("units", reading), ("violence", strips)):
        assert f'data-head="{head}"' in text
    assert text.count("<code>python -m core") == 2  # violence has no stand-in


def test_stand_ins_and_contempt_are_told() -> None:
    one = desk()
    for drawn, head in ((showing.strips_of_classes(one), "mlp"), (showing.reading(one), "units")):
        assert f"<b>Stand-in.</b> {one.scores().stand_ins[head]}" in unescape(drawn)
    lead = replace(clip_scores(), stand_ins={"dimensions": "from ratings of words"})
    assert "from ratings of words" in showing.reading(desk(lead))
    text = unescape(showing.about(clip_scores()))
    assert CONTEMPT in text
    assert "some-encoder" in text


def test_the_cursor_shows_the_numbers_of_its_frame() -> None:
    one = desk()
    one.cursor = 150
    row = one.decided().probabilities[150]
    values = re.findall(r'<span class="value">(\d\.\d\d)</span></div>', showing.moment(one))
    assert values == [f"{value:.2f}" for value in row]
    valence = one.decided().valence_arousal[150, 0]
    assert f"Valence {valence:+.2f}" in showing.reading(one)


def test_action_units_above_their_own_threshold_are_on() -> None:
    strengths = np.linspace(0, 1, len(ACTION_UNITS))
    thresholds = (0.0, *[0.5] * 10, 1.0)
    rows = plots.unit_bars(strengths, thresholds).split('<div class="row')[1:]
    on = [" on</span>" in row for row in rows]
    assert on == list(strengths > np.array(thresholds))
    assert not any(np.isnan(strengths))
    unknown = plots.unit_bars(np.full(len(ACTION_UNITS), np.nan), thresholds)
    assert unknown.count("–") == len(ACTION_UNITS) and " on<" not in unknown


def test_a_curve_breaks_where_nothing_is_known() -> None:
    values = np.array([0.1, 0.2, np.nan, 0.8, 0.9])
    figure = plots.curve(values, np.arange(5) / 25, 0.5, "Violence", "", "threshold")
    assert figure.count("<polyline") == 2
    assert "highest 0.90" in figure


def labelled(labels: np.ndarray) -> str:
    header = ",".join(name.capitalize() for name in EXPRESSIONS)
    return "\n".join([header, *map(str, labels)])


def test_labels_are_scored_beside_the_controls() -> None:
    one = desk(clip_scores(gap=False))
    labels = truth(200).copy()
    labels[:10] = -1
    one.labels = parse(labelled(labels), "clip.txt").fit(200)
    found = scoring.scores(one, one.controls())
    assert set(found) == {"final", *one.controls()}
    keep = labels >= 0
    wanted = macro_f1(labels[keep], one.decided().final[keep], len(EXPRESSIONS))
    assert found["final"]["figure"] == pytest.approx(wanted)
    assert found["final"]["figure"] > found["no smoothing"]["figure"]
    drawn = showing.strips_of_classes(one)
    assert set(painted(drawn, "Your labels")) == {f"x-{EXPRESSIONS[n]}" for n in set(labels[keep])}
    assert f"F1 {wanted:.2f}" in drawn
    assert drawn.count("F1 ") == 4
    assert "Over 190 labelled frames" in scoring.scored(one)


def test_perfect_labels_of_dimensions_and_units_score_one() -> None:
    one = desk(clip_scores(gap=False))
    timeline = one.decided()
    pairs = [f"{v:.6f},{a:.6f}" for v, a in timeline.valence_arousal]
    one.labels = parse("\n".join(["valence,arousal", *pairs]), "va.txt")
    assert scoring.scores(one, {})["final"]["figure"] == pytest.approx(1)
    units = [",".join(str(int(x)) for x in row) for row in timeline.active]
    one.labels = parse("\n".join([",".join(ACTION_UNITS), *units]), "au.txt")
    parts = scoring.scores(one, {})["final"]["parts"]
    assert [parts[name] for name in ACTION_UNITS] == timeline.active.any(0).astype(float).tolist()


def test_labels_of_a_head_that_is_not_here_are_answered_in_words() -> None:
    one = desk(clip_scores(gap=False, valence_arousal=None))
    one.labels = parse("\n".join(["valence,arousal", *["0.1,0.2"] * 200]), "va.txt")
    assert "No head answered valence and arousal" in scoring.scored(one)
    assert exports.scored_or_why(one)["none"]


def test_submission_files_are_those_of_the_heads_that_are_here() -> None:
    one = desk(clip_scores(violence=np.linspace(0, 1, 200), units=None, units_second=None))
    found = exports.submissions(one)
    assert set(found) == {"clip-expr.txt", "clip-va.txt", "clip-violence.csv"}
    back = submission.read(found["clip-expr.txt"], "clip-expr.txt", Task.EXPRESSION)["clip"]
    assert (back == one.decided().final).all()
    assert all(text.count("\n") == 201 for text in found.values())


def test_the_table_has_a_row_a_frame_and_no_invented_numbers() -> None:
    one = desk(clip_scores(valence_arousal=None))
    one.decide(replace(one.options, fill=False))
    rows = list(csv.DictReader(io.StringIO(exports.csv_of(one))))
    assert len(rows) == 200
    assert "valence" not in rows[0]
    gone = [row for row in rows if row["face"] == "0"]
    assert gone
    assert all(row["final"] == "" and row["AU1"] == "" for row in gone)
    kept = rows[0]
    assert kept["final"] == EXPRESSIONS[one.decided().final[0]]
    assert float(kept["p_neutral"]) == pytest.approx(one.decided().probabilities[0, 0], abs=1e-4)


def test_the_report_says_what_a_result_rests_on() -> None:
    one = desk()
    report = json.loads(json.dumps(exports.report(one)))
    assert report["weights"]["yunet"] == {file.path: file.sha256 for file in weights.entry("yunet").files}
    assert report["versions"]["torch"] and report["versions"]["av"]
    assert report["options"]["window"] == Options().window
    assert report["stand_ins"] and report["encoder"] == "some-encoder"
    assert report["frames_with_face"] == 180
    assert report["heads"]["mlp"] and not report["heads"]["violence"]


def test_scores_travel_in_a_file_and_come_back_the_same(tmp_path) -> None:
    people = {0: clip_scores(), 3: clip_scores(seed=5, mlp=None)}
    path = tmp_path / "scores.npz"
    path.write_bytes(score_file.pack(people))
    back = score_file.unpack(path)
    assert set(back) == {0, 3}
    assert back[3].mlp is None
    assert back[0].stand_ins == people[0].stand_ins
    for number, one in people.items():
        assert (decide(back[number], Options()).final == decide(one, Options()).final).all()


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x05\x06" + bytes(18)])
def test_another_file_is_no_file_of_scores(tmp_path, content: bytes) -> None:
    path = tmp_path / "scores.npz"
    path.write_bytes(content)
    with pytest.raises(UserError) as trouble:
        score_file.unpack(path)
    assert trouble.value.code == Code.FILE_TYPE


def test_pickled_scores_are_refused(tmp_path) -> None:
    path = tmp_path / "scores.npz"
    np.savez(path, about=np.array([{"version": 1}], object))
    with pytest.raises(UserError):
        score_file.unpack(path)


def test_options_come_as_json() -> None:
    given = options_from('{"window": 3, "bias": [0, 0, 0, 0, 0, 0, 0, 1]}')
    assert (given.window, given.bias[-1]) == (3, 1.0)
    assert options_from("") == Options()
    for wrong in ("{", '{"no": 1}', '{"window": "wide"}', '{"bias": [1]}', "[1]", '{"bias": ["a"]}'):
        with pytest.raises(UserError) as trouble:
            options_from(wrong)
        assert trouble.value.code == Code.OPTION_RANGE


def test_the_main_person_of_the_analysis_is_looked_at_first_and_another_can_be_chosen() -> None:
    one = desk()
    one.take({1: clip_scores(), 0: clip_scores(seed=4, gap=False)})  # the analysis puts the main person first
    assert one.track == 1
    assert showing.person(one, 0).startswith("Person 1, 0.0 s to 8.0 s")
    one.look(0)
    assert one.cursor == 0
    with pytest.raises(UserError):
        one.look(7)


def test_a_clip_without_a_face_and_an_empty_desk_are_told() -> None:
    empty = Desk()
    for ask in (empty.source, empty.scores, lambda: empty.take({})):
        with pytest.raises(UserError) as trouble:
            ask()
        assert trouble.value.hint


def test_an_emptied_player_keeps_the_results_and_offers_nothing_to_analyse() -> None:
    one = desk()
    assert one.source()
    one.shown = False
    assert one.decided() is not None
    with pytest.raises(UserError):
        one.source()


def test_what_an_analysis_fetches_is_its_own_encoder_and_no_other() -> None:
    names = {name for _, name in readers.encoders()}
    assert len(names) > 1
    for name in names:
        assert names & set(readers.needed(name)) == {name}
    assert set(readers.listed()) >= names


def test_a_new_clip_takes_the_old_ones_results_away_and_ends_its_analysis() -> None:
    one = desk()
    running = one.stop
    one.start(None, None)
    assert running.is_set() and not one.stop.is_set()
    assert one.timeline is None and not one.people


def test_the_box_and_the_words_are_drawn_where_the_face_is_and_only_there() -> None:
    from core.types import Frame

    one = desk()
    draw = overlay.painter(one.scores(), one.decided())
    black = np.zeros((240, 320, 3), np.uint8)
    seen = draw(Frame(0, 0.0, black))
    assert seen[40:140, 38:43].any() and seen[:39, 30:].any()  # the box's left side, the words above
    assert not seen[150:].any()
    gone = int(np.flatnonzero(~one.scores().seen)[0])
    assert not draw(Frame(gone, 0.0, black)).any()
    assert not black.any()


def test_every_class_has_a_word_beside_its_colour() -> None:
    text = strips.legend(EXPRESSION_LOOKS)
    assert [look.word for look in EXPRESSION_LOOKS] == list(EXPRESSIONS)
    assert all(name in text for name in EXPRESSIONS)
