"""The benchmark of patches on people: what it remembers of albums, and its tables."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks import patch_persons
from core.patches import makers, slots
from core.patches.evaluate import Outcome
from core.patches.victims import Counted
from tests.core.patches.patch_fakes import people, person_victim

SLOT = slots.torso(64, 32)


def test_a_known_album_is_not_looked_at_again_and_all_else_is() -> None:
    given = people(4, 3, 64, 32, 0)
    victim = Counted(person_victim("a", 1))
    knowing = patch_persons.Knowing(victim, [given.pictures])
    looked = victim.pictures
    part = torch.split(given.pictures, 5)[1]
    torch.testing.assert_close(knowing.embed(part), victim.victim.embed(part))
    assert victim.pictures == looked == 12
    changed = part.clone()
    changed[:, :, :32] = 0
    torch.testing.assert_close(knowing.embed(changed), victim.victim.embed(changed))
    assert victim.pictures == looked + 5


def test_the_aim_is_counted_against_half_of_the_random_patch() -> None:
    given = people(6, 3, 64, 32, 0)
    first = np.arange(0, 18, 3)
    parts = given.take(first), given.take(np.setdiff1d(np.arange(18), first))
    seen = [person_victim("a", 1), person_victim("b", 2)]
    found = {
        name: patch_persons.outcome(name, makers.makers.create("random"), parts, SLOT, seen, [], 1)
        for name in ("generator", "random")
    }
    lines = patch_persons.aims(found, parts[0]).splitlines()
    assert len(lines) == 2 + 3  # two encoders and their ensemble
    assert all("| 1.00 |" in line and line.endswith("| missed |") for line in lines[2:])
    assert patch_persons.whole(found).count("(attacked)") == 3


def test_every_aim_is_judged_and_two_probes_of_a_person_are_one_witness() -> None:
    given = people(6, 4, 64, 32, 0)
    probed = np.array([row for row in range(24) if row % 4 < 2])
    parts = given.take(probed), given.take(np.setdiff1d(np.arange(24), probed))
    seen, unseen = [person_victim("a", 1), person_victim("b", 2)], [person_victim("c", 3)]
    chance = patch_persons.outcome("random", makers.makers.create("random"), parts, SLOT, seen, unseen, 1)

    def weaker(share: float) -> Outcome:
        verdicts = [
            replace(
                one,
                attacked=replace(one.attacked, average_precision=share * one.attacked.average_precision),
                mean_average_precision=replace(
                    one.mean_average_precision, estimate=share * one.mean_average_precision.estimate
                ),
            )
            for one in chance.verdicts
        ]
        return replace(chance, verdicts=tuple(verdicts))

    found = {"generator": weaker(0.4), "random": chance}
    share, less = patch_persons.half(found, parts[0], "c")
    assert share == pytest.approx(0.4) and less.clusters == 6 and less.high < 0
    line = patch_persons.came_of_it("shirt", found, parts[0])
    assert "attacked: a 0.40 (met), b 0.40 (met), ensemble 0.40 (met)" in line
    assert "never seen: c 0.40 (met)" in line and "mAP at most 5 %: a 40.0 % (missed)" in line
    line = patch_persons.came_of_it("shirt", found | {"generator": weaker(0.6)}, parts[0])
    assert "never seen: c 0.60 (missed)" in line
    line = patch_persons.came_of_it("shirt", found | {"generator": weaker(0.01)}, parts[0])
    assert "ensemble 1.0 % (met)" in line
