"""Adaptors: unit vectors, frozen parameters, maps with gradients, ensembles."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from core.errors import UserError
from core.patches import apply, losses, slots, victims
from core.patches.victims import Counted
from tests.core.patches.patch_fakes import face_victim, people, person_victim


@pytest.mark.parametrize("victim", [face_victim(), person_victim()], ids=["face", "person"])
def test_embeddings_are_unit_vectors_and_maps_have_places(victim: victims.FaceVictim) -> None:
    pixels = torch.rand(5, 3, victim.height, victim.width, requires_grad=True)
    vectors, maps = victim.embed(pixels), victim.maps(pixels)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(5))
    assert maps.ndim == 4 and len(maps) == 5 and min(maps.shape[2:]) >= 3
    slope = torch.autograd.grad(maps.square().sum(), pixels)[0]
    assert all(slope[n].abs().sum() > 0 for n in range(5))  # every part of a batch, in its order
    torch.testing.assert_close(maps[3:4], victim.maps(pixels[3:4]), atol=1e-5, rtol=0)


def test_the_hook_is_gone_afterwards_and_looks_at_the_last_layer_with_places() -> None:
    victim = face_victim()
    maps = victim.maps(torch.rand(1, 3, 224, 224))
    assert maps.shape[1] == 12  # not the 24 channels of the last convolution, which has a single place
    assert not any(layer._forward_hooks for layer in victim.model.net.modules())


def test_the_loss_of_evasion_gives_no_gradient_to_the_victims_parameters() -> None:
    victim = face_victim()
    given = people(2, 2, 224, 224)
    patch = torch.rand(1, 3, 64, 64, requires_grad=True)
    worn = apply.paste(given.pictures, patch, slots.face("glasses")).pictures
    gallery = victims.embed([victim], given.pictures)["tiny"][:, None]
    losses.push(victim.embed(worn), gallery, -1.0).backward()
    assert all(value.grad is None and not value.requires_grad for value in victim.model.parameters())
    assert patch.grad is not None and patch.grad.abs().sum() > 0


def test_an_ensemble_says_the_mean_of_its_cosines() -> None:
    members = [face_victim("a", 1), face_victim("b", 2)]
    pictures = torch.rand(3, 3, 224, 224)
    found = victims.embed(members, pictures)
    assert not any(vectors.requires_grad or vectors.is_inference() for vectors in found.values())
    mean = victims.similarity(found, found)
    by_hand = (found["a"] @ found["a"].T + found["b"] @ found["b"].T) / 2
    torch.testing.assert_close(mean, by_hand)
    assert torch.diagonal(mean).sub(1).abs().max() < 1e-5


def test_embedding_in_batches_changes_nothing() -> None:
    pictures = torch.rand(victims.BATCH + 3, 3, 64, 32)
    victim = person_victim()
    torch.testing.assert_close(victims.embed([victim], pictures)["tiny"], victim.embed(pictures))


def test_counting() -> None:
    watched = Counted(person_victim())
    watched.embed(torch.rand(3, 3, 64, 32))
    watched.maps(torch.rand(2, 3, 64, 32))
    assert watched.pictures == 5 and (watched.height, watched.width) == (64, 32)


def test_unknown_names_are_refused() -> None:
    for kind in victims.KINDS.values():
        with pytest.raises(UserError):
            kind("nobody")


@pytest.mark.weights
def test_real_recognisers_show_maps(weight: Callable[[str], Path]) -> None:
    for name in ("mobilefacenet-ms1m", "edgeface-s"):
        weight(name)
        victim = victims.face(name)
        pixels = torch.rand(7, 3, 224, 224, requires_grad=True)  # more than the recogniser's own parts
        maps = victim.maps(pixels)
        assert maps.shape[0] == 7 and min(maps.shape[2:]) >= 3
        assert torch.autograd.grad(maps.sum(), pixels)[0].abs().sum() > 0


def test_looking_sees_nothing_of_other_callers() -> None:
    """Another visitor embeds through the same network while maps of it are read."""
    victim, others = face_victim("a", 1), torch.rand(2, 3, 224, 224)
    mine = torch.rand(1, 3, 224, 224)
    expected = victim.maps(mine)
    inner = victim.model.forward

    def crowded(pixels: torch.Tensor) -> torch.Tensor:
        thread = threading.Thread(target=inner, args=(others,))
        thread.start()
        thread.join()
        return inner(pixels)

    victim.model.forward = crowded  # type: ignore[method-assign]
    torch.testing.assert_close(victim.maps(mine), expected)
