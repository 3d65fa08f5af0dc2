"""The benchmark of patches on faces: splits leak nothing, memory changes nothing, tables add up."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import patch_data, patch_tables
from benchmarks.patch_data import Kept, Remembered, Search, crowded, towards_strangers
from core.patches import makers, slots
from core.patches.evaluate import Outcome, run
from core.patches.judge import Labelled
from core.patches.makers import Budget, Gallery, Task, make
from core.patches.victims import FaceVictim
from core.training import patch_people
from core.training.patch_people import People
from tests.core.patches.patch_fakes import face_victim, people

EVERYONE = people(6, 4, 224, 224)
EVERYONE = Labelled(EVERYONE.pictures, EVERYONE.identities)
SEARCH = Search(EVERYONE.take(range(0, 24, 4)), EVERYONE.take([row for row in range(24) if row % 4]))
SLOT = slots.face("glasses")


def outcome(name: str, search: Search, seen: list[FaceVictim], unseen: list[FaceVictim]) -> Outcome:
    *_, last = run(
        name, makers.makers.create(name), search.probes, search.gallery, SLOT, seen, unseen, search.targets,
        lent=search.lent, budget=Budget(2, 1),
    )  # fmt: skip
    assert isinstance(last, Outcome)
    return last


def test_strangers_are_others_and_what_is_lent_does_not_judge() -> None:
    few = Search(SEARCH.probes, SEARCH.gallery.take(range(16)))  # the last person has one picture there
    found = towards_strangers(few)
    assert found.lent is not None and found.targets is not None
    assert (found.targets != found.probes.identities).all()
    assert "person-5" not in found.targets and set(found.targets) <= set(found.gallery.identities)
    assert len(found.lent) == 5 and len(found.gallery) == 11
    lent = {one.numpy().tobytes() for one in found.lent.pictures}
    assert not lent & {one.numpy().tobytes() for one in found.gallery.pictures}
    assert set(few.first(2).probes.identities) == {"person-0", "person-1"}


def test_memory_changes_nothing_and_outlives_the_process(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(patch_data.victims, "face", lambda name: face_victim(name))
    one = Remembered("sface", tmp_path)
    pictures = torch.rand(3, 3, 224, 224)
    expected = face_victim().embed(pictures)
    torch.testing.assert_close(one.embed(pictures), expected)
    one.keep()
    again = Remembered("sface", tmp_path)
    monkeypatch.setattr(again, "victim", None)  # it must not be asked again
    torch.testing.assert_close(again.embed(pictures.flip(0)), expected.flip(0))
    pictures.requires_grad_(True)
    assert torch.autograd.grad(one.embed(pictures).sum(), pictures)[0].abs().sum() > 0


def test_a_kept_patch_keeps_its_cost_and_hangs_on_all_of_its_task(tmp_path) -> None:  # type: ignore[no-untyped-def]
    seen = [face_victim()]
    maker = Kept(makers.makers.create("pgd"), "aim", tmp_path)

    def patch(number: int, place: str = "glasses", about: str = "aim", by: str = "") -> torch.Tensor:
        attacked = [face_victim(by)] if by else seen
        given = Gallery.of(EVERYONE.pictures[number : number + 1], attacked)
        kept = Kept(maker.maker, about, tmp_path)
        kept.costs = maker.costs
        return make(
            kept, Task(given.pictures[0], given, None, slots.face(place), attacked, 0, Budget(2, 1))
        ).patch

    first = patch(0)
    assert torch.equal(first, patch(0)) and len(list((tmp_path / "patches").iterdir())) == 1
    for other in (patch(1), patch(0, "cheek"), patch(0, about="else"), patch(0, by="another")):
        assert other.shape == (3, 64, 64)
    assert len(list((tmp_path / "patches").iterdir())) == 5
    assert maker.costs[0] == maker.costs[1] and maker.costs[0][2] == 2
    told = maker.told(outcome("random", SEARCH, seen, []))
    assert told.victim_passes == 2 and told.cpu_seconds > 0 and not maker.costs


def test_tables_have_a_row_a_way_and_a_column_a_recogniser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patch_tables, "SEEN", ("a", "b"))
    monkeypatch.setattr(patch_tables, "UNSEEN", ("c",))
    monkeypatch.setattr(patch_tables, "LITTLE", -100)  # points; whatever two steps of a search take counts
    seen, unseen = [face_victim("a", 1), face_victim("b", 2)], [face_victim("c", 3)]
    ways = {"generator": "noise", "random": "random", "generator (few)": "noise", "random (few)": "random"}
    ways["pgd (few)"] = "pgd"
    found = {label: outcome(name, SEARCH, seen, unseen) for label, name in ways.items()}
    glasses, alone = {"glasses": found}, outcome("pgd", SEARCH, unseen, [])
    text = patch_tables.evasion(
        SEARCH, glasses, [(SLOT, found)], {"cheek": alone}, SEARCH, glasses, SEARCH, glasses, found,
        Budget(2, 1),
    )  # fmt: skip
    assert f"- cheek, c: a search that attacks it alone leaves it {100 * _map(alone, 'c'):.1f} [" in text
    assert "| way | a | b | ensemble | c | CPU s a patch |" in text
    lines = [line for line in text.splitlines() if line.startswith("| generator |")]
    assert len(lines) == 5 and f"{100 * _map(found['generator'], 'c'):.1f} [" in lines[0].split(" | ")[4]
    assert "6 probes of 6 people, 18 in the gallery" in text
    assert f"among 18 pictures: a {100 * _map(found['generator'], 'a'):.1f} %" in text
    share = _map(found["generator"], "ensemble") / _map(found["random"], "ensemble")
    assert f"{share:.2f} of random squares'" in text
    assert f"- 1 drawings: the ensemble's mAP {share:.2f} to {share:.2f}" in text
    unknown = [(SLOT, {"random": found["random"]})]  # a generator that takes no drawings
    other = patch_tables.evasion(
        SEARCH, glasses, unknown, {}, SEARCH, glasses, SEARCH, glasses, found, Budget(2, 1)
    )
    assert "drawings:" not in other and "| of the picture | middle | random |" in other
    row = next(line for line in text.splitlines() if line.startswith(f"| {100 * SLOT.share:.1f} % | 0.5"))
    assert f"| {100 * _map(found['generator'], 'ensemble'):.1f} [" in row
    cosines = {
        way: next(v.genuine for v in one.verdicts if v.victim == "ensemble") for way, one in found.items()
    }
    assert row.count("; ") == len(found) and f"; {cosines['generator']:.2f} |" in row
    slow, fast = (cosines["random (few)"] - cosines[f"{way} (few)"] for way in ("pgd", "generator"))
    assert f"leave it takes there {fast:.2f} of {slow:.2f}." in text
    aimed = towards_strangers(SEARCH)
    given = {label: outcome(name, aimed, seen, unseen) for label, name in ways.items()}
    given["target crop"] = outcome("target crop", aimed, seen, unseen)
    text = patch_tables.impersonation({"strangers": aimed}, {("strangers", "glasses"): given}, Budget(2, 1))
    assert "6 targets" in text and "too few" in text  # 1e-3 of these few impostors is none
    rate = next(one for one in given["target crop"].verdicts if one.victim == "ensemble").success[0].rate
    assert rate is not None and f"target crop {100 * rate.estimate:.1f} %" in text
    first, slow = (_rate(given[f"{label} (few)"]) for label in ("generator", "pgd"))
    said = f"On 6 probes: one pass {100 * first:.1f} %, pgd {100 * slow:.1f} %"
    assert said in text and f"{given['pgd (few)'].cpu_seconds:.1f} s." in text


def test_a_crowd_is_of_others_and_leaves_the_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    names = np.array([*dict.fromkeys(SEARCH.gallery.identities), "new-1", "new-2", "new-3"])
    asked: dict[str, int] = {}

    def gather(*_: object, each: int, limit: int, least: int) -> Iterator[People]:
        asked.update(each=each, limit=limit, least=least)
        yield People(np.zeros((len(names), 224, 224, 3), np.uint8), names)

    monkeypatch.setattr(patch_people, "gather", gather)
    found = crowded(SEARCH, Path("data"), Path("keep"), 2)
    assert asked == {"each": 1, "limit": 8, "least": 1}
    assert found.gallery.identities.tolist() == [*SEARCH.gallery.identities, "new-1", "new-2"]
    assert found.probes is SEARCH.probes


def _rate(one: Outcome) -> float:
    rate = next(v for v in one.verdicts if v.victim == "ensemble").success[0].rate
    assert rate is not None
    return rate.estimate


def _map(one: Outcome, name: str) -> float:
    return next(v.mean_average_precision.estimate for v in one.verdicts if v.victim == name)
