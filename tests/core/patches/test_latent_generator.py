"""Natural patches in one pass: within the radius, the own picture at 0, trained by the same recipe."""

from pathlib import Path

import pytest
import torch

from core import diffusion
from core.errors import Code, UserError
from core.patches import generator, latent, makers, natural_makers, slots
from core.patches.base import Victim
from core.patches.generator import About
from core.patches.latent_generator import LatentGenerator
from core.patches.makers import Gallery, Task, make
from core.patches.pgd import Objective
from core.training import loop, patch_generator
from core.training.patch_generator import Rates
from core.training.patch_people import People
from tests.core.patches.natural_fakes import TinyPrior
from tests.core.patches.patch_fakes import people, person_victim

SLOT = slots.torso(64, 32)
ABOUT = About("evasion", "persons", ("torso", "drawn"), ("tiny",), 64, 32, "tiny", 0.5, "rose", 3)


def built(radius: float = 0.5, mode: str = "evasion") -> LatentGenerator:
    torch.manual_seed(0)
    about = About(mode, "persons", ("torso",), ("tiny",), 64, 32, "tiny", radius, "rose", 3)  # type: ignore[arg-type]
    return LatentGenerator(about, TinyPrior()).eval()


def pictures(seed: int) -> torch.Tensor:
    return torch.rand(3, 3, 64, 32, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("radius", [0.1, 0.5, 2.0])
def test_the_offset_never_leaves_the_radius(radius: float) -> None:
    net = built(radius)
    with torch.no_grad():
        net.common.mul_(100)
        offset = net.offset(pictures(0), SLOT)
    limit = radius * latent.rms(net.start)
    assert (latent.rms(offset) <= limit).all() and (latent.rms(offset) > 0.99 * limit).all()


def test_at_radius_0_it_shows_the_priors_own_picture() -> None:
    net = built(0.0)
    with torch.no_grad():
        assert torch.equal(net(pictures(0), SLOT), net.natural().expand(3, -1, -1, -1))
        own = makers.makers.create("natural sample", net.prior, "rose")
        made = own(Task(pictures(0)[0], Gallery(pictures(0), {}), None, SLOT, [], seed=3))
        assert torch.equal(made, net.natural()[0])


def test_a_smaller_radius_is_kept_to_and_a_larger_one_is_that_of_the_training() -> None:
    net, found = built(0.5), {}
    with torch.no_grad():
        net.common.mul_(100)
    task = Task(pictures(0)[0], Gallery(pictures(0), {}), None, SLOT, [], seed=3)
    for radius in (None, 0.0, 0.2, 0.5, 3.0):
        found[radius] = makers.makers.create("latent generator", net, radius=radius)(task)
    assert torch.equal(found[0.0], net.natural()[0])
    assert torch.equal(found[None], found[0.5]) and torch.equal(found[None], found[3.0])
    gone = {radius: float((patch - net.natural()[0]).abs().mean()) for radius, patch in found.items()}
    assert 0 < gone[0.2] < gone[0.5]
    assert net.about.radius == 0.5
    with pytest.raises(UserError):
        makers.makers.create("latent generator", net, radius=-0.1)


def test_it_depends_on_its_pictures_and_the_target_and_passes_once() -> None:
    net = built(mode="impersonation")
    calls: list[int] = []
    net.stem.register_forward_hook(lambda *_: calls.append(1))
    with torch.no_grad():
        first = net(pictures(0), SLOT, pictures(1))
        assert len(calls) == 1
        assert torch.equal(first, net(pictures(0), SLOT, pictures(1)))
        assert not torch.allclose(first, net(pictures(0), SLOT, pictures(2)), atol=1e-4)
        assert not torch.allclose(first, net(pictures(2), SLOT, pictures(1)), atol=1e-4)
    with pytest.raises(ValueError, match="do not go together"):
        net(pictures(0), SLOT)


def test_its_file_holds_the_first_latent_but_not_the_prior(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prior = TinyPrior()
    monkeypatch.setattr(diffusion, "load", lambda name: {"tiny": prior}[name])
    net, path = generator.built(ABOUT), tmp_path / "generator.safetensors"
    assert isinstance(net, LatentGenerator) and not any("columns" in name for name in net.state_dict())
    generator.save(net, path)
    monkeypatch.setattr(prior, "sample", None)  # z0 comes from the file
    back = generator.load(path)
    assert isinstance(back, LatentGenerator) and back.about == ABOUT
    with torch.no_grad():
        torch.testing.assert_close(back(pictures(0), SLOT), net(pictures(0), SLOT), atol=5e-3, rtol=0)


def test_another_radius_or_shape_of_latents_is_refused() -> None:
    with pytest.raises(UserError) as problem:
        built(5.0)
    assert problem.value.code == Code.OPTION_RANGE
    with pytest.raises(UserError):
        latent.check("rate", -0.1)
    prior = TinyPrior()
    prior.card = natural_makers.diffusion.cards["synthetic-face"]
    with pytest.raises(UserError, match="square"):
        LatentGenerator(ABOUT, prior, torch.zeros(1, 64, 1, 1))


def test_the_recipe_trains_it_and_leaves_the_prior_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prior = TinyPrior()
    monkeypatch.setattr(diffusion, "load", lambda name: prior)
    before = prior.columns.clone()
    sets = []
    for count, seed in ((12, 0), (4, 1)):
        given = people(count, 3, 64, 32, seed)
        sets.append(People(given.pictures.mul(255).byte().permute(0, 2, 3, 1).numpy(), given.identities))
    seen: list[Victim] = [person_victim()]
    about = About("evasion", "persons", ("torso",), ("tiny",), 32, 32, "tiny", 1.0, "rose", 0)
    recipe = patch_generator.recipe(
        about, seen, {"torso": (SLOT,)}, *sets, Objective(push_margin=-1.0), rates=Rates(2e-3, 0.1)
    )
    *_, last = loop.run(recipe, tmp_path, loop.Options(epochs=4, batch=8, cpu=True))
    assert isinstance(last, loop.Outcome) and last.history[-1]["effect"] > last.history[0]["effect"]
    assert torch.equal(prior.columns, before)
    model = last.model.generator.eval()  # type: ignore[union-attr]
    held = people(3, 3, 64, 32, 2).pictures
    source = Gallery.of(held[1:3], seen)
    task = Task(held[0], source, None, SLOT, seen, 0)
    made = make(makers.makers.create("latent generator", model), task)
    assert made.patch.shape == (3, 64, 64) and made.victim_passes == 0
