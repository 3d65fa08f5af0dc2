"""Every way to make a patch: one task, deterministic, counted; the iterative one works, its signs matter."""

import pytest
import torch

from core.errors import UserError
from core.patches import apply, makers, pgd, slots, victims
from core.patches.base import Victim
from core.patches.generator import About, PatchGenerator
from core.patches.makers import Budget, Gallery, Made, Task, make
from core.patches.pgd import Objective
from core.patches.slots import Slot
from tests.core.patches.patch_fakes import people, person_victim

SLOT = slots.torso(64, 32)
BUDGET = Budget(steps=25, draws=2)
GIVEN = people(3, 3, 64, 32)


def built(name: str, mode: str = "evasion") -> makers.Maker:
    if name != "generator":
        return makers.makers.create(name)
    torch.manual_seed(0)
    about = About(mode, "persons", ("torso",), ("tiny",), 64, 32)  # type: ignore[arg-type]
    return makers.makers.create(name, PatchGenerator(about).eval())


def task(seen: list[Victim], *, aim: bool = False, seed: int = 0) -> Task:
    source = Gallery.of(GIVEN.pictures[1:3], seen)
    target = Gallery.of(GIVEN.pictures[3:6], seen) if aim else None
    return Task(GIVEN.pictures[0], source, target, SLOT, seen, seed, BUDGET)


def cosine(made: Made, seen: list[Victim], gallery: Gallery, slot: Slot = SLOT) -> float:
    worn = apply.paste(GIVEN.pictures[:1], made.patch[None], slot).pictures
    return float(victims.similarity(victims.embed(seen, worn), gallery.vectors).mean())


OWN = ("random", "noise", "natural crop", "target crop", "pgd", "generator")  # others register from above


@pytest.mark.parametrize("name", OWN)
def test_all_take_the_same_task_and_give_the_same_patch_for_the_same_seed(name: str) -> None:
    seen: list[Victim] = [person_victim("a", 1), person_victim("b", 2)]
    for aim in (True,) if name == "target crop" else (False, True):
        maker = built(name, "impersonation" if aim else "evasion")
        first, second = (make(maker, task(seen, aim=aim)) for _ in range(2))
        assert first.patch.shape == (3, 64, 64) and first.patch.min() >= 0 and first.patch.max() <= 1
        assert torch.equal(first.patch, second.patch)
        assert first.victim_passes == (25 * 2 * 2 if name == "pgd" else 0)
        assert first.seconds > 0 and first.cpu_seconds >= 0


@pytest.mark.parametrize("name", ["random", "noise", "natural crop", "pgd"])
def test_another_seed_gives_another_patch(name: str) -> None:
    seen: list[Victim] = [person_victim()]
    first, second = (make(built(name), task(seen, seed=seed)) for seed in (0, 1))
    assert not torch.allclose(first.patch, second.patch, atol=0.02)


def test_the_generator_makes_a_patch_in_one_forward_pass() -> None:
    model = PatchGenerator(About("impersonation", "persons", ("torso",), ("tiny",), 64, 32)).eval()
    calls, looks = [], []
    model.register_forward_hook(lambda *_: calls.append(1))
    model.stem.register_forward_hook(lambda _, given, __: looks.append(len(given[0])))
    made = make(makers.makers.create("generator", model), task([person_victim()], aim=True))
    assert len(calls) == 1 and looks == [2]  # source and target together through the shared encoder
    assert made.victim_passes == 0


def test_iterating_pushes_away_further_than_chance() -> None:
    seen: list[Victim] = [person_victim()]
    given = task(seen)
    found = {
        name: cosine(make(built(name), given), seen, given.source) for name in ("random", "noise", "pgd")
    }
    assert found["pgd"] < min(found["random"], found["noise"]) - 0.1


def test_iterating_pulls_to_the_target_and_the_wrong_sign_breaks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Victim] = [person_victim()]
    given = task(seen, aim=True)
    assert given.target is not None
    plain = makers.makers.create("pgd", Objective(pull_margin=1.0))
    right, chance = (cosine(make(one, given), seen, given.target) for one in (plain, built("random")))
    pull = pgd.losses.pull
    monkeypatch.setattr(pgd.losses, "pull", lambda a, g, m: -pull(a, g, m))
    wrong = cosine(make(plain, given), seen, given.target)
    assert right > chance + 0.1
    assert wrong < right - 0.2


def test_a_target_crop_is_the_targets_own_place_and_needs_a_target() -> None:
    seen: list[Victim] = [person_victim()]
    given = task(seen, aim=True)
    assert given.target is not None
    worn = apply.paste(GIVEN.pictures[:1], make(built("target crop"), given).patch[None], SLOT)
    expected = GIVEN.pictures[0].lerp(given.target.pictures[0], worn.mask[0])
    assert (worn.pictures[0] - expected).abs().mean() < 0.25 * (GIVEN.pictures[0] - expected).abs().mean()
    with pytest.raises(UserError):
        make(built("target crop"), task(seen))


def test_without_victims_there_is_nothing_to_iterate_on() -> None:
    with pytest.raises(UserError):
        make(built("pgd"), Task(GIVEN.pictures[0], Gallery(GIVEN.pictures, {}), None, SLOT, []))


def test_options_outside_their_range_are_refused() -> None:
    for bad in (lambda: Budget(steps=0), lambda: Objective(push_margin=2), lambda: Objective(variation=-1)):
        with pytest.raises(UserError):
            bad()


def test_natural_crops_are_smoother_than_noise() -> None:
    import numpy as np

    from core.patches.losses import total_variation

    crops = makers.natural_crops(8, np.random.default_rng(0))
    assert crops.shape == (8, 3, 64, 64)
    assert total_variation(crops) < 0.5 * total_variation(torch.rand(8, 3, 64, 64))


def test_ways_that_look_at_nothing_make_one_patch_a_probe() -> None:
    probes = torch.rand(3, 3, 64, 32)
    found = makers.blind("random", probes, SLOT, seed=5)
    assert found.shape == (3, 3, 64, 64)
    one = makers.makers.create("random")(Task(probes[0], Gallery(probes, {}), None, SLOT, (), 6))
    assert torch.equal(found[1], one) and not torch.equal(found[0], found[1])
