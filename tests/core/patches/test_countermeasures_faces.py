"""Two real recognisers, synthetic faces, a quick square: a first figure, not a benchmark."""

import numpy as np
import pytest
import torch

from core.patches import activation
from core.patches.countermeasures import detectors
from core.patches.countermeasures.measure import detection
from tests.core.patches import defence_fakes, face_scene

JUDGED, VIEWS, STEPS = ("person-a", "person-b", "person-c"), ("left", "smile", "up"), 8


@pytest.fixture(scope="module")
def scene(weight):
    """Portraits of people who are judged, the same attacked on the first victim, and others to fit on."""
    for name in face_scene.LAYERS:
        weight(name)
    victims = [face_scene.FaceVictim(name) for name in face_scene.LAYERS]
    everybody = face_scene.portraits()
    judged = torch.from_numpy(np.isin(everybody.people, JUDGED) & np.isin(everybody.views, VIEWS))
    others = torch.from_numpy(~np.isin(everybody.people, JUDGED) & np.isin(everybody.views, VIEWS))
    clean, masks = everybody.pictures[judged], face_scene.squares(int(judged.sum()))
    with torch.no_grad():
        known = {victim.name: victim.embed(everybody.known[judged]) for victim in victims}
        usual = {victim.name: victim.embed(everybody.known[others]) for victim in victims}
    attacked = defence_fakes.attack(victims[:1], clean, known, masks, steps=STEPS, rate=0.15)
    return victims, clean, attacked, masks, known, everybody.people[judged], everybody.pictures[others], usual


@pytest.mark.weights
def test_maps_of_a_recogniser_lie_where_its_crop_was(scene):
    victims, clean, _, _, known, *_ = scene
    found = activation.read(victims[0], clean, known[victims[0].name], "hirescam")
    x0, y0, x1, y1 = victims[0].model.box
    assert 0 < x0 < x1 < 224
    assert found.plain[..., : int(x0)].max() == 0
    assert found.plain[..., int(y0) + 1 : int(y1), int(x0) + 1 : int(x1)].min() > 0
    assert found.weighted.flatten(1).amax(1).min() > 0  # the gradient found the maps of all parts


@pytest.mark.weights
@pytest.mark.parametrize("name", ["disagreement", "recovery"])
def test_what_knows_the_claimed_person_tells_an_evasion(name, scene):
    """The two strongest; 9 clean and 9 attacked pictures of 3 people."""
    victims, clean, attacked, _, known, people, others, usual = scene
    detector = detectors.create(name).fit(others, victims, usual)
    used = victims[:1] if name == "recovery" else victims  # one will do, and saves most of the time
    scores = [detector.score(pictures, used, known).numpy() for pictures in (clean, attacked)]
    found = detection(*scores, people, people, resamples=50)
    assert found.auc.estimate > 0.85
    assert found.people == 3
