"""A probe among its gallery: who is hidden, who is found, what opacity does, and who may be looked at."""

import numpy as np
import pytest
import torch

from core.patches import natural_makers, session, slots
from core.patches.makers import Budget, makers
from core.patches.pgd import Objective
from core.patches.session import Block, Scale, Session, Target
from core.patches.victims import Counted
from tests.core.patches.patch_fakes import people, person_victim

SLOT = slots.torso(64, 32)
GIVEN = people(6, 3, 64, 32)


@pytest.fixture(autouse=True)
def scales(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "scale", lambda kind, victim: Scale(0.9, 0.2, 0.95))


def built(target: bool = False) -> Session:
    rest = GIVEN.take([n for n in range(18) if n % 3])
    gallery = [Block(rest.pictures, rest.identities)]
    aim = Target("person-3", GIVEN.pictures[9:10]) if target else None
    seen, unseen = [person_victim("a", 1), person_victim("b", 2)], [person_victim("c", 3)]
    return Session("persons", GIVEN.pictures[0], "person-0", gallery, seen, unseen, aim)


def test_a_clean_probe_is_found_first_and_a_patch_moves_it_away() -> None:
    work = built()
    made = work.make(makers.create("pgd"), SLOT, budget=Budget(25, 2))
    found = work.judge(made.patch, SLOT)
    assert found.rank[0] == 1 and found.before[0].identity == "person-0"
    assert [one.seen for one in found.figures] == [True, True, False]
    assert all(one.own[1] < one.own[0] for one in found.figures if one.seen)
    assert found.target_rank is None and all(one.target is None for one in found.figures)
    assert len(found.before) == len(found.after) == session.TOP
    assert made.victim_passes == 25 * 2 * 2  # only those that may be looked at


def test_without_opacity_nothing_changes_bit_for_bit() -> None:
    work = built()
    found = work.judge(torch.rand(3, 64, 64), SLOT, 0.0)
    assert torch.equal(found.worn, work.probe)
    assert all(one.own[0] == one.own[1] for one in found.figures)
    assert found.before == found.after and found.rank[0] == found.rank[1]
    half, full = (work.judge(torch.rand(3, 64, 64), SLOT, opacity).mask for opacity in (0.5, 1.0))
    torch.testing.assert_close(half, full / 2)


def test_towards_a_target() -> None:
    work = built(target=True)
    pull = Objective(pull_margin=1.0, push=0)  # tiny encoders find everybody alike
    made = work.make(makers.create("pgd", pull), SLOT, budget=Budget(25, 2))
    found = work.judge(made.patch, SLOT)
    for one in found.figures:
        assert one.target is not None
        assert one.target[1] > one.target[0] or not one.seen
    assert found.target_rank is not None and found.target_rank[1] <= found.target_rank[0]


def test_turned_means_over_the_threshold_before_and_not_after() -> None:
    def figure(own: tuple[float, float], target: tuple[float, float] | None = None) -> session.Figure:
        return session.Figure("a", "A", True, own, target, Scale(0.5, 0.0, 0.8))

    assert figure((0.6, 0.4)).hidden and not figure((0.4, 0.3)).hidden and not figure((0.6, 0.5)).hidden
    assert figure((0.6, 0.6), (0.4, 0.5)).taken and not figure((0.6, 0.6), (0.5, 0.6)).taken
    assert not figure((0.6, 0.6)).taken


def test_the_gallery_is_embedded_once_and_shared() -> None:
    calls: list[int] = []
    victim = person_victim("a", 1)
    embed = victim.embed

    def counted(pixels: torch.Tensor) -> torch.Tensor:
        calls.append(len(pixels))
        return embed(pixels)

    victim.embed = counted  # type: ignore[method-assign]
    rest = GIVEN.take([n for n in range(18) if n % 3])
    block = Block(rest.pictures, rest.identities)
    for _ in range(2):
        work = Session("persons", GIVEN.pictures[0], "person-0", [block], [victim])
        work.judge_clean()
        work.judge(torch.rand(3, 64, 64), SLOT)
    assert calls == [1, 12, 1, 1, 1]  # the gallery once, then for each session the probe clean and patched
    assert work.picture(11).shape == (64, 32, 3)
    with pytest.raises(IndexError):
        work.picture(12)


def test_what_the_attacker_has_is_embedded_once_for_all_ways() -> None:
    work, seen = built(target=True), Counted(person_victim("a", 1))
    work.seen = (seen,)
    for seed in range(3):
        work.make(makers.create("random"), SLOT, seed)
    assert seen.pictures == 2  # the probe and the target's one picture


def test_encoders_that_are_not_looked_at_see_only_those_that_matter() -> None:
    seen, unseen = person_victim("a", 1), person_victim("c", 3)
    blocks = [Block(GIVEN.pictures[3 * n : 3 * n + 3], GIVEN.identities[3 * n : 3 * n + 3]) for n in range(6)]
    work = Session("persons", GIVEN.pictures[0], "person-0", blocks, [seen], [unseen])
    found = work.judge(torch.rand(3, 64, 64), SLOT)
    assert ["c" in block.vectors for block in blocks] == [True, False, False, False, False, False]
    assert all("a" in block.vectors for block in blocks)
    assert all(np.isfinite(one.own).all() for one in found.figures)
    assert work.claim == "person-0" and work.claimed(unseen).shape == (3, 24)


def test_nobody_is_compared_with_nothing() -> None:
    rest = GIVEN.take([4, 5])
    with pytest.raises(ValueError, match="no picture"):
        Session("persons", GIVEN.pictures[0], "person-0", [Block(rest.pictures, rest.identities)], [])


def test_drawn_strangers_give_person_encoders_a_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(session, "STRANGERS", 12)
    victim = person_victim("scaled", 1)
    found = session.scale("persons", victim)
    assert found.stranger < found.same and -1 <= found.threshold <= 1
    assert np.isclose(found.far, 0.01)


def test_an_operator_is_told_the_targets_name_in_impersonation() -> None:
    victim = person_victim("a", 1)
    block = Block(GIVEN.pictures, GIVEN.identities)
    target = Target("person-2", GIVEN.pictures[6:7])
    work = Session("persons", GIVEN.pictures[0], "person-0", [block], [victim], [], target)
    assert work.claim == "person-2"
    theirs = torch.from_numpy(GIVEN.identities == "person-2")
    torch.testing.assert_close(work.claimed(victim), block.seen_by(victim)[theirs])


@pytest.mark.parametrize("name", (natural_makers.NAMES[1], "pgd"))
def test_a_search_that_is_stopped_ends_with_what_it_has(name: str) -> None:
    work = Session("persons", GIVEN.pictures[0], "person-0", [Block(GIVEN.pictures, GIVEN.identities)],
                   [person_victim("a", 1)])  # fmt: skip
    asked: list[int] = []

    def stopped() -> bool:
        asked.append(1)
        return len(asked) > 2

    made = work.make(makers.create(name), SLOT, budget=Budget(50, 1), stopped=stopped)
    assert len(asked) == 3 and made.victim_passes == 2
    assert made.patch.shape == (3, 64, 64)
