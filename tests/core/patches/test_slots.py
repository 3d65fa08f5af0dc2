"""Slots: size, softness, place, and the way over the face mesh."""

import numpy as np
import pytest
import torch

from core.errors import Code, UserError
from core.faces import topology
from core.faces.align import TEMPLATE, similarity
from core.patches import slots
from core.patches.apply import paste
from core.types import Face


def canonical(turn: float = 0.0) -> Face:
    """The mean face in canonical pixels, its head turned to the side by an angle in degrees."""
    shape = np.asarray(topology.mean_shape(), np.float64)
    angle = np.radians(turn)
    x = shape[:, 0] * np.cos(angle) + shape[:, 2] * np.sin(angle)
    z = shape[:, 2] * np.cos(angle) - shape[:, 0] * np.sin(angle)
    flat = np.stack([x, shape[:, 1]], 1)
    matrix = similarity(topology.five_points(flat), TEMPLATE)
    points = flat @ matrix[:, :2].T + matrix[:, 2]
    five = topology.five_points(points)
    return Face((0, 0, 224, 224), 1.0, five, points.astype(np.float32), z * np.hypot(*matrix[:, 0]))


@pytest.mark.parametrize("name", slots.FACE_SHAPES)
def test_faces_slots_cover_what_they_say_softly(name: str) -> None:
    slot = slots.face(name)
    assert slot.size == (224, 224)
    assert 0.07 < slot.share < 0.15
    mask = slot.mask
    assert mask.max() == 1 and mask.min() == 0
    assert ((mask > 0) & (mask < 1)).float().mean() > 0.005  # a soft edge
    steps = torch.maximum(mask.diff(dim=0).abs().max(), mask.diff(dim=1).abs().max())
    assert steps < 0.75


def test_glasses_leave_the_eyes_free_and_other_places_are_where_they_belong() -> None:
    eyes = [tuple(np.rint(point).astype(int)) for point in TEMPLATE[:2]]
    glasses, mask = slots.face("glasses").mask, slots.face("medical mask").mask
    assert all(glasses[y, x] == 0 for x, y in eyes)
    assert glasses[105, 112] == 1  # the bridge
    assert all(mask[int(y), int(x)] == 1 for x, y in TEMPLATE[3:])  # corners of the mouth
    assert slots.face("forehead").mask[:85].sum() == slots.face("forehead").mask.sum()


def test_the_torso_takes_a_fifth_to_a_quarter_of_the_height_in_the_middle() -> None:
    slot = slots.torso(256, 128)
    rows, columns = np.nonzero(slot.mask.numpy())
    assert 0.19 * 256 < rows.max() - rows.min() + 1 < 0.25 * 256
    assert abs(columns.mean() - 63.5) < 0.1
    assert 0.07 < slot.share < 0.11


def test_a_shirt_is_larger_than_the_torso_it_lies_around() -> None:
    torso, shirt = slots.named("persons", "torso", 256, 128), slots.named("persons", "shirt", 256, 128)
    assert 1.3 * torso.share < shirt.share < 0.15
    assert bool((shirt.mask[torso.mask > 0] > 0).all())
    rows = np.nonzero(shirt.mask.numpy())[0]
    assert rows.max() - rows.min() + 1 <= 0.25 * 256


def test_a_place_that_is_on_no_person_is_said() -> None:
    with pytest.raises(UserError) as problem:
        slots.named("persons", "forehead", 64, 32)
    assert problem.value.code == Code.OPTION_RANGE and "shirt" in problem.value.hint


def test_a_drawn_slot_is_the_drawing() -> None:
    mask = np.zeros((100, 80), bool)
    mask[20:60, 10:70] = True
    mask[30:40, 30:40] = False
    slot = slots.drawn(mask)
    found = slot.mask.numpy()
    assert (found[~mask] == 0).all()
    assert (found[mask] > 0.99).mean() > 0.75
    np.testing.assert_allclose(slot.affine, [[30, 0, 39.5], [0, 20, 39.5]], atol=1e-3)


@pytest.mark.parametrize("turn", [0.0, 30.0])
def test_what_is_drawn_on_a_face_goes_over_its_mesh_and_stays_where_it_was_drawn(turn: float) -> None:
    mask = np.zeros((224, 224), bool)
    mask[120:170, 85:150] = True  # nose and mouth
    slot = slots.drawn(mask, canonical(turn))
    found = slot.mask.numpy()
    assert (found[~mask] > 0.5).sum() < 0.03 * mask.sum()
    assert (found[mask] > 0.99).mean() > 0.7
    flat = slots.drawn(mask).grid
    inside = torch.from_numpy(found > 0.99)
    bent = (slot.grid - flat)[inside].norm(dim=-1)
    assert bent.mean() < 0.08 if turn == 0 else bent.std() > 0.04  # more than moved: the head is round


def test_what_is_drawn_beside_the_face_stays_bare_and_alone_is_refused() -> None:
    mask = np.zeros((224, 224), bool)
    mask[:12, :12] = True
    with pytest.raises(UserError) as problem:
        slots.drawn(mask, canonical())
    assert problem.value.code is Code.PATTERN_INVALID and "on the face" in problem.value.message
    mask[120:160, 90:140] = True
    assert slots.drawn(mask, canonical()).mask[:12, :12].max() == 0


def test_on_the_mean_face_the_mesh_is_the_plain_slot() -> None:
    plain, bent = slots.face("cheek"), slots.face("cheek", canonical())
    assert (plain.mask * bent.allowed - bent.mask).abs().mean() < 0.001
    assert bent.mask.sum() > 0.8 * plain.mask.sum()  # the rest lies beside the face
    inside = (plain.mask > 0) & (bent.mask > 0)
    assert (plain.grid - bent.grid)[inside].abs().max() < 0.15


def test_on_a_turned_face_the_patch_bends_with_it() -> None:
    """Seen from the side, what is turned away narrows: the way to the patch is no longer affine."""
    turned = slots.face("glasses", canonical(30))
    rows, columns = np.nonzero(turned.mask.numpy() > 0)
    places = turned.grid.numpy()[rows, columns]
    matrix = turned.affine
    back = places @ matrix[:, :2].T + matrix[:, 2]
    off = np.linalg.norm(back - np.stack([columns, rows], 1), axis=1)
    assert off.mean() > 1.0
    picture = torch.full((1, 3, 224, 224), 0.5)
    found = paste(picture, torch.rand(1, 3, 64, 64), turned)
    assert torch.equal(found.pictures[(found.mask == 0).expand_as(picture)].unique(), torch.tensor([0.5]))


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(UserError) as problem:
        slots.face("ear")
    assert problem.value.code == Code.OPTION_RANGE and "forehead" in problem.value.hint
    with pytest.raises(UserError):
        slots.named("persons", "glasses", 256, 128)
    assert slots.named("persons", "torso", 64, 32).size == (64, 32)
    assert slots.named("faces", "cheek", 224, 224).name == "cheek"
    with pytest.raises(UserError) as problem:
        slots.drawn(np.zeros((50, 50), bool))
    assert problem.value.code == Code.PATTERN_INVALID
    with pytest.raises(UserError) as problem:
        slots.face("cheek", Face((0, 0, 224, 224), 1.0, TEMPLATE))
    assert problem.value.code == Code.FACE_UNSUITABLE
