"""What must hold for every attack (method card 5): where each is tested, and what is tested nowhere else.

- No opacity, bit-identical embedding; pixels outside the mask equal: ``test_apply``; real recognisers: here.
- The target matters, identical inputs give identical patches: ``test_generator``; those that ship:
  ``test_bundled``.
- One forward pass: ``test_makers``; with the generator that ships: here.
- Perfect scores give an mAP and rank-1 of 1, pictures of the same camera are removed, only pairs that were
  right without a patch are counted: ``test_evaluate``, ``tests/core/metrics``.
- No gradient for the recogniser's parameters: ``test_victims``; on real recognisers: here.
- Projecting onto the natural is idempotent: ``tests/core/diffusion/test_flowers``.
- What has to break it: the wrong sign of the pull (``test_makers``; on a real recogniser: here), the judged
  pictures leaking into the attack (evasion: ``test_evaluate``, impersonation: here), paste outside the mask
  (here).
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from core.patches import apply, bundled, evaluate, losses, makers, pgd, slots, victims
from core.patches.apply import STILL
from core.patches.base import Victim
from core.patches.evaluate import Outcome
from core.patches.generator import About, PatchGenerator
from core.patches.judge import Labelled
from core.patches.makers import Budget, Gallery, Task, make
from core.patches.pgd import Objective
from core.patches.victims import FaceVictim
from tests.core.patches.face_scene import portraits
from tests.core.patches.patch_fakes import people, person_victim

REAL = ("edgeface-s", "mobilefacenet-ms1m")


@pytest.fixture(params=REAL)
def victim(request: pytest.FixtureRequest, weight: Callable[[str], Path]) -> Iterator[FaceVictim]:
    weight(request.param)
    yield victims.face(request.param)


def untouched(before: Tensor, after: Tensor, mask: Tensor) -> bool:
    """Whether nothing outside the mask is another bit than before."""
    outside = (mask == 0).expand_as(before)
    return bool(outside.any()) and torch.equal(before[outside], after[outside])


@pytest.mark.weights
def test_no_opacity_gives_a_real_recogniser_the_same_bits(victim: FaceVictim) -> None:
    faces = portraits().known[:2]
    patch, slot = torch.rand(1, 3, 64, 64), slots.face("medical mask")
    none, whole = (apply.paste(faces, patch, slot, opacity=share).pictures for share in (0.0, 1.0))
    with torch.no_grad():
        clean, bare, worn = (victim.embed(pictures) for pictures in (faces, none, whole))
    assert torch.equal(none, faces) and torch.equal(bare, clean)
    assert (worn * clean).sum(1).max() < 0.99


@pytest.mark.weights
def test_evasion_leaves_a_real_recogniser_s_parameters_without_gradient(victim: FaceVictim) -> None:
    faces = portraits().known[:2]
    patch = torch.rand(1, 3, 64, 64, requires_grad=True)
    before = {name: value.clone() for name, value in victim.model.state_dict().items()}
    known = victims.embed([victim], faces)[victim.name][:, None]
    worn = apply.paste(faces, patch, slots.face("glasses")).pictures
    losses.push(victim.embed(worn), known, -1.0).backward()
    assert all(value.grad is None and not value.requires_grad for value in victim.model.parameters())
    assert patch.grad is not None and patch.grad.abs().sum() > 0
    assert all(torch.equal(value, before[name]) for name, value in victim.model.state_dict().items())


@pytest.mark.weights
def test_a_real_recogniser_is_pushed_and_pulled_and_the_wrong_sign_breaks_it(
    weight: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    weight("mobilefacenet-ms1m")
    one: list[Victim] = [victims.face("mobilefacenet-ms1m")]
    faces = portraits().known[::5][:2]
    slot = slots.face("medical mask")
    own, other = (Gallery.of(face[None], one) for face in faces)
    aim = Objective(conditions=STILL)

    def cosine(target: Gallery | None, to: Gallery, name: str = "pgd") -> float:
        maker = makers.makers.create(name, aim) if name == "pgd" else makers.makers.create(name)
        made = make(maker, Task(faces[0], own, target, slot, one, 0, Budget(12, 1)))
        worn = apply.paste(faces[:1], made.patch[None], slot).pictures
        return float(victims.similarity(victims.embed(one, worn), to.vectors))

    assert cosine(None, own) < cosine(None, own, "random") - 0.1
    right = cosine(other, other)
    assert right > cosine(other, other, "random") + 0.1
    pull = pgd.losses.pull
    monkeypatch.setattr(pgd.losses, "pull", lambda a, g, m: -pull(a, g, m))
    assert cosine(other, other) < right - 0.2


@pytest.mark.weights
def test_the_generator_that_ships_makes_a_patch_in_one_pass_and_asks_each_recogniser_once(
    weight: Callable[[str], Path],
) -> None:
    model = bundled.load("faces", "evasion")
    for name in model.about.victims:
        weight(name)
    seen, faces = [victims.face(name) for name in model.about.victims], portraits().known[:1]
    passes: list[int] = []
    hook = model.register_forward_hook(lambda *_: passes.append(1))
    try:
        task = Task(faces[0], Gallery.of(faces, seen), None, slots.face("glasses"), seen)
        made, again = (make(makers.makers.create("generator", model), task) for _ in range(2))
    finally:
        hook.remove()
    assert passes == [1, 1] and made.victim_passes == (len(seen) if model.about.told else 0)
    assert torch.equal(made.patch, again.patch)
    assert all(value.grad is None for value in model.parameters())


@pytest.mark.parametrize("place", slots.FACE_SHAPES)
def test_paste_outside_the_mask_is_seen(place: str) -> None:
    """``untouched`` holds for the paste, and fails for one that is a place off or knows no mask."""
    pictures, patch = torch.rand(2, 3, 224, 224), torch.rand(1, 3, 64, 64)
    slot = slots.face(place)
    found = apply.paste(pictures, patch, slot)
    assert untouched(pictures, found.pictures, found.mask)
    assert untouched(pictures, found.pictures, slot.mask.expand(2, 1, -1, -1))
    elsewhere = apply.paste(pictures, patch, slots.face("cheek" if place == "forehead" else "forehead"))
    assert not untouched(pictures, elsewhere.pictures, found.mask)
    colours = functional.grid_sample(patch, slot.grid[None], padding_mode="border", align_corners=False)
    assert not untouched(pictures, colours.expand(2, -1, -1, -1), found.mask)


@pytest.mark.parametrize("name", ["pgd", "generator", "target crop"])
def test_pictures_that_judge_an_impersonation_do_not_reach_the_attacker(name: str) -> None:
    """With pictures lent to him other judges change nothing; without, they leak and the patches change."""
    everyone = people(4, 4, 64, 32)
    probes, lent = everyone.take(range(0, 16, 4)), everyone.take(range(1, 16, 4))
    gallery = everyone.take([row for row in range(16) if row % 4 > 1])
    other = Labelled(gallery.pictures.flip(3), gallery.identities, gallery.cameras)
    given = ()
    if name == "generator":
        torch.manual_seed(0)
        given = (PatchGenerator(About("impersonation", "persons", ("torso",), ("tiny",), 64, 32)).eval(),)

    def patches(judges: Labelled, album: Labelled | None) -> Tensor:
        targets = probes.identities[[1, 2, 3, 0]]
        *_, last = evaluate.run(
            name, makers.makers.create(name, *given), probes, judges, slots.torso(64, 32), [person_victim()],
            targets=targets, lent=album, budget=Budget(4, 1), fars=(0.1,),
        )  # fmt: skip
        assert isinstance(last, Outcome)
        return last.patches

    assert torch.equal(patches(gallery, lent), patches(other, lent))
    assert not torch.allclose(patches(gallery, None), patches(other, None), atol=1e-4)
