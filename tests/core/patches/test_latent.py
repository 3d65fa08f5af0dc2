"""Offsets within a radius and steered samples: exact bounds, the own picture at 0, and that they attack."""

from dataclasses import replace

import pytest
import torch

from core.errors import Code, UserError
from core.patches import apply, latent, makers, natural_makers, slots, victims
from core.patches.base import Victim
from core.patches.latent import Course
from core.patches.makers import Budget, Gallery, Task, make
from core.patches.pgd import Cost, Objective
from tests.core.patches.natural_fakes import TinyPrior
from tests.core.patches.patch_fakes import people, person_victim

SLOT = slots.torso(64, 32)
GIVEN = people(3, 3, 64, 32)
PRIOR = TinyPrior()
SEEN: list[Victim] = [person_victim("a", 1), person_victim("b", 2)]
PLAIN = Objective(push_margin=-1.0)


def task(*, aim: bool = False, seed: int = 0, steps: int = 20) -> Task:
    source = Gallery.of(GIVEN.pictures[1:3], SEEN)
    target = Gallery.of(GIVEN.pictures[3:6], SEEN) if aim else None
    return Task(GIVEN.pictures[0], source, target, SLOT, SEEN, seed, Budget(steps, 2))


def cosine(patch: torch.Tensor, gallery: Gallery) -> float:
    worn = apply.paste(GIVEN.pictures[:1], patch[None], SLOT).pictures
    return float(victims.similarity(victims.embed(SEEN, worn), gallery.vectors).mean())


@pytest.mark.parametrize("radius", [0.0, 0.2, 1.0])
def test_an_offset_is_held_within_the_radius_and_no_further(radius: float) -> None:
    chance = torch.Generator().manual_seed(0)
    start = 3 * torch.randn(500, 2, 4, 4, generator=chance)
    offset = torch.randn(500, 2, 4, 4, generator=chance) * torch.logspace(-4, 3, 500).view(-1, 1, 1, 1)
    held = latent.limited(offset, start, radius)
    limit = radius * latent.rms(start)
    assert (latent.rms(held) <= limit + 1e-12).all()
    inside = (latent.rms(offset) <= limit).flatten()
    assert torch.equal(held[inside], offset[inside])
    assert torch.equal(latent.limited(held, start, radius), held)  # a second time changes nothing
    if radius:
        outside = ~inside
        assert inside.any() and outside.any()
        assert (latent.rms(held)[outside] > 0.9999 * limit[outside]).all()
        along = torch.nn.functional.cosine_similarity(held.flatten(1), offset.flatten(1))
        assert (along > 1 - 1e-5).all()


