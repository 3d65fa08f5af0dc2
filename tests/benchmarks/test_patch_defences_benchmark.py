"""The benchmark's own arithmetic on tiny recognisers."""

import pytest
import torch

from benchmarks import patch_defences
from benchmarks.patch_defences import LOOKER, UNSEEN, Bench, Way
from core.patches import apply, slots
from core.patches.defend import Memory
from core.patches.judge import Labelled
from core.patches.thresholds import Group
from core.training import patch_thresholds
from tests.core.patches.patch_fakes import face_victim, people


def tiny() -> tuple[Bench, torch.Tensor]:
    given, slot = people(4, 2, 224, 224), slots.face("glasses")
    probes = Labelled(given.pictures[::2], given.identities[::2])
    gallery = Labelled(given.pictures[1::2], given.identities[1::2])
    names = (LOOKER, "other", UNSEEN)
    everyone = {name: Memory(face_victim(name, seed)) for seed, name in enumerate(names)}
    *_, group = patch_thresholds.group(
        [one.victim for one in everyone.values()], (LOOKER,), probes, gallery, "made up", 0.25
    )
    assert isinstance(group, Group)
    found = Bench(everyone, (LOOKER, "other"), probes, gallery, slot, group, 0.25)
    found.towards = {
        name: patch_thresholds.references(one, probes, gallery) for name, one in everyone.items()
    }
    first = torch.full((4, 3, 64, 64), 0.5)
    found.pictures = {"clean": probes.pictures}
    for kind in ("natural crop", "random", "generator"):
        found.pictures[kind] = apply.paste(probes.pictures, first, slot).pictures
    found.pictures["descending"] = found.descended(2, first)
    return found, first


def test_descending_hides_and_knowing_looks_more_harmless() -> None:
    found, first = tiny()
    before, after = (
        float(patch_defences._hidden(found, found.pictures[kind][:2])) for kind in ("generator", "descending")
    )
    assert after < before
    way = Way("blur", (LOOKER,))
    known = found.scores(way, found.knowing(way, 2, first)).mean()
    assert known < found.scores(way, found.pictures["descending"]).mean()


def test_tables_have_a_row_for_each_defence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patch_defences, "STEPS", 1)
    found, first = tiny()
    ways = patch_defences.ways(found)
    caught, hidden = patch_defences.detected(found, first, 2)
    assert len(caught.splitlines()) == 2 + len(ways)
    assert "knowing disagreement with sface" in hidden
    # one of four clean pictures may be suspected, and the thresholds are of these very pictures
    assert all(line.split(" | ")[1] == "0.25" for line in caught.splitlines()[2:])
    kept = patch_defences.retrieved(found).splitlines()[2:]
    assert len(kept) == 1 + 4 + 1 + len(ways)
    assert kept[0].startswith("| none | 1.000")
    assert kept[-1].split(" | ")[1].startswith("0.750")  # a refused probe finds nobody
