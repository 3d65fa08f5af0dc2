"""The generators that ship: what they are for, and that they do it to faces that nobody has."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from core.errors import Code, UserError
from core.faces import align, find
from core.patches import apply, bundled, makers, slots, victims
from core.reid import pedestrians
from core.settings import ROOT

TOWN = 2  # no training drew people of this one


def test_it_says_what_it_is_for() -> None:
    about = bundled.load("faces", "evasion").about
    assert (about.kind, about.mode, about.slots[0]) == ("faces", "evasion", "glasses")
    assert len(about.victims) == 3


def test_the_one_for_people_knows_the_places_on_them() -> None:
    about = bundled.load("persons", "evasion").about
    assert (about.kind, about.mode) == ("persons", "evasion")
    assert about.slots == ("shirt", "torso", "drawn")
    assert about.victims == ("facet-person", "facet-person-b")


def test_what_does_not_ship_is_said() -> None:
    with pytest.raises(UserError) as problem:
        bundled.load("persons", "impersonation")
    assert problem.value.code == Code.WEIGHTS_MISSING


@pytest.mark.weights
def test_synthetic_people_are_known_less_than_behind_a_random_patch(weight: Callable[[str], Path]) -> None:
    weight("edgeface-s")
    weight("sface")
    files = sorted((ROOT / "demos" / "examples" / "faces").glob("person-*_frontal.jpg"))[:3]
    photos = [np.asarray(cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB), np.uint8) for file in files]
    faces = align.align_batch([(pixels, find(pixels)[0]) for pixels in photos])
    known = [victims.face("edgeface-s"), victims.face("sface")]  # attacked in training, and never seen
    model, slot = bundled.load("faces", "evasion"), slots.face("glasses")
    clean = victims.embed(known, faces)
    with torch.no_grad():
        made = model(faces, slot)
    chance = makers.makers.create("random")
    source = makers.Gallery(faces[:1], {})
    random = torch.stack([chance(makers.Task(one, source, None, slot, [], n)) for n, one in enumerate(faces)])
    cosines = []
    for patches in (made, random):
        worn = victims.embed(known, apply.paste(faces, patches, slot).pictures)
        cosines.append({name: float((worn[name] * clean[name]).sum(1).mean()) for name in clean})
    assert all(cosines[0][name] < cosines[1][name] - 0.1 for name in clean)


@pytest.mark.parametrize("place", slots.PERSON_SHAPES)
def test_drawn_people_are_known_less_than_behind_a_random_patch(place: str) -> None:
    model = bundled.load("persons", "evasion")
    known = [victims.person(name) for name in model.about.victims]
    rows = np.array([(person, camera, 0) for camera in (0, 1) for person in range(8)])
    pictures = torch.from_numpy(pedestrians.batch(TOWN, rows)).permute(0, 3, 1, 2).float() / 255
    worn_by, gallery = pictures[:8], victims.embed(known, pictures[8:])
    slot = slots.named("persons", place, 256, 128)
    with torch.no_grad():
        made = model(worn_by, slot)
    chance = makers.makers.create("random")
    nothing = makers.Gallery(worn_by[:1], {})
    random = torch.stack(
        [chance(makers.Task(one, nothing, None, slot, [], seed)) for seed, one in enumerate(worn_by)]
    )
    ours, theirs = (
        victims.embed(known, apply.paste(worn_by, some, slot).pictures) for some in (made, random)
    )
    for name, clean in gallery.items():
        assert (ours[name] * clean).sum(1).mean() < (theirs[name] * clean).sum(1).mean() - 0.1, name
