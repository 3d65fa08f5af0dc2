"""The camouflage tab's logic without a page: photos, the editor, what is fetched first, what is reported."""

import re
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest

from core import weights
from core.camouflage.options import PRESETS
from core.camouflage.pattern import Pattern, Shape
from core.errors import Code, UserError
from core.types import Face, Image, Notice
from demos.camouflage import examples, find, hand, intake, ready
from demos.camouflage.bench import MAX_SHOTS, Bench, Shot
from demos.camouflage.parts import lay_out
from demos.camouflage.words import PRESETS as WORDS
from demos.models import listing, missing, runnable

STRIPE = Shape("stripe", 0.0, 0.4, 1.0, 0.3, 30.0, "black")
DISC = Shape("disc", 0.5, 0.9, 0.6, 0.6, 0.0, "red")


def shot(name: str, faces: int = 1) -> Shot:
    five = np.zeros((5, 2), np.float32)
    notice = Notice("several-faces", name)
    found = tuple(Face((0, 0, 9, 9), 0.9, five, advice=(notice,)) for _ in range(faces))
    return Shot(Image(np.zeros((10, 10, 3), np.uint8)), found, 0, name)


@pytest.mark.parametrize(("count", "test"), [(1, 0), (2, 0), (3, 1), (4, 1), (6, 2), (9, 3)])
def test_every_third_photo_only_tests(count: int, test: int) -> None:
    bench = Bench()
    bench.start([shot(str(n)) for n in range(count)])
    searched, tested = bench.split()
    assert len(tested) == test
    assert len(searched) + len(tested) == count
    assert bench.main() in searched
    assert not set(map(id, searched)) & set(map(id, tested))


def test_a_bench_without_a_photo_says_so() -> None:
    for step in (Bench().main, Bench().work, Bench().judge):
        with pytest.raises(UserError, match="no photo yet"):
            step()


def test_a_dozen_photos_and_no_more() -> None:
    bench = Bench()
    bench.start([shot("0")])
    bench.add([shot(str(n)) for n in range(1, MAX_SHOTS)])
    with pytest.raises(UserError) as trouble:
        bench.add([shot("more")])
    assert trouble.value.code == Code.OPTION_RANGE
    assert len(bench.shots) == MAX_SHOTS
    assert bench.images() == MAX_SHOTS


def test_another_face_or_photo_drops_what_was_found_and_ends_the_search() -> None:
    bench = Bench()
    bench.start([shot("a", faces=2)])
    bench.put(Pattern((STRIPE,)), "hand")
    running = bench.stop
    bench.choose(1)
    assert running.is_set()
    assert not bench.stop.is_set()
    assert bench.pattern is None
    assert bench.main().chosen == 1


def test_more_photos_keep_the_pattern_but_not_its_old_figures() -> None:
    bench = Bench()
    bench.start([shot("a")])
    bench.put(Pattern((STRIPE,)), "ready")
    bench.judgement = SimpleNamespace(painted=(1,))  # type: ignore[assignment]
    bench.add([shot("b")])
    assert bench.pattern == Pattern((STRIPE,))
    assert bench.origin == "ready"
    assert bench.judgement is None


def test_a_search_runs_once_for_one_press() -> None:
    bench = Bench()
    with bench.turn() as asked:
        assert not asked
    bench.wanted = True
    with bench.turn() as asked:
        assert asked
        assert bench.busy
        with bench.turn() as again:
            assert not again
    assert not bench.busy
    with bench.turn() as asked:
        assert not asked


def test_a_search_that_fails_is_over() -> None:
    bench = Bench(wanted=True)
    with pytest.raises(KeyError), bench.turn():
        raise KeyError
    assert not bench.busy


def test_the_editor_changes_one_shape_and_gives_back_what_it_was_given() -> None:
    pattern = Pattern((STRIPE, DISC), opacity=0.7, mirror=True, repeat=2)
    keys: Any = SimpleNamespace(shape="shape", values=[str(n) for n in range(10)])
    shown = hand.controls(keys, pattern, 1)
    values = [shown[key] for key in keys.values]
    assert hand.edited(pattern, 1, values) == pattern
    values[1] = "blue"
    changed = hand.edited(pattern, 1, values)
    assert changed.shapes[0] == STRIPE
    assert changed.shapes[1].color == "blue"
    assert (changed.opacity, changed.mirror, changed.repeat) == (0.7, True, 2)


