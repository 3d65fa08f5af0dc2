import numpy as np
import pytest
import torch

from core.errors import UserError
from core.patches.countermeasures import Purifier, detectors
from core.patches.countermeasures.concentration import Concentration
from core.patches.countermeasures.disagreement import Disagreement, ranks
from core.patches.countermeasures.measure import detection
from core.patches.countermeasures.occlusion import Occlusion, Recovery, contrast
from core.patches.countermeasures.squeezing import Blur, Jpeg
from tests.core.patches import defence_fakes as fakes


@pytest.fixture(scope="module")
def scene():
    """Two encoders, of which the first is attacked; clean and attacked probes, a clean set to fit on."""
    people = torch.arange(24) % 8
    victims = [fakes.victim(0), fakes.victim(1)]
    clean, known = fakes.patterns(people, 1), fakes.patterns(people, 2)
    references = {victim.name: victim.embed(known) for victim in victims}
    attacked = fakes.attack(victims[:1], clean, references, fakes.square())
    return people.numpy(), victims, clean, attacked, references, fakes.patterns(people, 3)


@pytest.mark.parametrize("name", detectors)
def test_every_detector_keeps_to_the_interface(name, scene):
    _, victims, clean, _, references, other = scene
    detector = detectors.create(name).fit(other, victims, references)
    assert detector.name == name
    assert detector.title
    assert detector.source
    scores = detector.score(clean.clone().requires_grad_(), victims, references)
    assert scores.shape == (len(clean),)
    assert scores.isfinite().all()
    assert not scores.requires_grad
    torch.testing.assert_close(scores, detector.score(clean, victims, references))
    alone = detector.score(clean[3:4], victims, {key: value[3:4] for key, value in references.items()})
    torch.testing.assert_close(alone[0], scores[3], rtol=1e-4, atol=1e-4)
    if isinstance(detector, Purifier):
        purified = detector.clean(clean, victims)
        assert purified.shape == clean.shape
        assert 0 <= purified.min() <= purified.max() <= 1
        assert not purified.requires_grad
    with pytest.raises(UserError):
        detector.score(clean, [], references)


@pytest.mark.parametrize("name", detectors)
def test_every_detector_finds_a_plain_patch(name, scene):
    """Not a benchmark: a strong free square on tiny encoders must be above chance, in the right direction."""
    people, victims, clean, attacked, references, other = scene
    detector = detectors.create(name).fit(other, victims, references)
    used = victims if detector.needs_references else victims[:1]
    found = detection(
        detector.score(clean, used, references).numpy(),
        detector.score(attacked, used, references).numpy(),
        people,
        people,
        resamples=50,
    )
    assert found.auc.estimate > 0.7, found.auc


def test_the_concentration_s_mask_lies_on_the_patch(scene):
    _, victims, _, attacked, _, other = scene
    detector = Concentration(side=0.34).fit(other, victims[:1])
    masks, truth = detector.masks(attacked, victims[:1]), fakes.square()
    overlap = (masks * truth).sum((1, 2, 3)) / (masks + truth - masks * truth).sum((1, 2, 3))
    assert overlap.mean() > 0.4  # two windows at random places overlap by 0.1
    purified = detector.clean(attacked, victims[:1])
    assert torch.equal(purified * (1 - masks), attacked * (1 - masks))


def test_an_even_map_is_as_usual():
    detector = Concentration()

    class Even(fakes.TinyVictim):
        def maps(self, pixels):
            return torch.ones(len(pixels), 4, 6, 6)

    excess = detector.excess(torch.rand(2, 3, 48, 48), [Even(0)])
    torch.testing.assert_close(excess, torch.zeros_like(excess), atol=1e-5, rtol=0)