def test_the_bound_is_differentiable() -> None:
    start = torch.randn(2, 2, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for size in (0.1, 5.0):
        offset = (size * start.flip(0)).requires_grad_()
        assert torch.autograd.gradcheck(lambda given: latent.limited(given, start, 0.5), (offset,))
    zero = torch.zeros(1, 2, 3, 3, requires_grad=True)
    latent.limited(zero, start[:1].float(), 0.5).sum().backward()
    assert zero.grad is not None and torch.equal(zero.grad, torch.ones_like(zero))


def test_projection_through_the_prior_is_idempotent() -> None:
    once = PRIOR.project(0.2 * torch.rand(2, 3, 32, 32) + 0.4)
    torch.testing.assert_close(PRIOR.project(once), once, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name, strength", [("latent offset", "radius"), ("guided sample", "rate")])
def test_at_0_the_patch_is_the_priors_own_picture(name: str, strength: str) -> None:
    own = make(makers.makers.create("natural sample", PRIOR, "rose"), task(seed=5))
    made = make(makers.makers.create(name, PRIOR, "rose", **{strength: 0.0}), task(seed=5))
    assert torch.equal(made.patch, own.patch) and made.patch.shape == (3, 64, 64)
    assert own.victim_passes == made.victim_passes == 0


@pytest.mark.parametrize("name, strength", [("latent offset", "radius"), ("guided sample", "rate")])
def test_it_pushes_further_than_the_own_picture_and_further_with_more_room(name: str, strength: str) -> None:
    given = task()
    own = cosine(make(makers.makers.create("natural sample", PRIOR, "rose"), given).patch, given.source)
    found = []
    for value in (0.3, 2.0):
        maker = makers.makers.create(name, PRIOR, "rose", objective=PLAIN, **{strength: value})
        first, second = make(maker, given), make(maker, given)
        assert torch.equal(first.patch, second.patch) and first.victim_passes > 0
        found.append(cosine(first.patch, given.source))
    assert found[0] < own - 0.001 and found[1] < found[0] - 0.001


def test_a_guided_sample_that_is_stopped_is_finished_without_steering() -> None:
    asked: list[int] = []

    def stopped() -> bool:
        asked.append(1)
        return len(asked) > 2

    maker = makers.makers.create("guided sample", PRIOR, "rose", rate=1.0)
    early, late = make(maker, replace(task(), stopped=stopped)), make(maker, task())
    assert 0 < early.victim_passes < late.victim_passes == len(asked) * early.victim_passes // 2
    assert not torch.equal(early.patch, late.patch)


def test_it_pulls_to_a_target() -> None:
    given = task(aim=True, steps=30)
    assert given.target is not None
    aim = Objective(pull_margin=1.0)
    own = cosine(make(makers.makers.create("natural sample", PRIOR, "rose"), given).patch, given.target)
    for name, options in (("latent offset", {"radius": 2.0}), ("guided sample", {"rate": 1.0})):
        made = make(makers.makers.create(name, PRIOR, "rose", objective=aim, **options), given)
        assert cosine(made.patch, given.target) > own + 0.002


def test_an_offset_found_lies_within_and_may_begin_with_a_picture() -> None:
    start = latent.encoded(PRIOR, torch.rand(1, 3, 50, 50, generator=torch.Generator().manual_seed(0)))
    assert start.shape == (1, 2, 8, 8)
    offset = latent.descend(PRIOR, start, task(), Course(0.4, 5))
    limit = 0.4 * latent.rms(start)
    assert 0.5 * limit < latent.rms(offset) <= limit
    picture = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(1))
    made = make(makers.makers.create("latent offset", PRIOR, radius=0.0, picture=picture), task())
    small = latent.decoded(PRIOR, latent.encoded(PRIOR, picture[None]))[0]
    assert torch.equal(made.patch, small)


def test_another_seed_and_another_class_are_another_patch() -> None:
    made = [
        make(makers.makers.create("natural sample", PRIOR, label), task(seed=seed)).patch
        for label, seed in (("rose", 0), ("rose", 1), ("tulip", 0))
    ]
    assert all(not torch.allclose(made[0], other, atol=0.01) for other in made[1:])


def test_what_is_out_of_range_is_refused() -> None:
    bad = (
        lambda: makers.makers.create("latent offset", PRIOR, radius=-0.1),
        lambda: makers.makers.create("guided sample", PRIOR, rate=9.0),
        lambda: Course(steps=0),
        lambda: make(makers.makers.create("natural sample", PRIOR, "cat"), task()),
        lambda: Cost(GIVEN.pictures[0], {}, None, SLOT, [], PLAIN, 0, 1),
        lambda: make(makers.makers.create("natural sample", "no such prior"), task()),
    )
    for call in bad:
        with pytest.raises(UserError) as problem:
            call()
        assert problem.value.code == Code.OPTION_RANGE


@pytest.mark.parametrize("name", [name for name in natural_makers.NAMES if name != "latent generator"])
def test_the_bundled_flowers_are_the_default(name: str) -> None:
    given = Task(GIVEN.pictures[0], Gallery.of(GIVEN.pictures[1:3], SEEN), None, SLOT, SEEN, 0, Budget(2, 1))
    options = {"steps": 2} if name == "guided sample" else {}
    made = make(makers.makers.create(name, **options), given)
    assert made.patch.shape == (3, 64, 64) and made.patch.min() >= 0 and made.patch.max() <= 1