def test_sliders_can_never_make_an_invalid_pattern() -> None:
    wild = ["checker", "white", 400, 0.0, 9.0, -7, 7, 1.0, False, 5]
    changed = hand.edited(Pattern((STRIPE,)), 5, wild)
    assert Pattern.from_json(changed.to_json()) == changed


def test_the_presets_on_the_screen_are_the_systems() -> None:
    assert set(WORDS) == set(PRESETS)
    assert PRESETS["quick"].seconds <= 30


@pytest.mark.parametrize("name", PRESETS)
def test_the_time_that_the_screen_tells_is_the_presets(name: str) -> None:
    told = re.search(r"about (\d+) (second|minute)s", WORDS[name])
    assert told is not None
    seconds = int(told[1]) * {"second": 1, "minute": 60}[told[2]]
    assert 0.8 * seconds <= PRESETS[name].seconds <= seconds


def test_choices_change_the_preset_and_emptiness_keeps_it() -> None:
    assert find.options_for("quick") == PRESETS["quick"]
    changed = find.options_for("quick", ["dlib-resnet"], 10, 3, "random", 7)
    assert changed.optimise_on == ("dlib-resnet",)
    assert (changed.area_cap, changed.shapes, changed.strategy, changed.seed) == (0.1, 3, "random", 7)
    with pytest.raises(UserError):
        find.options_for("slow")
    with pytest.raises(UserError):
        find.options_for("quick", area=99)


def test_the_first_press_fetches_what_the_search_needs_and_at_most_eighty_megabytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bundled = {"dlib-resnet"}

    def status(name: str) -> weights.Status:
        carried = weights.entry(name).carried
        return weights.Status(name in bundled, "", 0 if name in bundled else carried)

    monkeypatch.setattr(weights, "status", status)
    names = find.first_fetch(PRESETS["quick"])
    assert "mobilefacenet-ms1m" in names
    assert sum(status(name).bytes_to_fetch for name in names) <= 80_000_000
    assert len(names) >= 3  # two judges that the search never sees are among them
    assert set(PRESETS["thorough"].optimise_on) - bundled <= set(find.first_fetch(PRESETS["thorough"]))


def test_what_cannot_be_fetched_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "status", lambda _: weights.Status(False, "offline", 9, fetchable=False))
    assert find.first_fetch(PRESETS["quick"]) == ()
    names = [entry.name for entry in runnable("recognition")]
    assert missing(names) == ()
    assert listing(names).count('class="absent"') == len(names)
    assert "offline" in listing(names)


def test_originals_of_converted_files_are_not_offered() -> None:
    assert "dlib-resnet-dat" not in {entry.name for entry in runnable("recognition")}


def test_the_panel_names_the_optional_face_parser_with_its_terms() -> None:
    with gr.Blocks():
        names = lay_out(examples.gallery(), [], ready.choices()).models.names
    assert "face-parser" in names
    text = listing(["face-parser"])
    for words in (
        "BiSeNet V2 face parser (optional)",
        "MIT, as its carrier states",
        "CelebAMask-HQ; non-comm",
    ):
        assert words in text
    assert missing(["face-parser"]) == ()  # the button fetches no mere option


def test_an_example_person_brings_several_photos_of_which_some_only_test() -> None:
    people = examples.people()
    assert len(people) == len(examples.gallery()) >= 8
    for paths in people.values():
        bench = Bench()
        bench.start([shot(path.stem) for path in paths])
        searched, tested = ([one.name.split("_")[1] for one in part] for part in bench.split())
        assert searched[0] == "frontal" and len(searched) >= 3
        assert {"right", "light"} <= set(tested)  # a turn and a light that the search has not seen


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "More photos of the same person"),
        (2, "2 photos in use, all to search on"),
        (6, "6 photos in use: 4 to search on, 2 to test"),
    ],
)
def test_how_many_photos_are_in_use_is_told(count: int, words: str) -> None:
    bench = Bench()
    bench.start([shot(str(n)) for n in range(count)])
    assert intake.in_use(bench).startswith(words)


def test_ready_made_patterns_are_known_by_name() -> None:
    for _, name in ready.choices():
        assert ready.preset(name).pattern.shapes
    with pytest.raises(UserError):
        ready.preset("no-such")
