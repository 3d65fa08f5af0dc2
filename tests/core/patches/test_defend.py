"""The defence switch: alarms follow thresholds, repairs leave alone what they do not cover."""

from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import UserError
from core.patches import defend, thresholds
from core.patches.activation import RULES
from core.patches.countermeasures import detectors
from core.patches.thresholds import Group, Thresholds, cut
from core.patches.victims import Counted
from tests.core.patches.patch_fakes import face_victim, people

PEOPLE = people(2, 2, 224, 224)
TWO = [face_victim("a", 1), face_victim("b", 2)]
CLAIM = {victim.name: victim.embed(PEOPLE.pictures[1:2]) for victim in TWO}


@pytest.fixture(autouse=True)
def held(monkeypatch: pytest.MonkeyPatch) -> Thresholds:
    """Made-up thresholds: everything is suspected of blur, nothing of JPEG."""
    usual = {"a": (0.8, 0.1), "b": (0.7, 0.2)}
    opinions = {"a": (0.0, 1.0, -1.0), "b": (0.5, 1.0, 1.0)}  # ranges of 0.5, 0 and 2
    scores = {"a": {"blur": -1.0, "jpeg": 3.0, "recovery": 0.0}}
    density = {"a": torch.full((28, 28), 28.0**-2)}
    found = Thresholds(0.34, "", {"faces": Group(3, "made up", scores, usual, opinions, density)}, {})
    monkeypatch.setattr(thresholds, "load", lambda: found)
    return found


def test_alarms_follow_the_thresholds() -> None:
    found = {one.detector: one for one in defend.inspect(TWO, PEOPLE.pictures[0], CLAIM)}
    assert set(found) == set(detectors)
    assert found["blur"].alarm is True and found["jpeg"].alarm is False
    assert found["occlusion"].threshold is None and found["occlusion"].alarm is None
    assert found["occlusion"].people == 0 and found["blur"].people == 3
    assert found["disagreement"].encoders == ("a", "b") and found["blur"].encoders == ("a",)
    assert found["disagreement"].threshold == pytest.approx(1.25)  # one of three lies above it


def test_scores_are_those_of_the_detectors() -> None:
    by_hand = detectors.create("recovery").score(PEOPLE.pictures[:1], TWO[:1], CLAIM)
    (found,) = defend.inspect(TWO, PEOPLE.pictures[0], CLAIM, names=["recovery"])
    assert found.score == pytest.approx(float(by_hand[0]), abs=1e-6)
    assert found.alarm is (found.score >= 0)


def test_without_a_claim_or_a_second_encoder_some_are_left_out() -> None:
    names = {one.detector for one in defend.inspect(TWO, PEOPLE.pictures[0])}
    assert names == {"occlusion", "concentration", "blur", "jpeg"}
    names = {one.detector for one in defend.inspect(TWO[:1], PEOPLE.pictures[0], CLAIM)}
    assert "disagreement" not in names and "recovery" in names


def test_two_detectors_share_the_covered_pictures() -> None:
    watched = Counted(TWO[0])
    defend.inspect([watched], PEOPLE.pictures[0], CLAIM, names=["occlusion"])
    alone = watched.pictures
    defend.inspect([watched], PEOPLE.pictures[0], CLAIM, names=["occlusion", "recovery"])
    assert watched.pictures == 2 * alone


def test_memory_says_what_the_victim_says_and_lets_gradients_through() -> None:
    memory = defend.Memory(TWO[0])
    pictures = torch.cat([PEOPLE.pictures[:2], PEOPLE.pictures[:1]])
    with torch.no_grad():
        for _ in range(2):
            torch.testing.assert_close(memory.embed(pictures), TWO[0].embed(pictures))
    free = pictures.clone().requires_grad_()
    assert memory.embed(free).requires_grad


@pytest.mark.parametrize("how", defend.REPAIRS)
def test_a_repair_changes_nothing_outside_its_mask(how: str) -> None:
    picture = PEOPLE.pictures[0]
    found = defend.repaired(TWO, picture, CLAIM, how=how)
    assert found.picture.shape == picture.shape and found.mask.shape == picture.shape[1:]
    assert not torch.equal(found.picture, picture)
    if how in ("blur", "jpeg"):
        assert float(found.mask.max()) == 0
        return
    assert 0.02 < float(found.mask.mean()) < 0.3
    outside = (found.mask == 0).expand_as(picture)
    assert torch.equal(found.picture[outside], picture[outside])


def test_a_recovery_covers_the_place_that_brings_the_claimed_person_back() -> None:
    found = defend.repaired(TWO[:1], PEOPLE.pictures[0], CLAIM)
    assert found.how == "recovery"
    gain = detectors.create("recovery").score(PEOPLE.pictures[:1], TWO[:1], CLAIM)
    before, after = (
        float((TWO[0].embed(one[None]) * CLAIM["a"]).sum()) for one in (PEOPLE.pictures[0], found.picture)
    )
    assert after - before == pytest.approx(float(gain[0]), abs=1e-5)


def test_without_a_claim_the_repair_is_that_of_occlusion() -> None:
    found = defend.repaired(TWO, PEOPLE.pictures[0])
    by_hand = detectors.create("occlusion").clean(PEOPLE.pictures[:1], TWO)  # type: ignore[attr-defined]
    assert found.how == "occlusion"
    assert torch.equal(found.picture, by_hand[0])


def test_what_cannot_run_is_refused() -> None:
    picture = PEOPLE.pictures[0]
    for call in (
        lambda: defend.inspect([], picture),
        lambda: defend.inspect(TWO, picture, names=["recovery"]),
        lambda: defend.inspect(TWO, picture, names=["wishing"]),
        lambda: defend.repaired(TWO, picture, how="recovery"),
        lambda: defend.repaired(TWO, picture, how="wishing"),
        lambda: defend.repaired([], picture),
    ):
        with pytest.raises(UserError):
            call()


@pytest.mark.parametrize(("count", "fpr", "over"), [(40, 0.05, 2), (20, 0.05, 1), (10, 0.05, 0)])
def test_a_threshold_lets_as_many_pass_as_it_says(count: int, fpr: float, over: int) -> None:
    scores = np.random.default_rng(0).normal(size=count)
    assert int((scores >= cut(scores, fpr)).sum()) == over
    equal = np.ones(count)
    assert int((equal >= cut(equal, fpr)).sum()) == 0


def test_what_is_written_is_read_again(
    held: Thresholds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    path = tmp_path / "thresholds.json"
    thresholds.write(held, path)
    monkeypatch.setattr(thresholds, "FILE", path)
    thresholds.load.cache_clear()
    try:
        again = thresholds.load()
    finally:
        monkeypatch.undo()
        thresholds.load.cache_clear()
    assert again.groups["faces"].scores == held.groups["faces"].scores
    assert again.groups["faces"].opinions == held.groups["faces"].opinions
    density = again.groups["faces"].density["a"], held.groups["faces"].density["a"]
    torch.testing.assert_close(*density, atol=1e-6, rtol=0)


def test_the_bundled_file_speaks_of_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    found = thresholds.load()
    assert {"faces", "persons"} <= set(found.groups)
    for group in found.groups.values():
        assert group.people > 0 and all(len(each) == group.people for each in group.opinions.values())
        assert all(set(scores) <= set(detectors) for scores in group.scores.values())
        assert any("recovery" in scores for scores in group.scores.values())
    assert all(one.rule in RULES for one in found.maps.values())
    assert "clean pictures" in defend.provenance()
