"""What all priors share, on networks that know the answer and on tiny ones with made-up weights."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DModel
from torch import Tensor

from core.diffusion import NOTHING, flowers, network, towards
from core.diffusion.base import Prior
from core.errors import Code, UserError

CARD = replace(flowers.CARD, size=8, latent=(2, 4, 4), classes=("rose", "tulip"), steps=4, guidance=2.0)


class Known(Prior):
    """A prior whose denoiser is exact for latents of a class that are normal around a mean."""

    def __init__(self, means: Tensor, deviation: float, kind: str = "v_prediction") -> None:
        noise = network.noise()
        noise.register_to_config(prediction_type=kind)
        super().__init__(replace(CARD, classes=("rose", "tulip")), noise)
        self.means, self.variance, self.calls = means, deviation**2, 0

    def _decode(self, latents: Tensor) -> Tensor:
        return latents.mean(1, keepdim=True).repeat(1, 3, 2, 2)

    def _encode(self, pixels: Tensor) -> Tensor:
        return pixels[:, :2, :4, :4]

    def _conditions(self, labels: list[str]) -> Tensor:
        index = {"rose": 0, "tulip": 1, NOTHING: 2}
        return torch.tensor([index[one] for one in labels])

    def _predict(self, noisy: Tensor, time: int, conditions: Tensor) -> Tensor:
        self.calls += 1
        kept = self.noise.alphas_cumprod[time]
        mean = self.means[conditions].view(-1, 1, 1, 1)
        share = kept.sqrt() * self.variance / (kept * self.variance + 1 - kept)
        clean = mean + share * (noisy - kept.sqrt() * mean)
        added = (noisy - kept.sqrt() * clean) / (1 - kept).sqrt()
        if self.noise.config.prediction_type == "epsilon":
            return added
        velocity: Tensor = self.noise.get_velocity(clean, added, torch.tensor([time]))
        return velocity


@pytest.fixture
def tiny() -> flowers.Small:
    torch.manual_seed(0)
    coder = AutoencoderKL(
        latent_channels=2,
        block_out_channels=(8, 8),
        norm_num_groups=4,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
    )
    denoiser = UNet2DModel(
        sample_size=4,
        in_channels=2,
        out_channels=2,
        layers_per_block=1,
        block_out_channels=(16, 16),
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        num_class_embeds=3,
    )
    return flowers.Small(CARD, coder, denoiser, torch.tensor([0.5, -0.5]), torch.tensor([2.0, 3.0]))


@pytest.mark.parametrize("kind", ["v_prediction", "epsilon"])
@pytest.mark.parametrize("steps", [1, 7])
def test_what_is_certain_is_drawn_exactly(kind: str, steps: int) -> None:
    prior = Known(torch.tensor([0.25, -2.0, 0.0]), 0.0, kind)
    drawn = prior.sample(["rose", "tulip"], steps=steps, guidance=1)
    torch.testing.assert_close(drawn[0], torch.full(CARD.latent, 0.25), atol=2e-2, rtol=0)
    torch.testing.assert_close(drawn[1], torch.full(CARD.latent, -2.0), atol=2e-2, rtol=0)


def test_samples_have_the_distribution_that_the_denoiser_knows() -> None:
    prior = Known(torch.tensor([0.0, 1.5, 0.0]), 0.5)
    drawn = prior.sample(["tulip"] * 200, seed=3, steps=200, guidance=1)
    assert float(drawn.mean()) == pytest.approx(1.5, abs=0.03)
    assert float(drawn.std()) == pytest.approx(0.5, abs=0.03)


def test_guidance_goes_beyond_the_label_or_leaves_it_out() -> None:
    prior = Known(torch.tensor([1.0, -1.0, 0.5]), 0.0)
    means = {
        strength: float(prior.sample(["rose"], steps=5, guidance=strength).mean()) for strength in (0, 1, 3)
    }
    assert means[0] == pytest.approx(0.5, abs=0.02)
    assert means[1] == pytest.approx(1.0, abs=0.02)
    assert means[3] == pytest.approx(0.5 + 3 * 0.5, abs=0.05)
    prior.calls = 0
    prior.sample(["rose"], steps=5)
    assert prior.calls == 5  # with and without the label in one batch


def test_the_same_arguments_draw_the_same(tiny: flowers.Small) -> None:
    two = tiny.sample(["rose", "tulip"], seed=4)
    assert torch.equal(two, tiny.sample(["rose", "tulip"], seed=4))
    torch.testing.assert_close(two[:1], tiny.sample(["rose"], seed=4), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(two, tiny.sample(["rose", "tulip"], seed=5), atol=0.1)
    assert not torch.allclose(two[:1], tiny.sample(["tulip"], seed=4), atol=1e-4)


def test_shapes_and_range(tiny: flowers.Small) -> None:
    latents = tiny.sample(["rose", NOTHING, "tulip"], steps=2)
    pictures = tiny.decode(latents)
    assert latents.shape == (3, 2, 4, 4) and pictures.shape == (3, 3, 8, 8)
    assert 0 <= float(pictures.min()) < float(pictures.max()) <= 1
    assert tiny.encode(pictures).shape == latents.shape
    assert torch.equal(tiny.project(pictures), tiny.decode(tiny.encode(pictures)))


def test_latents_are_brought_to_a_deviation_of_one(tiny: flowers.Small) -> None:
    pictures = torch.rand(2, 3, 8, 8)
    raw = tiny.coder.encode(pictures * 2 - 1).latent_dist.mean
    expected = torch.stack([(raw[:, 0] - 0.5) / 2, (raw[:, 1] + 0.5) / 3], 1)
    torch.testing.assert_close(tiny.encode(pictures), expected)


def test_the_decoder_has_a_gradient_and_the_weights_have_none(tiny: flowers.Small) -> None:
    latents = torch.zeros(1, 2, 4, 4, requires_grad=True)
    tiny.decode(latents).sum().backward()
    assert latents.grad is not None and float(latents.grad.abs().sum()) > 0
    assert not any(one.requires_grad for one in tiny.parameters())


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_steering_goes_where_the_objective_wants(tiny: flowers.Small, sign: float) -> None:
    def light(pictures: Tensor) -> Tensor:
        return sign * pictures.mean((1, 2, 3))

    plain = tiny.sample(["rose"] * 4, steps=6)
    steered = tiny.sample(["rose"] * 4, steps=6, steer=towards(tiny, light, 0.3))
    gain = light(tiny.decode(steered)) - light(tiny.decode(plain))
    assert bool((gain > 0.01).all())


def test_steering_sees_each_clean_latent_once(tiny: flowers.Small) -> None:
    seen: list[Tensor] = []

    def nothing(clean: Tensor) -> Tensor:
        assert torch.is_grad_enabled() and not clean.requires_grad
        seen.append(clean)
        return torch.zeros_like(clean)

    steered = tiny.sample(["rose"], steps=5, steer=nothing)
    assert len(seen) == 5
    assert torch.equal(steered, tiny.sample(["rose"], steps=5))
    torch.testing.assert_close(seen[-1], steered)


def test_a_step_of_steering_has_its_length(tiny: flowers.Small) -> None:
    step = towards(tiny, lambda pictures: pictures.square().mean((1, 2, 3)), 0.2)(torch.zeros(2, 2, 4, 4))
    torch.testing.assert_close(step.square().mean((1, 2, 3)).sqrt(), torch.full((2,), 0.2))
    still = towards(tiny, lambda pictures: 0 * pictures.sum((1, 2, 3)), 0.2)(torch.zeros(1, 2, 4, 4))
    assert float(still.abs().max()) == 0


@pytest.mark.parametrize(
    "wrong", [{"labels": ["oak"]}, {"labels": []}, {"steps": 0}, {"steps": 1001}, {"guidance": -1.0}]
)
def test_what_cannot_be_drawn_is_said(tiny: flowers.Small, wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError) as caught:
        tiny.sample(**{"labels": ["rose"], **wrong})
    assert caught.value.code is Code.OPTION_RANGE


def test_pictures_of_another_size_are_refused(tiny: flowers.Small) -> None:
    with pytest.raises(ValueError, match="N×3×8×8"):
        tiny.encode(torch.zeros(1, 3, 16, 16))
