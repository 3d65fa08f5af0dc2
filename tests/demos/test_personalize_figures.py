"""The figures of the tab of TTA-CaP say what the replay says."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from core.personalize.options import JUNE, MARCH, Options
from core.personalize.replay import Entry, Replay, replay
from core.personalize.synthetic import Drawn, World, draw
from core.personalize.types import Kept
from core.personalize.vectors import softmax
from demos.personalize import film, lamps, looks, plots, shelves
from demos.personalize.rows import PeerRow

EVIL = '<script>alert("x")</script>'
OURS = Options()
ALONE = {"nearest_sources": 0, "lambda_source": 0.0}
BARE = replace(Options(), **ALONE)  # type: ignore[arg-type]
OPEN = replace(MARCH, temporal_gate=False, prototype_gate=False)
POISON = {7: 1, 19: 0, 33: 2}


@cache
def world(classes: int) -> Drawn:
    """Building the sources' caches is what takes the time here."""
    sources = 4 if classes == 4 else 1
    return draw(3, World(classes=classes, clips=2, targets=1, sources=sources, noise=1.2))


@cache
def run(options: Options = OURS, classes: int = 4, clips: int = 3, poisoned: tuple[int, ...] = ()) -> Replay:
    """Clips of 20 frames of a made world."""
    drawn = world(classes)
    streams = [clip.embeddings for clip in drawn.clips][:clips]
    changed = {number: POISON[number] for number in poisoned}
    return replay(streams, drawn.text, drawn.scale, options, drawn.sources, changed)[0]


