import pytest
import torch

from core.patches.adaptive import Knowing, surrogate
from core.patches.countermeasures import detectors
from core.patches.countermeasures.base import Detector
from core.patches.countermeasures.disagreement import Disagreement
from core.patches.countermeasures.squeezing import Jpeg
from tests.core.patches import defence_fakes as fakes

WEIGHTS = {
    "occlusion": 5.0,
    "recovery": 5.0,
    "concentration": 5.0,
    "jpeg": 5.0,
    "blur": 5.0,
    "disagreement": 1.0,
}


@pytest.fixture(scope="module")
def scene():
    people = torch.arange(8)
    victims = [fakes.victim(0), fakes.victim(1)]
    clean, known = fakes.patterns(people, 1), fakes.patterns(people, 2)
    references = {victim.name: victim.embed(known) for victim in victims}
    attacked = fakes.attack(victims[:1], clean, references, fakes.square())
    return victims, clean, attacked, references, fakes.patterns(people, 3)


@pytest.mark.parametrize("name", detectors)
def test_an_attacker_who_knows_is_suspected_less(name, scene):
    victims, clean, attacked, references, other = scene
    detector = detectors.create(name).fit(other, victims, references)
    used = victims if detector.needs_references else victims[:1]
    penalty = Knowing([(WEIGHTS[name], detector)], used, references)
    steps = 10 if name in ("occlusion", "recovery") else 25  # those take a pass for every position
    hidden = fakes.attack(
        victims[:1], clean, references, fakes.square(), steps, penalty=lambda x: 8 * penalty(x)
    )
    before, after = (detector.score(each, used, references).mean() for each in (attacked, hidden))
    assert after < before - 0.1 * abs(before)
    still, were = (
        (victims[0].embed(each) * references[victims[0].name]).sum(1).mean() for each in (hidden, clean)
    )
    assert still < were  # and it still attacks


@pytest.mark.parametrize("name", detectors)
def test_a_surrogate_follows_the_score(name, scene):
    """Of clean and attacked pictures together the order is the same but for a few pairs."""
    victims, clean, attacked, references, other = scene
    detector = detectors.create(name).fit(other, victims, references)
    pictures = torch.cat([clean, attacked])
    twice = {key: value.repeat(2, 1) for key, value in references.items()}
    score = detector.score(pictures, victims, twice)
    soft = surrogate(detector, pictures.requires_grad_(), victims, twice)
    assert torch.corrcoef(torch.stack([score, soft.detach()]))[0, 1] > 0.9
    (gradient,) = torch.autograd.grad(soft.sum(), pictures)
    assert gradient.abs().flatten(1).amax(1).min() > 0


def test_straight_through_gives_the_true_value(scene):
    victims, clean, _, references, _ = scene
    found = surrogate(Jpeg(), clean.clone().requires_grad_(), victims, references)
    torch.testing.assert_close(found.detach(), Jpeg().score(clean, victims), atol=1e-5, rtol=1e-4)


def test_what_has_no_surrogate_says_so(scene):
    victims, clean, _, references, _ = scene

    class Other(Detector):
        name = "other"

        def _score(self, pictures, victims, references):
            return pictures.mean((1, 2, 3))

    with pytest.raises(NotImplementedError, match="other"):
        surrogate(Other(), clean, victims)
    with pytest.raises(NotImplementedError, match="ranks"):
        surrogate(Disagreement(), clean, victims, references)
    assert Knowing([], victims)(clean) == 0
