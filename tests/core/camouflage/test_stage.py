"""Painting and seeing only what changes gives what painting and seeing the whole picture gives."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from core.camouflage import augment
from core.camouflage.augment import Augmentation, View
from core.camouflage.project import Surface, apply, area
from core.camouflage.render import render
from core.camouflage.sampling import taps
from core.camouflage.space import SpaceOptions, random_pattern
from core.camouflage.stage import Stage
from tests.core.camouflage import fakes


@pytest.fixture(scope="module")
def textures() -> torch.Tensor:
    rng = np.random.default_rng(4)
    return render([random_pattern(rng, SpaceOptions(shapes=3, opacity=(0.3, 1.0))) for _ in range(5)])


def surface(seed: int = 0, **changes: object) -> Surface:
    one = fakes.portrait(seed)
    return replace(Surface.canonical(one.pixels, one.face), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("grey", [False, True])
def test_the_skin_alone_is_painted_as_the_whole_photo(textures: torch.Tensor, grey: bool) -> None:
    whole = surface(grey=grey)
    stage = Stage(whole)
    images = stage.whole(stage.paint(textures))
    torch.testing.assert_close(images, apply(whole, textures), atol=1e-6, rtol=0)
    assert (images != stage.background()).any(1).any(0).float().mean() > 0.1


def test_areas_are_those_of_the_warped_pattern(textures: torch.Tensor) -> None:
    whole, opacity = surface(), torch.rand(len(textures)) + 0.2
    torch.testing.assert_close(Stage(whole).areas(textures, opacity), area(whole, textures, opacity))


def test_a_face_without_bare_skin_stays_as_it_is(textures: torch.Tensor) -> None:
    bare = surface()
    stage = Stage(replace(bare, mask=torch.zeros_like(bare.mask)))
    photo = stage.background()
    values = stage.paint(textures)
    assert torch.equal(stage.whole(values), photo.expand(len(textures), -1, -1, -1))
    assert not stage.areas(textures, torch.ones(len(textures))).any()
    conditions = augment.draw(Augmentation(), 1, torch.Generator().manual_seed(0))
    seen = View(photo, stage.places, conditions, 0)(values)
    torch.testing.assert_close(seen[0], augment.apply(photo[None, None], conditions)[0, 0])


def test_what_changes_is_seen_as_in_the_whole_picture(textures: torch.Tensor) -> None:
    stage = Stage(surface())
    values = stage.paint(textures)
    conditions = augment.draw(Augmentation(), 12, torch.Generator().manual_seed(2))
    assert (conditions.quality == 0).any() and (conditions.size < 1).any()
    images = stage.whole(values)[:, None].expand(-1, 12, -1, -1, -1)
    expected = augment.apply(images, conditions)
    for slot in range(12):
        seen = View(stage.background(), stage.places, conditions, slot)(values)
        assert (seen - expected[:, slot]).abs().mean() < 1e-5  # but for coefficients on the edge of rounding


def test_gradients_reach_the_texture_through_a_view(textures: torch.Tensor) -> None:
    stage = Stage(surface())
    raw = replace(augment.draw(Augmentation(), 1, torch.Generator().manual_seed(2)), quality=torch.zeros(1))
    view = View(stage.background(), stage.places, raw, 0)
    weights = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    texture, change = textures[:1].clone().requires_grad_(), torch.rand_like(textures[:1]) * 1e-2
    (slope,) = torch.autograd.grad((view(stage.paint(texture)) * weights).sum(), texture)
    up, down = ((view(stage.paint(textures[:1] + sign * change)) * weights).sum() for sign in (1, -1))
    assert float((slope * change).sum()) == pytest.approx(float(up - down) / 2, rel=0.05)


def test_taps_sample_as_torch_does() -> None:
    pictures = torch.rand(2, 3, 20, 30, generator=torch.Generator().manual_seed(0))
    grid = torch.rand(500, 2, generator=torch.Generator().manual_seed(1)) * 2.6 - 1.3
    expected = F.grid_sample(
        pictures, grid.expand(2, 1, -1, -1), padding_mode="border", align_corners=False
    )  # fmt: skip
    rows = pictures.flatten(2).permute(2, 0, 1).flatten(1)
    found = taps(grid, 20, 30).sample(rows).T.reshape(2, 3, 1, 500)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
