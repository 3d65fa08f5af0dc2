"""Naturalness: exact shares, the range of natural crops, its file, and a detector that learns."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from core.errors import Code, UserError
from core.patches import makers, naturalness
from core.patches.naturalness import Detector, Reference, fitted, measures, read, reference, save, score
from core.training import sticker_detector
from core.training.sticker_detector import Plan
from core.types import Progress
from tests.core.patches.natural_fakes import TinyPrior


def colours(patches: torch.Tensor) -> torch.Tensor:
    """Stands for the network: 4×4 pictures, padded to its width."""
    small = torch.nn.functional.interpolate(patches, 4, mode="area").flatten(1) - 0.5
    return torch.nn.functional.pad(small, (0, naturalness.vit.DIM - small.shape[1]))


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Reference:
    monkeypatch.setattr(naturalness, "features", colours)
    torch.manual_seed(0)
    parts = [makers.natural_crops(count, np.random.default_rng(count)) for count in (30, 40, 50)]
    return fitted(Detector().eval().requires_grad_(False), *parts)


def test_the_score_is_the_smallest_share_of_natural_crops_that_are_as_far_out(held: Reference) -> None:
    patches = torch.cat([makers.natural_crops(5, np.random.default_rng(9)), torch.rand(2, 3, 64, 64)])
    found, raw = score(patches, held), measures(patches, colours(patches), held)
    for row in range(7):
        shares = [float((held.natural[name] >= raw[name][row]).mean()) for name in naturalness.MEASURES]
        assert found.score[row] == pytest.approx(min(shares))
    assert (found.score[5:] == 0).all() and not found.within[5:].any()  # no crop varies like noise
    assert np.array_equal(found.within, found.score >= np.quantile(held.scores, 0.05, method="lower"))


def test_at_least_95_of_100_of_the_crops_of_the_percentiles_are_within(held: Reference) -> None:
    again = score(makers.natural_crops(50, np.random.default_rng(50)), held)
    assert again.within.mean() >= 0.95
    np.testing.assert_allclose(np.sort(again.score), held.scores)
    low, middle, high = reference(held)["score"]
    assert 0 <= low < middle < high <= 1
    assert reference(held)["variation"][1] == pytest.approx(np.median(held.natural["variation"]))


def test_variation_and_distance_are_what_they_say(held: Reference) -> None:
    checks = (torch.arange(64)[:, None] + torch.arange(64)[None]).remainder(2).float().expand(1, 3, -1, -1)
    assert score(checks, held).variation == pytest.approx(2)
    assert score(torch.full((1, 3, 64, 64), 0.3), held).variation == 0
    known = makers.natural_crops(30, np.random.default_rng(30))  # the bank's own
    assert score(known, held).distance.max() < 1e-3
    with pytest.raises(ValueError, match="patches are"):
        score(torch.rand(3, 64, 64), held)


def test_sets_apart(held: Reference) -> None:
    first, second = (score(makers.natural_crops(40, np.random.default_rng(seed)), held) for seed in (1, 2))
    noise = score(torch.rand(40, 3, 64, 64), held)
    near, far = naturalness.apart(first, second), naturalness.apart(noise, second)
    assert near.kernel < far.kernel and near.frechet < far.frechet
    assert far.auc == pytest.approx((noise.sticker[:, None] > second.sticker).mean())


def test_it_comes_back_from_its_file_and_another_is_refused(held: Reference, tmp_path: Path) -> None:
    path = tmp_path / "reference.safetensors"
    save(held, path)
    back, patches = read(path), makers.natural_crops(6, np.random.default_rng(3))
    assert path.stat().st_size < 1_000_000
    np.testing.assert_allclose(score(patches, back).distance, score(patches, held).distance, atol=1e-3)
    np.testing.assert_allclose(score(patches, back).sticker, score(patches, held).sticker, atol=1e-2)
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(UserError) as problem:
        read(tmp_path / "other.safetensors")
    assert problem.value.code == Code.WEIGHTS_CORRUPT


def test_the_detector_learns_to_tell_colours_by_chance_from_crops() -> None:
    plan = Plan(rounds=60, batch=16, rate=5e-3)
    good = {"crops": makers.natural_crops(40, np.random.default_rng(0))}
    *steps, net = sticker_detector.fit(good, sticker_detector.by_chance(20, 0), plan)
    assert isinstance(net, Detector) and all(isinstance(one, Progress) for one in steps)
    with torch.no_grad():
        passed = net(makers.natural_crops(30, np.random.default_rng(5)))
        caught = net(torch.cat(list(sticker_detector.by_chance(10, 7).values())))
    assert caught.median() > 0 > passed.median()
    assert (caught[:, None] > passed[None]).float().mean() > 0.9
    assert not any(value.requires_grad for value in net.parameters())


def test_photographs_of_the_parts_are_disjoint_and_crops_follow_their_seed() -> None:
    pixels = np.zeros((40, 160, 160, 3), np.uint8)
    pixels += np.arange(40, dtype=np.uint8)[:, None, None, None]
    found = sticker_detector.photographs.Photographs(pixels, np.zeros(40, np.int64))
    parts = sticker_detector.split(found, 0)
    numbers = [set(rows[:, 0, 0, 0].tolist()) for rows in parts.values()]
    assert sum(map(len, numbers)) == len(set.union(*numbers)) == 40 and min(map(len, numbers)) == 8
    cut = sticker_detector.crops(parts["bank"], 20, 3)
    assert cut.shape == (20, 3, 64, 64) and torch.equal(cut, sticker_detector.crops(parts["bank"], 20, 3))


class Through(TinyPrior):
    """The tiny prior in the size of patches."""

    def __init__(self) -> None:
        super().__init__()
        self.card = replace(self.card, size=64, latent=(2, 16, 16), classes=sticker_detector.CLASSES)

    def _conditions(self, labels: list[str]) -> torch.Tensor:
        return torch.zeros(len(labels))


def test_training_makes_attacks_once_and_fits_detector_and_scales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, calls = np.random.default_rng(0), []
    pixels = chance.integers(0, 255, (20, 160, 160, 3)).astype(np.uint8)
    found = sticker_detector.photographs.Photographs(pixels, np.zeros(20, np.int64))
    monkeypatch.setattr(naturalness, "features", colours)
    monkeypatch.setattr(sticker_detector.photographs, "read", lambda *_: found)
    monkeypatch.setattr(sticker_detector.diffusion, "load", lambda _: Through())

    def made(plan: Plan) -> Iterator[Progress | dict[str, torch.Tensor]]:
        calls.append(plan)
        yield Progress(1.0, "Patches")
        yield sticker_detector.by_chance(3, plan.seed)

    monkeypatch.setattr(sticker_detector, "attacks", made)
    plan = Plan(natural=8, rounds=2, batch=4)
    for _ in range(2):
        *_, held = sticker_detector.train(tmp_path, tmp_path, plan)
        assert isinstance(held, Reference)
        assert len(held.bank) == sticker_detector.BANK + sticker_detector.OWN
        assert len(held.scores) == len(held.natural["sticker"]) == sticker_detector.SCALE
    assert calls == [plan]


@pytest.mark.weights
def test_the_bundled_reference_lets_crops_pass_and_noise_not(weight: Callable[[str], Path]) -> None:
    weight("vit-s14")
    patches = torch.cat([makers.natural_crops(12, np.random.default_rng(77)), torch.rand(4, 3, 64, 64)])
    found = score(patches)
    assert found.within[:12].mean() > 0.5 and not found.within[12:].any()
    assert found.sticker[12:].min() > 0.5 > np.median(found.sticker[:12])
