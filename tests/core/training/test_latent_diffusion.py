"""The recipe of the latent diffusion on pictures that are made here."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow
import pyarrow.parquet as parquet
import pytest
import torch
from torch import Tensor, nn

from core.datasets import flowers as photographs
from core.diffusion import flowers
from core.errors import Code, UserError
from core.training import latent_bank, latent_diffusion
from core.training.loop import Options, Outcome

QUICK = Options(epochs=1, batch=6, cpu=True, drop_last=True)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    chance = np.random.default_rng(0)
    pictures = [chance.integers(0, 256, (160, 160, 3), np.uint8) for _ in flowers.CLASSES]
    encoded = [cv2.imencode(".png", picture)[1].tobytes() for picture in pictures]
    columns = {"split": ["train"] * 12, "species": list(flowers.CLASSES), "image": encoded}
    (tmp_path / photographs.FILE).parent.mkdir()
    parquet.write_table(pyarrow.table(columns), tmp_path / photographs.FILE)
    return tmp_path


def test_both_parts_end_in_a_prior_and_a_second_run_goes_on(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latent_bank, "EACH", 1)
    out = tmp_path / "run"
    with pytest.raises(UserError) as caught:
        list(latent_diffusion.train_denoiser(made, out, QUICK))
    assert caught.value.code is Code.FILE_UNREADABLE
    list(latent_diffusion.train_autoencoder(made, out, QUICK))
    first = list(latent_diffusion.train_denoiser(made, out, QUICK))[-1]
    again = list(latent_diffusion.train_denoiser(made, out, QUICK))
    assert isinstance(first, Outcome) and len(again) == 1  # nothing is left to do
    kept = latent_bank.bank(made, out)
    torch.testing.assert_close(kept["latents"].mean((0, 2, 3)), torch.zeros(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(kept["latents"].std((0, 2, 3)), torch.ones(4), atol=1e-3, rtol=0)
    lines = latent_diffusion.install(out, tmp_path)
    assert all(int(line.rsplit("= ", 1)[1].split()[0]) <= 10_000_000 for line in lines)
    prior = flowers.read(tmp_path)
    torch.testing.assert_close(prior.scale.flatten(), kept["scale"], rtol=1e-3, atol=0)
    expected = first.model.mean.unet.conv_in.weight  # type: ignore[union-attr]
    torch.testing.assert_close(prior.denoiser.conv_in.weight, expected, rtol=1e-3, atol=1e-4)
    assert prior.decode(prior.sample(["iris"], steps=1)).shape == (1, 3, 64, 64)


def test_the_mean_follows_and_answers_outside_training() -> None:
    model = latent_diffusion.Averaged(nn.Linear(1, 1, bias=False), decay=0.5)
    nn.init.zeros_(model.mean.weight)  # type: ignore[arg-type]
    nn.init.ones_(model.net.weight)  # type: ignore[arg-type]
    one = torch.ones(1, 1)
    assert float(model.train()(one).detach()) == 1.0
    share = 2 / 11  # of the old mean, at the first step
    assert float(model.eval()(one)) == pytest.approx(1 - share)
    assert float(model.eval()(one)) == pytest.approx(1 - share)


def test_crops_keep_orientation_up_and_range() -> None:
    slope = torch.linspace(0, 255, 160).byte().view(1, 1, 160, 1).expand(20, 3, 160, 160)
    torch.manual_seed(0)
    cut = latent_bank.crops(slope, (64, 160))
    assert cut.shape == (20, 3, 64, 64) and float(cut.min()) >= -1 and float(cut.max()) <= 1
    assert bool((cut[:, :, -1] > cut[:, :, 0]).all())
    across = slope.transpose(2, 3)
    turned = latent_bank.crops(across, (64, 160))
    mirrored = turned[:, 0, 0, -1] < turned[:, 0, 0, 0]
    assert 0 < int(mirrored.sum()) < 20


def test_noisy_latents_can_be_undone_and_some_labels_are_left_out() -> None:
    latents = torch.randn(50, 4, 16, 16)
    source = latent_diffusion.Noisy(latents, torch.arange(50) % 12)
    rows: Any = source.rows(np.arange(50))
    noisy, times, labels = rows.inputs
    kept = source.noise.alphas_cumprod[times].view(-1, 1, 1, 1)
    torch.testing.assert_close(
        kept.sqrt() * noisy - (1 - kept).sqrt() * rows.labels, latents, atol=1e-4, rtol=0
    )
    without = labels == 12
    assert 0 < int(without.sum()) < 20
    assert torch.equal(labels[~without], (torch.arange(50) % 12)[~without])


def test_the_loss_of_the_autoencoder() -> None:
    pixels, normal = torch.rand(2, 3, 8, 8), torch.zeros(2, 4, 2, 2)

    def loss(found: Tensor, mean: Tensor = normal) -> float:
        return float(latent_diffusion.reconstruction_loss((found, mean, normal), pixels))

    assert loss(pixels) == 0.0
    assert loss(pixels + 0.5) == pytest.approx(0.5, rel=1e-5)  # neighbours do not differ
    assert loss(pixels, normal + 1) == pytest.approx(latent_diffusion.DIVERGENCE / 2)
