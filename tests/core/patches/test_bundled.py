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
from core.settings import ROOT


def test_it_says_what_it_is_for() -> None:
    about = bundled.load("faces", "evasion").about
    assert (about.kind, about.mode, about.slots[0]) == ("faces", "evasion", "glasses")
    assert len(about.victims) == 3


def test_what_does_not_ship_is_said() -> None:
    with pytest.raises(UserError) as problem:
        bundled.load("persons", "evasion")
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
