from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.camouflage import presets
from core.camouflage.evaluate import Evaluator, Portrait
from core.camouflage.matching import random_matched
from core.camouflage.presets import Preset, PresetFigures
from core.camouflage.space import SpaceOptions, random_pattern


@pytest.fixture
def preset() -> Preset:
    figures = {"a": PresetFigures(True, 1.0, 0.1, 0.8, 0.5), "b": PresetFigures(False, 0.9, 0.4, 0.7, 0.3)}
    pattern = random_pattern(np.random.default_rng(0), SpaceOptions(shapes=5))
    return Preset("p", "P", pattern, 0.19, ("a",), "ten people", "five people", 0.01, 0.98, figures, 3)


def test_presets_come_back_as_they_were_saved(tmp_path: Path, preset: Preset) -> None:
    path = tmp_path / "presets.json"
    presets.save([preset], path)
    (again,) = presets.load(path)
    assert again.pattern == preset.pattern and dict(again.figures) == dict(preset.figures)
    assert (again.name, again.optimised_on, again.seed) == ("p", ("a",), 3)


def test_no_file_is_no_preset(tmp_path: Path) -> None:
    assert presets.load(tmp_path / "none.json") == ()


def test_the_sentence_tells_searched_from_never_seen(preset: Preset) -> None:
    text = preset.sentence()
    assert "searched: 10% (clean 100%, random patterns of equal area 80%)" in text
    assert "never seen: 40%" in text and "FAR 1%" in text and "five people" in text


def test_shipped_presets_are_valid_and_within_a_fifth() -> None:
    for one in presets.load():
        assert 0 < one.area <= 0.2
        assert one.optimised_on and set(one.optimised_on) < set(one.figures)
        assert {name for name, row in one.figures.items() if row.optimised} == set(one.optimised_on)


@pytest.mark.weights
@pytest.mark.data
def test_shipped_presets_beat_random_patterns_on_people_they_never_saw(
    data_dir: Path, weight: Callable[[str], Path]
) -> None:
    from core import faces, recognition
    from core.datasets import folders

    weight("dlib-resnet")
    photos = folders.people(data_dir / "faces" / "lfw10")
    people = sorted({photo.identity for photo in photos})[1::2]  # the search saw the others
    portraits = []
    for name in people[:2]:
        for photo in [one for one in photos if one.identity == name][:3]:
            pixels = photo.pixels()
            portraits.append(Portrait(name, pixels, faces.find(pixels)[0]))
    evaluator = Evaluator(portraits, {"dlib-resnet": recognition.load("dlib-resnet")})
    controls = random_matched(6, 0.195, SpaceOptions(shapes=6), np.random.default_rng(5))
    chance = [evaluator.painted(pattern).genuine.mean("dlib-resnet") for pattern in controls]
    shipped = presets.load()
    assert shipped
    for one in shipped:
        outcome = evaluator.painted(one.pattern)
        assert outcome.genuine.mean("dlib-resnet") < min(chance)
        assert outcome.area <= 0.21
