import cv2
import numpy as np
import pytest
import torch

from core.camouflage import augment
from core.camouflage.augment import Augmentation
from core.errors import UserError

NOTHING = Augmentation(gain=0, tone=0, side_light=0, rotate=0, shift=0, zoom=0, shear=0, blur=0, smallest=1)


def drawn(options: Augmentation, count: int, seed: int = 0) -> augment.Draw:
    return augment.draw(options, count, torch.Generator().manual_seed(seed))


def plain(count: int) -> augment.Draw:
    base = drawn(NOTHING, count)
    return augment.Draw(base.light, base.affine, base.sigma, base.size, torch.zeros(count))


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    first, again, other = drawn(Augmentation(), 5), drawn(Augmentation(), 5), drawn(Augmentation(), 5, seed=1)
    assert torch.equal(first.affine, again.affine) and torch.equal(first.light, again.light)
    assert not torch.equal(first.affine, other.affine)


def test_no_ranges_leave_the_image_as_it_is() -> None:
    images = torch.rand(2, 3, 3, 64, 64)
    assert torch.allclose(augment.apply(images, plain(3)), images, atol=1e-5)


def test_candidates_share_a_slots_conditions() -> None:
    one = torch.rand(1, 2, 3, 64, 64)
    seen = augment.apply(one.expand(4, -1, -1, -1, -1).contiguous(), drawn(Augmentation(), 2))
    for candidate in seen[1:]:
        assert torch.allclose(candidate, seen[0], atol=1e-5)


def test_slots_taken_apart_are_seen_as_together() -> None:
    images, conditions = torch.rand(2, 4, 3, 64, 64), drawn(Augmentation(), 4)
    whole = augment.apply(images, conditions)
    part = augment.apply(images[:, 1:3].contiguous(), conditions.take(range(1, 3)))
    assert torch.allclose(part, whole[:, 1:3], atol=1e-6)


def test_values_stay_in_range_and_gradients_flow() -> None:
    images = torch.rand(2, 6, 3, 64, 64, requires_grad=True)
    seen = augment.apply(images, drawn(Augmentation(gain=0.5), 6))
    assert seen.min() >= 0 and seen.max() <= 1
    seen.sum().backward()
    assert images.grad is not None and (images.grad.flatten(2).abs().sum(-1) > 0).all()


def test_gradients_flow_after_a_call_in_inference_mode() -> None:
    images, conditions = torch.rand(1, 6, 3, 48, 48), drawn(Augmentation(), 6, seed=8)
    with torch.inference_mode():
        augment.apply(images, conditions)
    augment.apply(images.requires_grad_(), conditions).sum().backward()


def test_blur_agrees_with_opencv() -> None:
    image = np.random.default_rng(0).random((64, 64)).astype(np.float32)
    matrix = augment.softener(64, 1.3)
    ours = (matrix @ torch.from_numpy(image) @ matrix.T).numpy()
    expected = cv2.GaussianBlur(image, (17, 17), 1.3)
    assert np.abs(ours - expected)[8:-8, 8:-8].max() < 1e-3


@pytest.mark.parametrize("size", [0.36, 0.5, 1.0])
def test_softening_keeps_flat_areas(size: int) -> None:
    assert torch.allclose(augment.softener(96, 1.1, size).sum(1), torch.ones(96), atol=1e-5)


@pytest.mark.parametrize("bad", [{"gain": 1.0}, {"tone": -0.1}, {"smallest": 0.01}, {"quality": (95, 40)}])
def test_ranges_are_checked(bad: dict) -> None:
    with pytest.raises(UserError):
        Augmentation(**bad)