def faces(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(256, size=(count, 48, 48, 3), dtype=np.uint8)


def names(classes: int = 4) -> list[str]:
    return [f"class {n}" for n in range(classes)]


def everything(found: Replay, words: Sequence[str], options: Options, at: int) -> dict[str, str]:
    """Every figure of one frame, by name."""
    step, thumbs = found.steps[at], faces(len(found.steps))
    row = PeerRow(EVIL, (0, len(words) - 1, 1), 0.5, 0.25, 1200)
    return {
        "film": film.film(found, words, thumbs, at),
        "lamps": lamps.lamps(step, options, words),
        "pairs": plots.before_after(step, found.running[at], words),
        "fusion": plots.fusion(step),
        "caches": shelves.caches(found, words, thumbs, at),
        "counters": plots.counters(found, at),
        "peers": plots.peers([row], words, [0, None, 0]),
        "curve": film.curve({EVIL: found.running[:, 0] * 0 + 0.5}, found.starts, at, words[0]),
    }


@pytest.mark.parametrize("classes", [2, 4, 10])
def test_names_are_text_whoever_typed_them(classes: int) -> None:
    words = [f"{EVIL}{n}" for n in range(classes)]
    found = replace(run(classes=classes), lent=(EVIL,))
    for at in (0, len(found.steps) - 1):
        for name, drawn in everything(found, words, Options(), at).items():
            assert "<script" not in drawn, name
            assert 'alert("x")' not in drawn, name
            if name not in ("fusion", "counters"):
                assert "&lt;script&gt;" in drawn, name


def test_the_film_has_a_run_for_every_change_of_an_answer() -> None:
    found = run()
    drawn = film.film(found, names(), faces(len(found.steps)), 0)
    for name, answers in (
        ("Zero-shot", [step.label for step in found.steps]),
        ("Personal", [step.answer for step in found.steps]),
    ):
        lane = drawn.split(f'<span class="name">{name}</span>')[1].split('<span class="note">')[0]
        painted = np.full(len(answers), -1)
        for style, path in re.findall(r'<path class="x-c(\d)" d="([^"]+)"', lane):
            for start, length in re.findall(r"M(\d+) 0h(\d+)v", path):
                painted[int(start) : int(start) + int(length)] = int(style)
        assert painted.tolist() == answers
        share = answers.count(answers[0]) / len(answers)
        assert f"{names()[answers[0]]} {share:.0%}" in lane
    changed = sum(step.label != step.answer for step in found.steps)
    assert changed
    assert f"60 frames of 3 clips; on {changed} of them" in drawn
    assert all(f">clip {n}</i>" in drawn for n in (1, 2, 3))
    assert drawn.count('class="rim"') == 2 * 2


@pytest.mark.parametrize(
    ("clips", "words"), [(5, "clip 4"), (10, "<span>clip </span>4"), (25, "<span>4</span>"), (60, "")]
)
def test_clips_are_named_where_there_is_room(clips: int, words: str) -> None:
    drawn = film.curve({"ours": np.full(60, 0.5)}, tuple(range(0, 61, 60 // clips)), 0, "pain")
    named = re.findall(r'width:[\d.]+%">(.+?)</i>', drawn)
    assert named[3:4] == ([words] if words else [])


def test_marks_stand_where_frames_were_kept_and_poisoned_ones_are_counted() -> None:
    found = run(OPEN, poisoned=tuple(POISON))
    drawn = film.film(found, names(), faces(60), 0)
    rows = drawn.split('class="rows"')[1].split('class="legend')[0]
    for kind in ("positive", "negative"):
        wanted = [n for n, step in enumerate(found.steps) if step.kept and step.kept.cache == kind]
        places = re.findall(rf'class="mark {kind}(?: bad)?" style="left:([\d.]+)%', rows)
        assert wanted
        assert [round(float(place) * 60 / 100 - 0.5) for place in places] == wanted
    through = sum(found.steps[n].kept is not None for n in POISON)
    assert through
    assert rows.count('class="mark poison') == len(POISON)
    assert rows.count('class="mark poison bad"') == through
    assert f"{through}/3 kept" in rows
    assert f"<dt>poisoned frames kept</dt><dd>{through} of 3</dd>" in plots.counters(found, 59)
    clean = film.film(run(), names(), faces(60), 0)
    assert "oisoned" not in clean + plots.counters(run(), 59)


@pytest.mark.parametrize(
    "options", [OURS, BARE, MARCH, replace(MARCH, **ALONE), JUNE, replace(JUNE, entropy_gate=False)]
)
def test_the_frame_goes_where_the_gates_send_it(options: Options) -> None:
    sent = []
    for step in run(options, classes=5, clips=6).steps:
        aim = lamps.wanted_by(step, options)
        told = lamps.fate(step, options, names(5))
        if step.kept is not None:
            assert aim == (step.kept.cache, step.kept.label)
            assert f"({step.kept.cache} cache) under class {step.kept.label}" in told
        elif step.refused:
            assert aim is not None
            assert "Passed, but refused" in told
            assert f"bucket class {aim[1]}" in told
        else:
            assert aim is None
            assert re.fullmatch(r"<b>Not kept:</b> .+\.", told)
        sent.append(aim)
    assert None in sent
    assert any(sent)


def test_a_cache_that_is_off_keeps_nothing_and_says_so() -> None:
    options = replace(Options(), positive_capacity=0, lambda_positive=0.0)
    found = [step for step in run(options).steps if lamps.wanted_by(step, options)]
    sure = [step for step in found if lamps.wanted_by(step, options)[0] == "positive"]  # type: ignore[index]
    assert sure
    assert all("turned off" in lamps.fate(step, options, names()) for step in sure)


def test_lamps_show_what_was_measured() -> None:
    for step in run().steps:
        drawn = lamps.lamps(step, Options(), names())
        assert f"<b>class {step.judged}</b>, the answer after the fusion" in drawn
        assert (
            f"Entropy {step.entropy:.3f} of the largest possible; needed: below {OURS.entropy_positive:.3f}"
            in drawn
        )
        assert f"{step.temporal.value:.0%} of the clip's last frames (3 at most)" in drawn
        assert f"leads by {step.prototype.value:.3f}" in drawn
        assert "0.050" in drawn
        lit = re.findall(r'class="lamp ([a-z-]+)"', drawn)
        gates = (step.temporal, step.confident, step.prototype)
        assert lit == ["passed" if gate.passed else "stopped" for gate in gates]
        assert drawn.count("<span>passed</span>") == lit.count("passed")
        assert ("Ambiguous" in drawn) == step.ambiguous


def test_gates_that_are_not_asked_say_why() -> None:
    drawn = lamps.lamps(run(BARE).steps[5], BARE, names())
    assert "Nobody lent prototypes" in drawn
    assert drawn.count("not asked") == 1
    off = replace(Options(), temporal_gate=False, entropy_gate=False, prototype_gate=False)
    drawn = lamps.lamps(run(off).steps[5], off, names())
    assert drawn.count("<span>not asked</span>") == drawn.count("Turned off.") == 3
    step = run().steps[5]
    lonely = replace(step, prototype=replace(step.prototype, value=math.inf))
    assert "inf" not in lamps.lamps(lonely, Options(), names())


def test_whoever_left_is_named_by_the_frame_on_the_screen() -> None:
    step = replace(run().steps[5], kept=Kept("positive", 2, 103))
    assert "Frame 3, the least sure there" in lamps.fate(step, Options(), names(), first=100)
    assert "A frame from a file" in lamps.fate(step, Options(), names(), first=104)
    assert "Frame 103" in lamps.fate(step, Options(), names())
    roomy = replace(step, kept=Kept("negative", 1, None))
    assert "class 1, the least likely class. There was room." in lamps.fate(roomy, Options(), names())


@pytest.mark.parametrize("classes", [2, 10])
def test_bars_are_as_long_as_their_numbers(classes: int) -> None:
    found = run(classes=classes)
    step, row = found.steps[30], found.running[30]
    drawn = plots.before_after(step, row, names(classes))
    pairs = [f"{old:.2f} → {new:.2f}" for old, new in zip(step.before, step.after, strict=True)]
    assert re.findall(r'class="value">([\d.]+ → [\d.]+)<', drawn) == pairs
    wide = [float(width) for width in re.findall(r"width:([\d.]+)%", drawn)]
    assert wide[::2] == pytest.approx(100 * step.before, abs=0.06)
    assert wide[1::2] == pytest.approx(100 * step.after, abs=0.06)
    clip = int(row.argmax())
    assert f'The clip so far: <b>class {clip}</b> <span class="value">{softmax(row)[clip]:.2f}' in drawn


@pytest.mark.parametrize("options", [Options(), JUNE])
def test_the_fusion_shows_weights_with_their_signs(options: Options) -> None:
    found = run(options)
    step = next(step for step in found.steps if step.weights[2] and step.weights[1])
    drawn = plots.fusion(replace(step, weights=(*step.weights[:3], -0.75), norms=(*step.norms[:3], 0.5)))
    for part, weight in zip(("target", "source", "positive"), step.weights, strict=False):
        assert f"+{weight:.2f}</span>" in drawn.split(f"({part})")[1].split("</tr>")[0]
    assert 'class="minus"' in drawn
    assert "−0.75" in drawn
    assert [f"{norm:.2f}" for norm in (*step.norms[:3], 0.5)] == re.findall(r"<td>([\d.]+)</td>", drawn)
    assert ("logit level" in drawn) == (options.level == "logit")
    assert (f"{step.length:.3f} long" in drawn) == (options.level == "embedding")
    alone = plots.fusion(replace(step, weights=(1.0, 0.0, 0.0, 0.0), norms=(1.0, 0.0, 0.0, 0.0)))
    assert alone.count("nothing there") == 3


def test_caches_show_the_faces_that_lie_there_with_their_entropies() -> None:
    found, thumbs, at = run(OPEN), faces(60), 59
    drawn = shelves.caches(found, names(), thumbs, at)
    for kind in ("positive", "negative"):
        held = [entry for bucket in found.entries(kind, at) for entry in bucket]  # type: ignore[arg-type]
        assert held
        shelf = re.split(r'class="shelf ', drawn)[1 if kind == "positive" else 2]
        assert f"({kind} cache), {looks.counted(len(held), 'face')} after frame 59" in shelf
        shown = re.findall(r'alt="Frame (\d+)[^"]*" title="[^"]*" src="([^"]+)"><small>([\d.]+)<', shelf)
        assert [(int(n), value) for n, _, value in shown] == [(e.frame, f"{e.entropy:.3f}") for e in held]
        assert all(address == looks.face(thumbs, int(n)) for n, address, _ in shown)
        assert shelf.count("tile newest") == 1
        assert f'alt="Frame {max(entry.frame for entry in held)}, the newest"' in shelf
    assert f"Prototypes are lent by {', '.join(found.lent)} (nearest first)." in drawn
    many = replace(found, lent=tuple(f"person {n}" for n in range(20)))
    assert "person 0, " in shelves.caches(many, names(), thumbs, at)
    assert "person 7 and 12 others (nearest first)" in shelves.caches(many, names(), thumbs, at)


def test_an_empty_cache_says_so_and_imported_entries_have_no_picture() -> None:
    found = run(BARE)
    nothing: tuple[tuple[Entry, ...], ...] = ((),) * 4
    loaded = ((Entry(-1, 0.125), Entry(2, 0.25)), (Entry(-1, 0.5),), (), ())
    made = replace(found, contents={"positive": (loaded,) * 60, "negative": (nothing,) * 60})
    drawn = shelves.caches(made, names(), faces(60), 59)
    assert drawn.count("Empty so far.") == 1
    assert drawn.count("<img") == 1
    assert drawn.count("From a file, without a picture") == 2
    assert all(value in drawn for value in ("0.125", "0.250", "0.500"))
    assert "Nobody lent prototypes." in drawn
    only = replace(made, contents={"positive": ((*loaded[1:], ()),) * 60, "negative": (nothing,) * 60})
    assert "newest" not in shelves.caches(only, names(), faces(60), 0).split('class="facet-lent"')[0]


def test_counters_count_up_to_the_frame_that_is_looked_at() -> None:
    found = run()
    for at in (0, 9, 59):
        steps = found.steps[: at + 1]
        drawn = plots.counters(found, at)
        shown = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", drawn))
        for field, word in plots.GATES:
            share = np.mean([getattr(step, field).passed for step in steps])
            assert shown[f"passed “{word}”"] == f"{share:.0%}"
        sure = sum(step.kept is not None and step.kept.cache == "positive" for step in steps)
        assert shown["kept as sure"] == str(sure)
        assert f"{found.milliseconds:.2f} ms" in drawn
        assert shown["memory of the person's caches"] == looks.kilobytes(found.memory)
        assert looks.counted(at + 1, "frame") in drawn
    assert "not asked" in plots.counters(run(BARE), 9)


def test_peers_are_marked_where_the_truth_is_known() -> None:
    rows = [PeerRow("ours", (0, 1, 2), 0.755, 0.123, 123_456), PeerRow("other", (1, 1, 0), 1.0, 1.5, 900)]
    drawn = plots.peers(rows, names(), [0, None, 1])
    assert drawn.count('title="right"') == 1
    assert drawn.count('title="wrong"') == 3
    assert re.findall(r'data-label="Right">([^<]+)<', drawn) == ["1 of 2", "0 of 2"]
    assert all(text in drawn for text in ("76%", "100%", "0.12 ms", "1.50 ms", "123 kB", "0.9 kB"))
    for truth in (None, [None, None, None]):
        plain = plots.peers(rows, names(), truth)
        assert "Right" not in plain
        assert "✓" not in plain


def test_curves_are_cut_at_clips_and_where_nothing_is_known() -> None:
    values = np.linspace(0, 1, 10)
    holed = values.copy()
    holed[6:8] = np.nan
    drawn = film.curve({"ours": values, "other": holed}, (0, 4, 5, 10), 5, "pain")
    stage = drawn.split('class="stage"')[1].split('class="note')[0]
    lines = {
        style: [[tuple(map(float, p.split(","))) for p in points.split()] for points in pieces]
        for style in ("l0", "l1")
        if (pieces := re.findall(rf'class="{style}" points="([^"]+)"', stage))
    }
    assert [len(piece) for piece in lines["l0"]] == [4, 2, 5]  # a clip of one frame: a dot
    assert [len(piece) for piece in lines["l1"]] == [4, 2, 2, 2]
    first = lines["l0"][0]
    assert first == [(50 + 100 * n, pytest.approx(100 - 100 * values[n], abs=0.06)) for n in range(4)]
    assert "pain, at frame 5: ours 0.56, other 0.56" in drawn
    assert "--cursor:0.55" in drawn
    assert 'other <b class="value">–</b>' in film.curve({"other": holed}, (0, 10), 6, "pain")
    assert film.curve({}, (0, 10), 6, "pain") == ""


def test_expressions_keep_their_colours_and_other_classes_get_their_own() -> None:
    assert [look.style for look in looks.looks_of(["Anger", "neutral"])] == ["x-anger", "x-neutral"]
    assert [look.style for look in looks.looks_of(["anger", "pain"])] == ["x-c0", "x-c1"]
    assert len({look.style for look in looks.looks_of(names(10))}) == 10


def test_long_streams_stay_small() -> None:
    short = run(MARCH, classes=10, clips=6)
    times = 8
    count = times * len(short.steps)
    full = tuple(tuple(Entry(n, 0.5) for n in range(64)) for _ in range(10))
    long = replace(
        short,
        steps=short.steps * times,
        starts=tuple(range(0, count + 1, 20)),
        running=np.tile(short.running, (times, 1)),
        poisoned=np.arange(count) % 2 == 0,
        contents={"positive": (full,) * count, "negative": (full,) * count},
    )
    thumbs = faces(count)
    drawn = everything(long, names(10), MARCH, count - 1) | {"film": film.film(long, names(10), thumbs, 3)}
    assert count >= 900
    assert {name: len(text) for name, text in drawn.items() if len(text) > 300_000} == {}
    assert "+58 more" in drawn["caches"]
