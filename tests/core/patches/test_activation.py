import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from core.patches import activation
from tests.core.patches import defence_fakes as fakes


@pytest.fixture(scope="module")
def scene():
    people = torch.arange(8)
    victim = fakes.victim(0)
    clean, other = fakes.patterns(people, 1), fakes.patterns(people, 2)
    references = {victim.name: victim.embed(other)}
    mask = fakes.square()
    attacked = fakes.attack([victim], clean, references, mask)
    return victim, clean, attacked, references, mask


def test_a_plain_map_is_the_mean_of_sizes():
    maps = torch.tensor([[[[1.0, -2.0]], [[-3.0, 4.0]]]])
    assert activation.plain(maps)[0].tolist() == [[2.0, 3.0]]
    assert activation.plain(maps, "positive")[0].tolist() == [[0.5, 2.0]]


def test_a_map_without_a_crop_is_enlarged_as_a_picture():
    maps = torch.rand(2, 6, 6)
    expected = functional.interpolate(maps[:, None], (48, 48), mode="bilinear", align_corners=False)[:, 0]
    torch.testing.assert_close(activation.placed(maps, fakes.victim(0)), expected)


class Cropped(nn.Module):
    name, height, width, box = "cropped", 40, 60, (10.0, 5.0, 50.0, 35.0)


def test_a_map_of_a_crop_lies_where_the_crop_was():
    maps = torch.zeros(1, 3, 4)
    maps[0, 2, 0] = 1  # lower left cell: rows 25..35, columns 10..20
    found = activation.placed(maps, Cropped(), "nearest")
    expected = torch.zeros(1, 40, 60)
    expected[0, 25:35, 10:20] = 1
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(activation.cells(found[:, None], Cropped(), (3, 4)), maps)


def test_the_crop_of_a_wrapped_model_is_found():
    class Wrapped:
        name, height, width, model = "wrapped", 40, 60, Cropped()

    assert activation.frame(Wrapped()) == (10.0, 5.0, 50.0, 35.0)
    assert activation.frame(fakes.victim(0)) == (0.0, 0.0, 48.0, 48.0)


def test_share_inside_counts_mass():
    maps = torch.tensor([[[1.0, 3.0]], [[0.0, 0.0]]])
    mask = torch.tensor([[[[0.5, 1.0]]]])
    share = activation.share_inside(maps, mask)
    assert share[0] == pytest.approx(3.5 / 4)
    assert np.isnan(share[1])


def test_weighted_maps_are_grad_cam(scene):
    """Against a hand-made graph: the gradient of a mean pool is known in closed form."""
    victim, clean, _, references, _ = scene
    reference = references[victim.name]
    maps = victim.maps(clean).requires_grad_()
    embedding = functional.normalize(victim.head(maps.mean((2, 3))), dim=1)
    (gradient,) = torch.autograd.grad((embedding * reference).sum(), maps)
    cam = (gradient.mean((2, 3), keepdim=True) * maps).sum(1).clamp_min(0)
    expected = functional.interpolate(cam[:, None], (48, 48), mode="bilinear", align_corners=False)[:, 0]
    found = activation.read(victim, clean, reference).weighted
    torch.testing.assert_close(found, expected.detach())
    assert not found.requires_grad
    assert (found >= 0).all()


def test_both_rules_agree_where_an_encoder_takes_the_mean(scene):
    """Its gradient is the same at every place of a channel; where places weigh apart the rules differ."""
    victim, clean, _, references, _ = scene
    reference = references[victim.name]
    both = [activation.read(victim, clean, reference, rule).weighted for rule in ("grad-cam", "hirescam")]
    torch.testing.assert_close(*both)

    class Uneven(fakes.TinyVictim):
        def maps(self, pixels):
            return victim.maps(pixels)

        def embed(self, pixels):
            return functional.normalize(self.maps(pixels)[:, :, 0, :4].flatten(1), dim=1)

    found = activation.read(Uneven(0), clean, torch.ones(1, 128) / 128**0.5, "hirescam").weighted
    assert found[:, 24:].abs().max() == 0  # what an embedding does not look at
    other = activation.read(Uneven(0), clean, torch.ones(1, 128) / 128**0.5).weighted
    assert other[:, 24:].max() > 0


def test_weighted_maps_survive_a_victim_that_works_in_parts(scene):
    victim, clean, _, references, _ = scene

    class Parts(fakes.TinyVictim):
        def embed(self, pixels):
            return torch.cat([victim.embed(part) for part in pixels.split(3)])

        def maps(self, pixels):
            return victim.maps(pixels)

    expected = activation.read(victim, clean, references[victim.name]).weighted
    found = activation.read(Parts(0), clean, references[victim.name]).weighted
    torch.testing.assert_close(found, expected)


def test_maps_that_are_not_the_embedding_s_are_refused(scene):
    victim, clean, _, references, _ = scene

    class Other(fakes.TinyVictim):
        def embed(self, pixels):
            return victim.embed(pixels)

        def maps(self, pixels):
            return victim.maps(pixels) + 1

    with pytest.raises(ValueError, match="are not what its embedding"):
        activation.read(Other(0), clean, references[victim.name])


def test_a_patch_draws_attention(scene):
    victim, clean, attacked, references, mask = scene
    before, after = (
        activation.read(victim, pictures, references[victim.name]).plain for pictures in (clean, attacked)
    )
    assert before.shape == (8, 48, 48)
    shares = [activation.share_inside(maps, mask) for maps in (before, after)]
    assert (shares[1] > shares[0]).all()
    assert shares[1].mean() > 1.5 * mask.mean()
