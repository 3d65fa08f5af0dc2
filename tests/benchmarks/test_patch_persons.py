"""The benchmark of patches on people: what it remembers of albums, and its tables."""

import numpy as np
import torch

from benchmarks import patch_persons
from core.patches import makers, slots
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
    lines = patch_persons.aims(found).splitlines()
    assert len(lines) == 2 + 3  # two encoders and their ensemble
    assert all("| 1.00 |" in line and line.endswith("| no |") for line in lines[2:])
    assert patch_persons.whole(found).count("(attacked)") == 3
