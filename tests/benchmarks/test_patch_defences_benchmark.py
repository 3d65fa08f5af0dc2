"""The benchmark's own arithmetic on tiny recognisers."""

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import patch_defence_bench, patch_defences
from benchmarks.patch_defence_bench import Bench, Way
from core.patches import apply, slots
from core.patches.countermeasures.measure import detection
from core.patches.defend import Memory
from core.patches.judge import Labelled
from core.patches.thresholds import Group
from core.training import patch_thresholds
from tests.core.patches.patch_fakes import face_victim, people

LOOKER, UNSEEN = "edgeface-s", "sface"


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
    found = Bench(everyone, (LOOKER, "other"), UNSEEN, probes, gallery, slot, group, 0.25)
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
    monkeypatch.setattr(patch_defence_bench, "STEPS", 1)
    found, first = tiny()
    ways = patch_defence_bench.ways(found)
    scores, known = patch_defence_bench.scored(found, first, 2)
    assert list(scores) == ways and len(known) == len(ways)
    assert "| knowing disagreement with sface |" in patch_defences.hidden(found, known, 2)
    # one of four clean pictures may be suspected, and the thresholds are of these very pictures
    lines = patch_defences.alarms(found, scores).splitlines()[2:]
    assert len(lines) == len(ways) and all(line.split(" | ")[1] == "0.25" for line in lines)
    lines = patch_defences.rates(found, scores).splitlines()[2:]
    assert len(lines) == len(ways)
    # of two clean pictures a quarter is none, so the few have no TPR
    assert all(line.count(" / ") == 2 * 2 and "/" not in line.split(" | ")[3] for line in lines)
    kept = patch_defences.retrieved(found, scores).splitlines()[2:]
    assert len(kept) == 1 + 5 + 1 + len(ways)
    assert kept[0].startswith("| none | 1.000") and kept[1].startswith("| repair by recovery | 1.000")
    assert kept[-1].split(" | ")[1].startswith("0.750")  # a refused probe finds nobody


def test_no_more_clean_pictures_are_suspected_than_the_rate_allows() -> None:
    names = np.arange(20)
    judged = detection(np.arange(20.0), np.arange(20.0) + 9.5, names, names, fpr=0.05, resamples=100)
    told = [patch_defences._caught(judged, fpr) for fpr in (0.01, 0.05, 0.1)]
    assert told[0] == "0.500" and told[1].startswith("0.550 [") and told[2] == "0.600"


def test_a_place_is_compared_with_that_of_the_patch() -> None:
    found, _ = tiny()
    half = torch.zeros(4, 4, dtype=torch.bool)
    half[:2] = True
    assert patch_defences._overlap(half, half) == 1 and patch_defences._overlap(
        half, half.T
    ) == pytest.approx(1 / 3)
    lines = patch_defences.located(found).splitlines()
    assert [line.split(" | ")[0][2:] for line in lines[2:]] == ["recovery", "occlusion", "concentration"]
    assert 0.2 < patch_defences.best_square(found) < 1


def test_drawn_people_have_no_encoder_that_was_never_seen() -> None:
    found, _ = tiny()
    found.unseen = ""
    assert [way.label for way in patch_defence_bench.ways(found)] == [
        *patch_defence_bench.SINGLE, "disagreement",
    ]  # fmt: skip
    some = patch_defence_bench.gathered("persons", Path(), Path(), 2)
    assert len(some) == 8 and len(set(some.identities)) == 2