def test_contrast_compares_with_what_does_not_overlap():
    flat = torch.full((1, 7, 7), 0.3)
    torch.testing.assert_close(contrast(flat), torch.zeros(1, 7, 7))
    peak = flat.clone()
    peak[0, 3, 3] = 1
    found = contrast(peak)
    assert found.flatten().argmax() == 3 * 7 + 3
    assert found[0, 3, 3] == pytest.approx(0.7)
    assert found[0, 3, 4] == pytest.approx(0)  # a neighbour that overlaps is not compared with
    assert found[0, 3, 5] == pytest.approx(-0.7 / 11)  # 16 in the ring, 5 of them beyond the border


def test_occluders_reach_every_border_and_cover_the_patch(scene):
    _, victims, _, attacked, _, _ = scene
    detector = Occlusion()
    rows, columns = detector.changes(attacked[:1], victims[:1]).shape[1:]
    covered = sum(detector.mask(attacked, place) for place in range(rows * columns))
    assert covered.min() >= 1
    purified = detector.clean(attacked, victims[:1])
    hidden = ((purified != attacked).any(1, keepdim=True) * fakes.square()).sum((1, 2, 3))
    assert (hidden / fakes.square().sum()).mean() > 0.4  # at a random place 0.09


def test_covering_gives_back_only_what_a_patch_took(scene):
    _, victims, clean, attacked, references, _ = scene
    used = {key: value[:2] for key, value in references.items()}
    gains = Recovery().gains(attacked[:2], victims[:1], used)
    best = Occlusion().mask(attacked, int(gains[0].argmax()))
    assert (best * fakes.square()).sum() > 0.25 * fakes.square().sum()
    assert gains.amax() > Recovery().gains(clean[:2], victims[:1], used).amax()
    with pytest.raises(UserError):
        Recovery(0.9)


def test_squeezers_lose_detail_and_keep_the_rest():
    flat = torch.full((1, 3, 48, 64), 0.5)
    for squeezer in (Jpeg(), Blur()):
        torch.testing.assert_close(squeezer.squeeze(flat), flat, atol=0.01, rtol=0)
        noise = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))
        assert squeezer.squeeze(noise).std() < 0.97 * noise.std()
    red = flat * torch.tensor([2.0, 0.2, 0.2]).view(1, 3, 1, 1)
    torch.testing.assert_close(Jpeg(90).squeeze(red), red, atol=0.02, rtol=0)  # channels keep their order


def test_ranks_share_ties():
    assert ranks(torch.tensor([3.0, 1.0, 1.0, 2.0])).tolist() == pytest.approx([1, 1 / 6, 1 / 6, 2 / 3])
    assert ranks(torch.tensor([3.0])).tolist() == [0.5]


def test_disagreement_needs_two_and_a_reference(scene):
    _, victims, clean, _, references, _ = scene
    with pytest.raises(UserError, match="whom"):
        Disagreement().score(clean, victims)
    with pytest.raises(UserError, match="nobody"):
        Disagreement().score(clean, victims[:1], references)
    assert Disagreement().score(clean, [victims[0], victims[0]], references).abs().max() == 0


@pytest.mark.parametrize(
    "build", [lambda: Jpeg(0), lambda: Blur(1), lambda: Occlusion(0.05), lambda: Concentration(1)]
)
def test_options_out_of_range_are_refused(build):
    with pytest.raises(UserError):
        build()


def test_detection_counts_by_person():
    people = np.repeat(np.arange(6), 5)
    perfect = detection(np.zeros(30), np.ones(30), people, people, resamples=50)
    assert perfect.auc.estimate == perfect.auc.low == perfect.tpr.estimate == 1
    assert perfect.people == perfect.auc.clusters == 6
    assert perfect.point.supported
    chance = detection(np.arange(30), np.arange(30), people, people, resamples=50)
    assert chance.auc.estimate == pytest.approx(0.5)
    assert chance.point.far <= 0.05
    with pytest.raises(ValueError, match="everybody"):
        detection(np.zeros(30), np.ones(30), people, people + 1)
