"""Training with patches on tiny encoders: the pupil learns, the teacher stays, patches lead away."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import UserError
from core.patches import apply, slots, victims
from core.patches.judge import Labelled
from core.patches.victims import PersonVictim
from core.training import loop, patch_defence, patch_thresholds
from core.training.patch_defence import Options, Pupil
from core.training.patch_people import People
from core.types import Progress
from tests.core.patches.patch_fakes import TinyPerson, face_victim, people, person_victim

SLOT = slots.torso(64, 32)
OPTIONS = Options(steps=1, store=4, check=2, rate=3e-3)


def crowd(count: int, each: int, seed: int) -> People:
    given = people(count, each, 64, 32, seed)
    return People((given.pictures * 255).round().byte().movedim(1, -1).numpy(), given.identities)


def test_patches_lead_away_and_leave_the_encoder_alone() -> None:
    victim, given = person_victim(), people(3, 1, 64, 32)
    own = victim.embed(given.pictures).detach()
    net = victim.model.train().requires_grad_(True)
    first = torch.full((3, 3, 64, 64), 0.5)
    made = patch_defence.descend(net, given.pictures, own, SLOT, first, 6, 0.1)
    assert all(value.grad is None for value in net.parameters())
    before, after = (
        (net(apply.paste(given.pictures, one, SLOT).pictures) * own).sum(1) for one in (first, made)
    )
    assert bool((after < before).all())
    assert float(made.min()) >= 0 and float(made.max()) <= 1


def test_the_pupil_dresses_its_pictures_in_training_only() -> None:
    victim, given = person_victim(), people(8, 1, 64, 32)
    own = victim.embed(given.pictures).detach()
    pupil = Pupil(TinyPerson(), [SLOT], OPTIONS)
    store = pupil.store.clone()
    (plain,) = pupil.eval()(given.pictures, own)
    torch.testing.assert_close(plain, own)
    assert torch.equal(pupil.store, store)
    clean, worn = pupil.train()(given.pictures, own)
    torch.testing.assert_close(clean, own)
    assert float((worn - own).abs().max()) > 1e-3
    assert not torch.equal(pupil.store, store)  # what was made is kept and goes on


def test_normalisation_keeps_the_moments_that_it_has() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    pupil = Pupil(net, [SLOT], OPTIONS).train()
    pupil(torch.rand(4, 3, 64, 32), torch.rand(4, 4))
    assert not net.training and int(net[1].num_batches_tracked) == 0  # type: ignore[arg-type]


def trained(folder: Path, teacher: PersonVictim, epochs: int) -> loop.Outcome:
    recipe = patch_defence.recipe(teacher, [SLOT], crowd(8, 3, 0), crowd(4, 2, 1), OPTIONS)
    events = list(loop.run(recipe, folder, loop.Options(epochs=epochs, batch=8, cpu=True)))
    assert isinstance(events[0], Progress) and isinstance(events[-1], loop.Outcome)
    return events[-1]


def test_training_lowers_the_loss_and_leaves_the_teacher_alone(tmp_path: Path) -> None:
    teacher = person_victim()
    before = {name: value.clone() for name, value in teacher.model.state_dict().items()}
    outcome = trained(tmp_path, teacher, 4)
    assert outcome.history[-1]["loss"] < outcome.history[0]["loss"]
    assert {"mAP", "mAP attacked", "both"} <= set(outcome.best)
    assert all(torch.equal(value, before[name]) for name, value in teacher.model.state_dict().items())
    assert not any(value.requires_grad for value in teacher.model.parameters())

    path, pictures = tmp_path / "encoder.safetensors", people(2, 1, 64, 32).pictures
    patch_defence.save(outcome.model, path, teacher.name)
    again = patch_defence.load(path, teacher)
    assert isinstance(outcome.model, Pupil) and again.name == "tiny-hardened"
    torch.testing.assert_close(
        again.embed(pictures), outcome.model.encoder(pictures).detach(), atol=5e-3, rtol=0
    )
    assert float((again.embed(pictures) - teacher.embed(pictures)).abs().max()) > 1e-3


def test_weights_of_another_encoder_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "encoder.safetensors"
    patch_defence.save(Pupil(nn.Linear(2, 2), [SLOT], OPTIONS), path, "other")
    with pytest.raises(UserError):
        patch_defence.load(path, person_victim())


def test_the_check_attacks_every_probe() -> None:
    given, victim = crowd(5, 2, 0), person_victim()
    lessons = patch_defence.lessons(given, victim)
    found = patch_defence.retrieval(victim.model, lessons.taught, given, SLOT, 8, 0.2)
    assert set(found) == {"mAP", "mAP attacked"}
    assert found["mAP attacked"] <= found["mAP"]


def test_thresholds_let_one_of_twenty_clean_pictures_be_suspected() -> None:
    given = people(20, 2, 224, 224)
    probes = Labelled(given.pictures[::2], given.identities[::2])
    gallery = Labelled(given.pictures[1::2], given.identities[1::2])
    victim = face_victim()
    events = list(patch_thresholds.group([victim], (), probes, gallery, "made up", 0.05))
    group = events[-1]
    assert not isinstance(group, Progress)
    assert set(group.scores["tiny"]) == {"blur", "jpeg", "concentration"}  # not thorough
    towards = {"tiny": patch_thresholds.references(victim, probes, gallery)}
    for name, limit in group.scores["tiny"].items():
        each = patch_thresholds.scores(name, group, [victim], probes.pictures, towards)
        assert int((each >= limit).sum()) == 1
    assert np.mean(group.opinions["tiny"]) == pytest.approx(0, abs=0.05)  # their spread is tiny here
    own = victims.embed([victim], gallery.pictures)["tiny"]
    torch.testing.assert_close(towards["tiny"], own)  # one picture each
