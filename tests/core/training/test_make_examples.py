"""The shipped example faces are what their recipe draws."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from core.faces import generate
from core.media import images
from core.training.example_index import FOLDER, Index, file_name
from core.training.face_directions import ATTRIBUTES, Directions
from core.training.make_examples import CLOSE, LEVEL, MOST_BYTES, PEOPLE, VIEWS, aim, draw, encode, picture

INDEX = Index.load()


def test_the_folder_holds_the_pictures_of_the_index_and_no_others() -> None:
    files = {file for _, _, file in INDEX.pictures()}
    assert files == {path.name for path in FOLDER.glob("*.jpg")}
    assert {name: person.seed for name, person in INDEX.people.items()} == dict(PEOPLE)
    assert {tuple(person.views) for person in INDEX.people.values()} == {tuple(VIEWS)}


def test_the_folder_is_small() -> None:
    sizes = [path.stat().st_size for path in FOLDER.glob("*.jpg")]
    assert max(sizes) <= MOST_BYTES
    assert sum(sizes) < 3_000_000


def test_the_views_measure_what_was_asked_for_and_differ() -> None:
    for person in INDEX.people.values():
        for name, (target, _) in VIEWS.items():
            for attribute, wanted in target.items():
                gap = abs(person.views[name].measured[attribute] - wanted)
                assert gap <= 3 * CLOSE[attribute], (person.seed, name, attribute)
        lit, level = person.views["light"].measured, person.views["frontal"].measured
        changed = sum(abs(lit[name] - level[name]) for name in ("side_light", "brightness"))
        assert changed >= 15, person.seed  # grey levels; most change by more than 40


def test_a_picture_is_encoded_small_and_without_metadata() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (512, 512, 3), np.uint8)
    plain = np.full((512, 512, 3), 90, np.uint8)
    assert len(encode(plain)) < MOST_BYTES < len(encode(noise))  # noise: the least quality, however large
    assert b"Exif" not in encode(noise)


@pytest.mark.weights
def test_a_shipped_picture_is_drawn_again_from_its_seed(weight: Callable[[str], Path]) -> None:
    weight("mobilestylegan")
    generator, directions = generate.load(), Directions.load(FOLDER / "directions.safetensors")
    name, view = "person-b", "left"
    person = INDEX.people[name]
    moves = person.views[view].moves
    again = picture(generator, directions, person.seed, moves, INDEX.truncation, INDEX.size)
    drawn = images.load(encode(again)).pixels.astype(float)
    shipped = images.load(FOLDER / file_name(name, view)).pixels.astype(float)
    assert np.abs(drawn - shipped).mean() < 0.5  # grey levels; another processor rounds differently
    other = images.load(FOLDER / file_name(name, "frontal")).pixels.astype(float)
    assert np.abs(drawn - other).mean() > 5


@pytest.mark.weights
def test_draw_writes_every_picture_of_an_index(weight: Callable[[str], Path], tmp_path: Path) -> None:
    weight("mobilestylegan")
    (name, person), *_ = INDEX.people.items()
    one = type(person)(person.seed, {"frontal": person.views["frontal"]})
    type(INDEX)(INDEX.generator, INDEX.truncation, INDEX.size, {name: one}).save(tmp_path)
    Directions(torch.zeros(len(ATTRIBUTES), 512)).save(tmp_path / "directions.safetensors")
    assert [event.done for event in draw(tmp_path)] == [1.0]
    assert images.load(tmp_path / file_name(name, "frontal")).pixels.shape == (INDEX.size, INDEX.size, 3)


@pytest.mark.weights
def test_aiming_turns_a_face(weight: Callable[[str], Path]) -> None:
    weight("mobilestylegan")
    generator, directions = generate.load(), Directions.load(FOLDER / "directions.safetensors")
    _, view = aim(generator, directions, PEOPLE["person-b"], LEVEL | {"yaw": 10.0}, {})
    assert view.measured["yaw"] == pytest.approx(10, abs=2 * CLOSE["yaw"])
