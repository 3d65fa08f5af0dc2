"""Judging: the protocol, eligible pairs only, and what no attack and a perfect matrix must give."""

import numpy as np
import pytest
import torch

from core.patches import evaluate, makers, slots, victims
from core.patches.apply import Conditions
from core.patches.base import Victim
from core.patches.evaluate import Outcome, run
from core.patches.judge import ENSEMBLE, Labelled, judge
from core.patches.makers import Budget
from tests.core.patches.patch_fakes import people, person_victim

SLOT = slots.torso(64, 32)
FARS = (0.1,)


def split(count: int = 6) -> tuple[Labelled, Labelled]:
    everyone = people(count, 3, 64, 32)
    probes = np.arange(0, 3 * count, 3)
    return everyone.take(probes), everyone.take(np.setdiff1d(np.arange(3 * count), probes))


def outcome(name: str, **given: object) -> Outcome:
    probes, gallery = split()
    seen: list[Victim] = [person_victim("a", 1), person_victim("b", 2)]
    given = {"unseen": [person_victim("c", 3)], "fars": FARS, "budget": Budget(15, 2)} | given
    *_, last = run(name, makers.makers.create(name), probes, gallery, SLOT, seen, **given)  # type: ignore[arg-type]
    assert isinstance(last, Outcome)
    return last


def test_a_perfect_matrix_has_map_and_rank_one_of_one() -> None:
    probes, gallery = split()
    perfect = (probes.identities[:, None] == gallery.identities[None]).astype(float)
    (found,) = judge({"x": (perfect, perfect)}, probes, gallery, fars=FARS)
    assert found.clean.mean_average_precision == found.clean.rank1 == 1
    assert found.mean_average_precision.estimate == 1
    assert found.success[0].successes == 0 and found.success[0].eligible == 12


def test_pictures_of_the_probes_own_camera_do_not_count() -> None:
    """A gallery picture that only its camera makes right must give no hit, no pair and no threshold."""
    probes, gallery = split(2)
    same = probes.identities[:, None] == gallery.identities[None]
    near = same & (gallery.cameras == "camera-1")[None]
    moved = Labelled(probes.pictures, probes.identities, np.array(["camera-1"] * 2))
    scores = near.astype(float)
    (found,) = judge({"x": (scores, scores)}, moved, gallery, fars=FARS)
    assert found.clean.rank1 < 1  # the right ones left score 0, as the wrong ones do
    (kept,) = judge({"x": (scores, scores)}, probes, gallery, fars=FARS)
    assert kept.clean.rank1 == 1
    assert found.genuine == 0 and kept.genuine == 0.5


def test_only_pairs_that_were_right_without_a_patch_can_be_turned() -> None:
    probes, gallery = split()
    same = probes.identities[:, None] == gallery.identities[None]
    clean = np.where(same, 0.9, 0.1)
    clean[0] = np.where(same[0], 0.0, clean[0])  # never recognised
    attacked = np.where(same, 0.0, 0.1)
    (found,) = judge({"x": (clean, attacked)}, probes, gallery, fars=FARS)
    assert (found.success[0].eligible, found.success[0].successes) == (10, 10)
    assert found.success[0].rate is not None and found.success[0].rate.clusters == 5
    # as somebody else: those who are taken for the target already do not count
    targets = np.roll(probes.identities, 1)
    aimed = targets[:, None] == gallery.identities[None]
    clean = np.where(same, 0.9, 0.1)
    clean[0] = np.where(aimed[0], 0.9, clean[0])
    (found,) = judge({"x": (clean, np.where(aimed, 1.0, 0.0))}, probes, gallery, targets, fars=(0.05,))
    assert (found.success[0].eligible, found.success[0].successes) == (10, 10)


def test_no_opacity_no_effect() -> None:
    found = outcome("noise", opacity=0.0)
    for one in found.verdicts:
        assert np.array_equal(one.clean.average_precision, one.attacked.average_precision)
        assert one.success[0].successes == 0 and one.success[0].eligible > 0


def test_conditions_move_the_patches_in_the_same_way_for_the_same_seed() -> None:
    still, moved, again = (outcome("noise", conditions=one) for one in (None, Conditions(), Conditions()))
    assert torch.equal(still.patches, moved.patches)
    assert torch.equal(moved.attacked, again.attacked)
    assert not torch.allclose(still.attacked, moved.attacked, atol=0.05)


def test_the_iterative_patch_hurts_more_than_a_random_one_and_the_table_says_so() -> None:
    random, iterative = outcome("random"), outcome("pgd")
    assert [one.victim for one in iterative.verdicts] == ["a", "b", "c", ENSEMBLE]
    assert [one.white_box for one in iterative.verdicts] == [True, True, False, True]
    assert iterative.victim_passes == 15 * 2 * 2 and random.victim_passes == 0
    assert iterative.verdicts[-1].genuine < random.verdicts[-1].genuine - 0.05
    line = evaluate.rows(iterative)[0]
    assert line["maker"] == "pgd" and line["encoder"] == "a" and line["box"] == "white"
    assert line["probes"] == line["people"] == 6
    assert 0 <= line["mAP low"] <= line["mAP"] <= line["mAP high"] <= 1  # type: ignore[operator]


def test_an_attacker_without_album_sees_the_probe_only() -> None:
    """The galleries that are judged with must not leak into what is optimised (evasion)."""
    probes, gallery = split(2)
    other = Labelled(gallery.pictures.flip(3), gallery.identities, gallery.cameras)
    seen: list[Victim] = [person_victim()]
    maker = makers.makers.create("pgd")
    found = []
    for album, lent in ((gallery, None), (other, None), (gallery, other)):
        *_, last = run("pgd", maker, probes, album, SLOT, seen, lent=lent, fars=FARS, budget=Budget(5, 1))
        assert isinstance(last, Outcome)
        found.append(last.patches)
    assert torch.equal(found[0], found[1])
    assert not torch.allclose(found[0], found[2], atol=1e-3)


def test_targets_must_be_there() -> None:
    with pytest.raises(ValueError, match="no picture of a target"):
        outcome("random", targets=np.array(["nobody"] * 6))


def test_impersonation_is_counted_against_the_targets_gallery() -> None:
    probes, gallery = split()
    targets = np.roll(probes.identities, 1)
    found, random = (outcome(name, targets=targets) for name in ("pgd", "random"))
    assert found.verdicts[-1].success[0].eligible == 12
    seen = [person_victim("a", 1), person_victim("b", 2)]
    own = gallery.identities[None] == targets[:, None]
    towards = []
    for one in (found, random):
        made, known = (victims.embed(seen, some) for some in (one.attacked, gallery.pictures))
        towards.append(float(victims.similarity(made, known).numpy()[own].mean()))
    assert towards[0] > towards[1] + 0.01
