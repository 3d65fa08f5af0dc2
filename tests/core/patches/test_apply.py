"""Pasting: what must stay bit for bit, what must move, and that gradients come through."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.errors import Code, UserError
from core.patches import apply, slots
from core.patches.apply import STILL, Conditions, draw, paste
from core.patches.palette import nearest, printable
from tests.core.patches.patch_fakes import face_victim

SLOT = slots.face("forehead")


def given(count: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    chance = torch.Generator().manual_seed(1)
    pictures = torch.rand(count, 3, 224, 224, generator=chance)
    return pictures, torch.rand(count, 3, 64, 64, generator=chance)


@pytest.mark.parametrize("moving", [False, True])
@pytest.mark.parametrize("name", slots.FACE_SHAPES)
def test_pixels_outside_the_mask_are_bit_equal_and_inside_differ(name: str, moving: bool) -> None:
    pictures, patches = given()
    drawn = draw(Conditions(), 3, torch.Generator().manual_seed(2)) if moving else None
    found = paste(pictures, patches, slots.face(name), drawn)
    outside = (found.mask == 0).expand_as(pictures)
    assert torch.equal(found.pictures[outside], pictures[outside])
    assert 0.8 < outside.float().mean() < 0.95
    full = (found.mask == 1).expand_as(pictures)
    assert (found.pictures[full] != pictures[full]).float().mean() > 0.95


def test_zero_opacity_gives_the_same_picture_and_the_same_embedding_bit_for_bit() -> None:
    pictures, patches = given()
    drawn = draw(Conditions(), 3, torch.Generator().manual_seed(2))
    found = paste(pictures, patches, SLOT, drawn, opacity=0.0).pictures
    assert torch.equal(found, pictures)
    victim = face_victim()
    assert torch.equal(victim.embed(found), victim.embed(pictures))
    assert not torch.equal(
        victim.embed(paste(pictures, patches, SLOT, drawn).pictures), victim.embed(pictures)
    )


def test_half_opacity_is_half_way() -> None:
    pictures, patches = given(1)
    none, half, whole = (paste(pictures, patches, SLOT, None, share).pictures for share in (0.0, 0.5, 1.0))
    torch.testing.assert_close(half, (none + whole) / 2, atol=1e-6, rtol=0)


def test_a_patch_appears_where_its_place_says() -> None:
    """A bright square in the patch lands on the pixels that the slot's affine map names."""
    patch = torch.zeros(1, 3, 64, 64)
    patch[..., 40:48, 8:16] = 1  # its middle at (12, 44) of 64
    found = paste(torch.zeros(1, 3, 224, 224), patch, SLOT).pictures[0, 0]
    rows, columns = (found > 0.5).nonzero().float().mean(0)
    place = torch.tensor([12 / 32 - 1, 44 / 32 - 1, 1.0], dtype=torch.float64)
    x, y = torch.from_numpy(SLOT.affine) @ place
    assert abs(float(columns - x)) < 1 and abs(float(rows - y)) < 1


@pytest.mark.parametrize("place", ["glasses", "medical mask", "drawn"])
def test_what_is_cut_out_and_pasted_again_changes_next_to_nothing(place: str) -> None:
    mask = np.zeros((224, 224), bool)
    mask[150:200, 60:110] = True
    slot = slots.drawn(mask) if place == "drawn" else slots.face(place)
    coarse = torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(3))
    pictures = functional.interpolate(coarse, 224, mode="bicubic").clamp(0, 1)
    found = apply.cut(pictures, slot)
    assert found.shape == (2, 3, 64, 64)
    assert (paste(pictures, found, slot).pictures - pictures).abs().max() < 0.03
    assert (paste(pictures, found.flip(3), slot).pictures - pictures).abs().max() > 0.2


def test_still_conditions_change_nothing_but_rounding() -> None:
    pictures, patches = given()
    drawn = draw(STILL, 3, torch.Generator().manual_seed(2))
    moved, still = (paste(pictures, patches, SLOT, one).pictures for one in (drawn, None))
    torch.testing.assert_close(moved, still, atol=2e-4, rtol=0)


