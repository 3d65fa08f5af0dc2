"""Who is who among the example faces, and what is said of a pair that is judged wrongly."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from core import weights
from core.__main__ import main
from core.camouflage.session import usable
from core.errors import UserError
from core.recognition import thresholds
from core.training.check_examples import agreement, check

PEOPLE, FILES = ("a", "a", "b", "b"), ("a1", "a2", "b1", "b2")


def _at(*degrees: float) -> torch.Tensor:
    angles = torch.deg2rad(torch.tensor(degrees))
    return torch.stack([angles.cos(), angles.sin()], 1)


def test_people_far_apart_are_agreed_on() -> None:
    found = agreement("x", 0.7, _at(0, 30, 90, 120), PEOPLE, FILES)
    assert found.agrees
    assert (len(found.genuine), len(found.impostor)) == (2, 4)
    assert found.genuine[0].cosine == pytest.approx(0.75**0.5)
    assert found.impostor[0].files == ("a2", "b1") and found.impostor[0].cosine == pytest.approx(0.5)
    assert found.text.count("\n") == 0 and "2 of 2 pairs accepted" in found.text


def test_every_pair_that_is_judged_wrongly_is_named() -> None:
    found = agreement("x", 0.7, _at(0, 60, 61, 62), PEOPLE, FILES)
    assert not found.agrees
    assert [pair.files for pair in found.rejected] == [("a1", "a2")]
    assert [pair.files for pair in found.confused] == [("a2", "b1"), ("a2", "b2")]
    assert "rejected at 0.500: a1 and a2" in found.text
    assert "confused at 1.000: a2 and b1" in found.text


def test_a_recogniser_without_a_threshold_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError):
        check(["nobody"])
    assert main(["examples", "check", "nobody"]) == 1
    assert "dlib-resnet" in capsys.readouterr().err


@pytest.mark.weights
def test_all_recognisers_that_are_here_agree_on_the_shipped_faces(
    weight: Callable[[str], Path],
) -> None:
    for name in thresholds.load():
        if not weights.entry(name).optional:
            weight(name)
    found = check(usable())
    assert len(found) >= 6
    assert [one.text for one in found if not one.agrees] == []
