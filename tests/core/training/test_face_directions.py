"""Directions are held to what defines them, on latents whose attributes are known."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from core.training.face_directions import ATTRIBUTES, LIGHT_STYLES, Directions, fit, measure
from core.types import FloatArray

DIM = 32


def _known(count: int = 600, noise: float = 0.0) -> tuple[Tensor, Tensor, list[FloatArray]]:
    """Latents with an uneven, correlated spread, and attributes that are linear in them."""
    generator = torch.Generator().manual_seed(0)
    spread = torch.randn(DIM, DIM, generator=generator) / DIM**0.5
    latents = torch.randn(count, DIM, generator=generator) @ spread + 3
    gradient = torch.randn(DIM, len(ATTRIBUTES), generator=generator)
    values = latents @ gradient + noise * torch.randn(count, len(ATTRIBUTES), generator=generator)
    return latents, gradient, list(values.double().numpy())


def test_a_step_changes_its_attribute_by_one_and_no_other() -> None:
    latents, gradient, measured = _known()
    response = fit(latents, measured).steps @ gradient
    torch.testing.assert_close(response, torch.eye(len(ATTRIBUTES)), atol=0.12, rtol=0)


def test_units_follow_the_measurement() -> None:
    latents, _, measured = _known(noise=0.5)
    doubled = fit(latents, [values * np.array([2, 1, 1, 1, 1, 1]) for values in measured])
    single = fit(latents, measured)
    torch.testing.assert_close(doubled.steps[0] * 2, single.steps[0], rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(doubled.steps[1:], single.steps[1:], rtol=1e-3, atol=1e-5)


def test_a_shift_of_everything_changes_nothing() -> None:
    latents, _, measured = _known(noise=0.5)
    shifted = fit(latents + 1, [values + 7 for values in measured])
    torch.testing.assert_close(shifted.steps, fit(latents, measured).steps, rtol=1e-2, atol=1e-4)


def _unit() -> Directions:
    return Directions(torch.randn(len(ATTRIBUTES), 512, generator=torch.Generator().manual_seed(1)))


def test_no_move_repeats_the_latent() -> None:
    w = torch.randn(2, 512)
    assert torch.equal(_unit().move(w, {}), w[:, None].expand(-1, 23, -1))


def test_pose_moves_every_style_and_light_only_the_finer_ones() -> None:
    directions, w = _unit(), torch.zeros(1, 512)
    turned = directions.move(w, {"yaw": 3.0})[0]
    torch.testing.assert_close(turned, (3 * directions.steps[0]).expand(23, -1))
    lit = directions.move(w, {"side_light": 2.0})[0]
    assert not lit[:LIGHT_STYLES].any()
    torch.testing.assert_close(lit[LIGHT_STYLES:], (2 * directions.steps[5]).expand(23 - LIGHT_STYLES, -1))


def test_an_unknown_attribute_is_refused() -> None:
    with pytest.raises(KeyError):
        _unit().move(torch.zeros(1, 512), {"age": 1.0})


def test_directions_survive_a_file(tmp_path: Path) -> None:
    directions = _unit()
    directions.save(tmp_path / "d.safetensors")
    assert torch.equal(Directions.load(tmp_path / "d.safetensors").steps, directions.steps)


@pytest.mark.weights
def test_a_picture_without_a_face_measures_nothing() -> None:
    assert measure(np.full((128, 128, 3), 90, np.uint8)) is None
