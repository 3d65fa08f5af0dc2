"""Losses, recomputed another way; which parts get gradients."""

import pytest
import torch
from torch.nn.functional import normalize

from core.patches import losses
from core.patches.palette import printable


def vectors(count: int, *shape: int, seed: int = 0) -> torch.Tensor:
    return normalize(torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_push_and_pull_by_hand() -> None:
    attacked, gallery = vectors(3, 5), vectors(3, 2, 5, seed=1)
    push = pull = 0.0
    for n in range(3):
        for g in range(2):
            cosine = float(attacked[n] @ gallery[n, g])
            push += max(0.0, cosine - 0.1) / 6
            pull += max(0.0, 0.4 - cosine) / 6
    assert float(losses.push(attacked, gallery, 0.1)) == pytest.approx(push, abs=1e-6)
    assert float(losses.pull(attacked, gallery, 0.4)) == pytest.approx(pull, abs=1e-6)


def test_beyond_its_margin_a_pair_costs_nothing_and_has_no_slope() -> None:
    one = vectors(1, 4).requires_grad_()
    away, near = losses.push(one, -one.detach()[:, None], 0.0), losses.pull(one, one.detach()[:, None], 0.5)
    assert away.item() == near.item() == 0
    assert torch.autograd.grad(away + near, one)[0].abs().max() == 0


def test_evasion_is_push_and_impersonation_is_pull_plus_lambda_push() -> None:
    attacked, source, target = vectors(4, 6), vectors(4, 3, 6, seed=1), vectors(4, 3, 6, seed=2)
    given = {"push_margin": -0.2, "pull_margin": 0.6, "push_weight": 0.3}
    push, pull = losses.push(attacked, source, -0.2), losses.pull(attacked, target, 0.6)
    assert torch.equal(losses.attack(attacked, source, None, **given), push)
    torch.testing.assert_close(losses.attack(attacked, source, target, **given), pull + 0.3 * push)


def test_total_variation_of_a_ramp() -> None:
    ramp = torch.linspace(0, 1, 11)[None, None, None].expand(1, 3, 5, 11)
    assert float(losses.total_variation(ramp)) == pytest.approx(0.1, abs=1e-6)
    assert float(losses.total_variation(torch.full((1, 3, 4, 4), 0.7))) == 0


def test_printable_colours_cost_nothing_and_others_their_distance() -> None:
    colours = printable()
    exact = colours.T.reshape(1, 3, 3, 9)
    assert float(losses.printability(exact, colours)) < 1e-5
    alone = torch.tensor([[0.5, 0.5, 0.5]])
    grey = torch.full((1, 3, 2, 2), 0.6)
    assert float(losses.printability(grey, alone)) == pytest.approx(0.1 * 3**0.5, abs=1e-5)
    exact = exact.clone().requires_grad_()
    losses.printability(exact, colours).backward()
    assert exact.grad is not None and exact.grad.isfinite().all()


def test_size_is_the_mean_square() -> None:
    assert float(losses.size(torch.full((2, 3, 4, 4), 0.5), torch.zeros(2, 3, 4, 4))) == pytest.approx(0.25)


def test_each_side_of_the_game_pays_alone() -> None:
    judge = losses.PatchDiscriminator(8)
    patches = torch.rand(2, 3, 32, 32, requires_grad=True)
    losses.naturalness(judge, patches).backward()
    assert patches.grad is not None and patches.grad.abs().sum() > 0
    assert all(value.grad is None for value in judge.parameters())
    patches.grad = None
    losses.discernment(judge, torch.rand(2, 3, 32, 32), patches).backward()
    assert patches.grad is None
    assert all(value.grad is not None for value in judge.parameters())


def test_the_judge_learns_to_tell_noise_from_ramps() -> None:
    torch.manual_seed(0)
    judge = losses.PatchDiscriminator(8)
    optimiser = torch.optim.Adam(judge.parameters(), 4e-3)
    ramps = torch.linspace(0, 1, 32)[None, None, None].expand(8, 3, 32, 32)
    noise = torch.rand(8, 3, 32, 32)
    first = losses.discernment(judge, ramps, noise).item()
    for _ in range(40):
        optimiser.zero_grad()
        losses.discernment(judge, ramps, noise).backward()
        optimiser.step()
    assert losses.discernment(judge, ramps, noise).item() < 0.5 * first
    assert losses.naturalness(judge, ramps) < losses.naturalness(judge, noise)
