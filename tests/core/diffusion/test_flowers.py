"""The bundled prior with its own weights."""

import pytest
import torch

from core import weights
from core.diffusion import NOTHING, cards, flowers, priors
from core.diffusion.base import Prior

EPSILON = 0.02  # mean absolute change of values in 0..1


@pytest.fixture(scope="module")
def bundled() -> Prior:
    return flowers.load()


def test_every_prior_has_a_card_and_weights_in_the_manifest() -> None:
    known = {entry.name for entry in weights.entries("generation")}
    own = {name for name in priors if not name.startswith("synthetic-")}  # those are core.patches' own
    assert set(priors) == set(cards) and own <= known


def test_the_bundled_decoder_is_nearly_idempotent(bundled: Prior) -> None:
    drawn = bundled.decode(bundled.sample(["daisy", "pansy", "iris", NOTHING], seed=1, steps=10))
    again = bundled.project(drawn)
    noise = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    change = float((again - drawn).abs().mean())
    assert change < EPSILON < float((bundled.project(noise) - noise).abs().mean()) / 5


def test_the_bundled_model_is_small_and_of_its_classes(bundled: Prior) -> None:
    entry = weights.entry("facet-flowers")
    assert all(file.bytes <= 10_000_000 for file in entry.files)
    yellow = bundled.decode(bundled.sample(["sunflower"] * 6, seed=0, steps=10)).mean((0, 2, 3))
    violet = bundled.decode(bundled.sample(["pansy"] * 6, seed=0, steps=10)).mean((0, 2, 3))
    assert float(yellow[1] - yellow[2]) > float(violet[1] - violet[2])  # green without blue is yellow
