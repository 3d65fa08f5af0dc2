"""The face generator as a prior: what it can do, and that it says what it cannot."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core import diffusion
from core.errors import Code, UserError
from core.patches import latent, slots
from core.patches.face_prior import REGIONS, FacePrior
from core.patches.latent import Course
from core.patches.makers import Budget, Gallery, Task, make, makers
from tests.core.patches.natural_fakes import TinyFaces
from tests.core.patches.patch_fakes import people, person_victim

CARD = replace(diffusion.cards["synthetic-face"], latent=(8, 1, 1))
TASK = Task(
    people(2, 3, 64, 32).pictures[0],
    Gallery.of(people(2, 3, 64, 32).pictures[1:3], [person_victim()]),
    None,
    slots.torso(64, 32),
    [person_victim()],
    0,
    Budget(8, 1),
)


def built() -> FacePrior:
    return FacePrior(CARD, TinyFaces(), (0.25, 0.25, 0.75, 0.75), width=8)


def test_latents_have_mean_0_and_deviation_1_before_truncation() -> None:
    latents = built().sample(["face"] * 800) / 0.7
    assert latents.shape == (800, 8, 1, 1)
    assert latents[:, :, 0, 0].mean(0).abs().max() < 0.2
    assert (latents[:, :, 0, 0].T.cov() - torch.eye(8)).abs().max() < 0.25


def test_decoding_gives_back_the_faces_own_part() -> None:
    prior, faces = built(), TinyFaces()
    noise = torch.randn(1, 8, generator=torch.Generator().manual_seed(7))
    style = torch.lerp(prior.mean, faces.mapping(noise), 0.7)
    whole = faces(style, 512)
    part = torch.nn.functional.interpolate(whole[:, :, 8:24, 8:24], (64, 64), mode="bilinear", antialias=True)
    torch.testing.assert_close(prior.decode(prior.sample([""], 7)), part, atol=1e-4, rtol=0)


def test_a_seed_does_not_hang_on_its_neighbours() -> None:
    prior = built()
    torch.testing.assert_close(prior.sample(["face", "face"], 3)[1:], prior.sample(["face"], 4))


def test_an_offset_in_it_is_found() -> None:
    prior = built()
    start = prior.sample(["face"], 0)
    offset = latent.descend(prior, start, TASK, Course(0.5, 4, 1))
    assert 0 < latent.rms(offset) <= 0.5 * latent.rms(start)
    made = make(makers.create("latent offset", prior, radius=0.5), TASK)
    assert made.patch.shape == (3, 64, 64)


def test_what_it_lacks_is_said() -> None:
    prior = built()
    calls = {
        "encoder": lambda: prior.project(torch.rand(1, 3, 64, 64)),
        "denoiser": lambda: make(makers.create("guided sample", prior, rate=0.2), TASK),
        "classes": lambda: prior.sample(["daisy"]),
    }
    for part, call in calls.items():
        with pytest.raises(UserError, match=part) as problem:
            call()
        assert problem.value.code == Code.OPTION_RANGE
    with pytest.raises(UserError, match="denoiser"):
        prior.sample(["face"], steps=5)


@pytest.mark.weights
@pytest.mark.parametrize("name", REGIONS)
def test_the_real_generator_shows_skin_with_detail(name: str, weight: Callable[[str], Path]) -> None:
    weight("mobilestylegan")
    prior = diffusion.load(name)
    picture = prior.decode(prior.sample(["face"], 1))
    assert picture.shape == (1, 3, 64, 64) and picture.std() > 0.05
    red, _, blue = picture.mean((0, 2, 3))
    assert red > blue
