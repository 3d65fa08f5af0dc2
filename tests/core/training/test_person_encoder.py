"""The recipe of the person encoder: its loss by definition, what it sees, that it learns and goes on."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from core.__main__ import main
from core.datasets.folders import Photo
from core.datasets.sightings import Sighting
from core.reid import facet, pedestrians
from core.reid.base import restored
from core.settings import settings
from core.training import loop, person_encoder
from core.training.person_data import CHECK_TOWN, TOWN, Check, Visits, augmented, refilmed

TINY = person_encoder.Options(identities=6, shots=2, epochs=2, batch=3, check=3)


def test_the_hardest_triplets_by_hand():
    vectors = torch.tensor([[0.0], [1.0], [5.0], [7.0]], requires_grad=True)
    who = torch.tensor([0, 0, 1, 1])
    by_hand = [(1, 5), (1, 4), (2, 4), (2, 6)]  # farthest of the same, nearest of another
    expected = np.mean([math.log1p(math.exp(far - near)) for far, near in by_hand])
    loss = person_encoder.hardest_triplets(vectors, who)
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-4)
    loss.backward()
    assert torch.isfinite(vectors.grad).all()
    assert vectors.grad[1] > 0 > vectors.grad[2]  # a step against it draws them apart


def test_triplets_without_another_identity_are_nothing():
    vectors = torch.ones(3, 2, requires_grad=True)
    loss = person_encoder.hardest_triplets(vectors, torch.zeros(3))
    loss.backward()
    assert float(loss.detach()) == 0
    assert torch.equal(vectors.grad, torch.zeros(3, 2))


def test_pictures_of_one_point_have_a_finite_gradient():
    vectors = torch.zeros(4, 2, requires_grad=True)
    person_encoder.hardest_triplets(vectors, torch.tensor([0, 0, 1, 1])).backward()
    assert torch.isfinite(vectors.grad).all()


class Still(Photo):
    def pixels(self):
        return np.full((64, 32, 3), 120, np.uint8)


def test_a_visit_is_one_person_and_chance_is_torchs():
    crops = [Sighting(who, 1, Still(str(who), "", b"")) for who in (4001, 4001, 10002)]
    visits = Visits(2, 3, 2, crops)
    assert len(visits) == 2 + 3 * 2
    assert visits.classes == 4
    torch.manual_seed(0)
    batch = visits.rows(np.array([1, 2, 5, 7]))
    assert batch.inputs.shape == (4, 2, 3, 256, 128)
    assert batch.labels[0].tolist() == [[1, 1], [2, 2], [3, 3], [3, 3]]
    assert not torch.equal(batch.inputs[0, 0], batch.inputs[0, 1])
    torch.manual_seed(0)
    assert torch.equal(visits.rows(np.array([1, 2, 5, 7])).inputs, batch.inputs)


def test_kept_pictures_of_a_drawn_person_come_back_by_other_cameras():
    visits = Visits(2, 0, 2, (), kept=3)
    album = visits._kept(1)
    assert len(np.unique(album.reshape(3, -1), axis=0)) == 3
    chance = np.random.default_rng(0)
    known = {one.tobytes() for one in album}
    for _ in range(4):
        shown = visits._visit(1, chance)
        assert len(shown) == 2
        assert {one.tobytes() for one in shown} <= known
    assert np.array_equal(Visits(2, 0, 2, (), kept=3)._kept(1), album)


def test_the_check_has_other_people_than_the_training():
    check = Check(2, cameras=3)
    batch = check.rows(np.array([1]))
    assert batch.labels[0].tolist() == [[1, 1, 1]]
    assert batch.labels[1].tolist() == [[0, 1, 2]]
    drawn = pedestrians.draw(CHECK_TOWN, 1, 2, 0)
    assert torch.equal((batch.inputs[0, 2] * 255).round().byte().permute(1, 2, 0), torch.from_numpy(drawn))
    assert not np.array_equal(drawn, pedestrians.draw(TOWN, 1, 2, 0))


def test_augmentation_flips_half_and_erases_half():
    ramp = torch.linspace(0, 1, 128).expand(200, 3, 256, 128).clone()
    seen = augmented(ramp, np.random.default_rng(0))
    flipped = (seen[:, 0, :, 0].median(1).values > seen[:, 0, :, -1].median(1).values).float().mean()
    assert 0.35 < flipped < 0.65
    plain = torch.stack([ramp[0], ramp[0].flip(2)])
    changed = (seen[:, None] != plain).any(2).float().mean((2, 3)).amin(1)
    assert 0.35 < (changed > 0).float().mean() < 0.65
    assert changed.max() < 0.3


def test_a_photograph_is_filmed_at_the_encoders_size_in_a_cameras_light():
    photo = np.full((100, 50, 3), 120, np.uint8)
    one, other = (refilmed(photo, camera, np.random.default_rng(0)) for camera in (0, 1))
    assert one.shape == (256, 128, 3)
    assert np.abs(one.mean((0, 1)) - other.mean((0, 1))).max() > 5


def test_a_run_learns_goes_on_and_its_encoder_can_be_loaded(tmp_path):
    *_, outcome = person_encoder.run(None, tmp_path / "whole", TINY)
    assert isinstance(outcome, loop.Outcome)
    assert {"mAP", "rank1", "loss"} <= outcome.best.keys()
    events = person_encoder.run(None, tmp_path / "broken", TINY)
    while next(events).done < 0.5:
        pass
    events.close()
    *_, again = person_encoder.run(None, tmp_path / "broken", TINY)
    assert [one["loss"] for one in again.history] == [one["loss"] for one in outcome.history]
    person_encoder.save(outcome.model, tmp_path)
    kept = load_file(tmp_path / person_encoder.file_of(facet.CARD.name))
    net = facet.network(kept)
    pixels = torch.rand(2, 3, 256, 128, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        difference = (net(pixels) - torch.nn.functional.normalize(outcome.model.net.features(pixels))).abs()
    assert difference.max() < 5e-3  # half precision


@pytest.mark.parametrize("name", ["facet-person-b", "facet-person-c", "facet-person-d"])
def test_a_sibling_is_trained_kept_in_its_own_file_and_loaded(name, tmp_path):
    options = replace(TINY, architecture=name, kept=2, epochs=1)
    *_, outcome = person_encoder.run(None, tmp_path / "run", options)
    person_encoder.save(outcome.model, tmp_path)
    state = load_file(tmp_path / person_encoder.file_of(name))
    net = restored(person_encoder.ARCHITECTURES[name](), state)
    pixels = torch.rand(2, 3, 256, 128, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(net(pixels), outcome.model.net(pixels), atol=5e-3, rtol=0)
    with pytest.raises(ValueError, match=name):
        restored(person_encoder.ARCHITECTURES[name](), {})


def test_training_lowers_the_loss():
    torch.manual_seed(0)
    learner = person_encoder.Learner(4)
    batch = Visits(4, 1, 2, ()).rows(np.arange(4))
    optimiser = torch.optim.AdamW(learner.parameters(), 1e-3)
    losses = []
    for _ in range(8):
        loss = person_encoder.loss(learner(batch.inputs), batch.labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]


def test_the_command_trains_and_can_leave_the_weights_alone(tmp_path, capsys):
    before = (settings().weights_dir / "manifest.toml").read_bytes()
    arguments = ["train", "person-encoder", "--out", str(tmp_path), "--identities", "2", "--epochs", "1"]
    assert main([*arguments, "--keep"]) == 0
    assert "mAP 0." in capsys.readouterr().out
    assert (tmp_path / "best.safetensors").is_file()
    assert (settings().weights_dir / "manifest.toml").read_bytes() == before
    assert main([*arguments, "--keep", "--data", str(tmp_path)]) == 1  # the crops are not there
    assert main([*arguments, "--keep", "--kept", "2"]) == 1  # a visit needs four
    assert main([*arguments, "--keep", "--architecture", "facet-person-z"]) == 1