def test_scale_and_rotation_are_as_large_as_asked_for() -> None:
    """The mask's area grows with the square of the scale, and its long axis turns by the angle."""
    many = draw(Conditions(scale=0.1, rotation=10), 400, torch.Generator().manual_seed(0))
    scale = 1 / many.turn.det().sqrt()
    angle = torch.atan2(many.turn[:, 0, 1], many.turn[:, 0, 0]).rad2deg()
    assert 0.9 <= scale.min() < 0.905 and 1.095 < scale.max() <= 1.1
    assert -10 <= angle.min() < -9.8 and 9.8 < angle.max() <= 10
    pictures, patches = given(20)
    some = draw(Conditions(shift=0), 20, torch.Generator().manual_seed(0))
    mask = paste(pictures, patches, SLOT, some).mask.flatten(1).sum(1)
    torch.testing.assert_close(mask / SLOT.mask.sum(), 1 / some.turn.det(), atol=0.02, rtol=0)
    ground = torch.cartesian_prod(torch.arange(224.0), torch.arange(224.0)).flip(1)
    one = apply.Draw(*(getattr(some, field)[:1] for field in apply.Draw.__dataclass_fields__))
    weights = paste(pictures[:1], patches[:1], SLOT, one).mask[0, 0]
    centred = ground - (ground * weights.reshape(-1, 1)).sum(0) / weights.sum()
    axes = torch.linalg.eigh((centred * weights.reshape(-1, 1)).T @ centred)[1][:, -1]
    turned = torch.atan2(axes[1], axes[0]).rad2deg().remainder(180)
    asked = torch.atan2(one.turn[0, 0, 1], one.turn[0, 0, 0]).rad2deg().remainder(180)
    assert min(abs(float(turned - asked)), 180 - abs(float(turned - asked))) < 0.3


def test_same_generator_state_same_conditions() -> None:
    first, second, third = (draw(Conditions(), 4, torch.Generator().manual_seed(s)) for s in (5, 5, 6))
    assert torch.equal(first.turn, second.turn) and torch.equal(first.print, second.print)
    assert not torch.equal(first.turn, third.turn)


def test_gradients_reach_the_patch_through_every_condition() -> None:
    pictures, patches = given(2)
    small = functional.interpolate(patches, 16).double().mul(0.6).add(0.2).requires_grad_()
    plain = Conditions(print=0.0)  # snapping to a palette passes no slope of its own by design
    drawn = draw(plain, 2, torch.Generator().manual_seed(3))
    wide = apply.Draw(*(getattr(drawn, field).double() for field in apply.Draw.__dataclass_fields__))
    assert torch.autograd.gradcheck(lambda p: apply.seen(p, wide).mean((2, 3)), (small,), atol=1e-5)
    single = patches.clone().requires_grad_()
    paste(pictures, single, SLOT, draw(Conditions(), 2)).pictures.sum().backward()
    assert single.grad is not None and (single.grad != 0).float().mean() > 0.5


def test_blur_lowers_the_variation_and_keeps_the_mean() -> None:
    flat = torch.full((1, 3, 32, 32), 0.3)
    sharp = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    blurred = apply._blurred(torch.cat([flat, sharp]), torch.tensor([1.0, 1.0]))
    torch.testing.assert_close(blurred[:1], flat)
    assert blurred[1].std() < 0.5 * sharp.std()
    assert abs(float(blurred[1].mean() - sharp.mean())) < 0.01
    torch.testing.assert_close(apply._blurred(sharp, torch.tensor([0.0])), sharp)


def test_print_draws_colours_to_the_palette() -> None:
    colours = printable()
    assert colours.shape == (27, 3) and colours.min() >= 0 and colours.max() <= 1
    assert len({tuple(colour) for colour in colours.tolist()}) == 27
    patches = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    before = nearest(patches, colours)[1].mean()
    drawn = draw(STILL, 1)
    printed = apply.seen(patches, apply.Draw(drawn.turn, drawn.shift, drawn.light, drawn.sigma, drawn.gamma,
                                             torch.ones(1)))  # fmt: skip
    assert nearest(printed, colours)[1].mean() < 0.01 * before


def test_bad_input_is_refused() -> None:
    pictures, patches = given(2)
    with pytest.raises(UserError) as problem:
        paste(pictures, patches, SLOT, None, 1.5)
    assert problem.value.code == Code.OPTION_RANGE
    with pytest.raises(UserError):
        Conditions(scale=0.9)
    with pytest.raises(ValueError, match="one patch each"):
        paste(pictures[..., :100], patches, SLOT)
    with pytest.raises(ValueError, match="drawn conditions"):
        paste(pictures, patches, SLOT, draw(Conditions(), 3))
