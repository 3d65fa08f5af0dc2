from dataclasses import replace

import numpy as np
import pytest
import torch

from core.camouflage.augment import Augmentation
from core.camouflage.objective import Objective, ObjectiveOptions, Standard
from core.camouflage.pattern import Pattern, Shape
from core.camouflage.project import apply
from core.camouflage.render import render
from core.camouflage.space import SpaceOptions, random_pattern
from core.errors import UserError
from tests.core.camouflage import fakes

PLAIN = ObjectiveOptions(augmentation=None, worst=0)


def some(count: int, seed: int = 0) -> list[Pattern]:
    rng = np.random.default_rng(seed)
    return [random_pattern(rng, SpaceOptions(shapes=3)) for _ in range(count)]


def test_equals_what_the_returned_images_give() -> None:
    objective, (pattern,) = fakes.objective(PLAIN), some(1)
    scores = objective.evaluate([pattern], objective.conditions(0))
    for name, model in fakes.models().items():
        subject = objective.subjects[0]
        margins = []
        for surface, center in zip(subject.surfaces, subject.centers[name], strict=True):
            image = apply(surface, render([pattern]))
            margins.append((float((model(image)[0] * center).sum()) - 0.5) / 0.1)
        assert scores.margins[name][0] == pytest.approx(np.mean(margins), abs=1e-4)
    expected = np.mean([values[0] for values in scores.margins.values()]) + scores.penalty[0]
    assert scores.total[0] == pytest.approx(expected, abs=1e-5)


def test_a_population_scores_as_its_members_alone() -> None:
    objective, patterns = fakes.objective(ObjectiveOptions(views=2)), some(5)
    conditions = objective.conditions(3)
    together = objective.evaluate(patterns, conditions).total
    alone = [float(objective.evaluate([one], conditions).total[0]) for one in patterns]
    assert together == pytest.approx(alone, abs=1e-4)


def test_no_paint_scores_as_the_clean_photo() -> None:
    objective = fakes.objective(PLAIN)
    nothing = Pattern((Shape("disc", 0, 0.5, 1, 1, 0, "red"),), opacity=0.0)
    scores = objective.evaluate([nothing], objective.conditions(0))
    for values in scores.margins.values():
        assert values[0] == pytest.approx((1 - 0.5) / 0.1, abs=1e-3)


def test_the_smooth_maximum_lies_between_mean_and_worst() -> None:
    patterns = some(4)
    values = []
    for worst in (0.0, 0.5, 10.0):
        objective = fakes.objective(ObjectiveOptions(augmentation=None, worst=worst), count=3)
        scores = objective.evaluate(patterns, objective.conditions(0))
        values.append(scores.total - scores.penalty)
    margins = np.stack(list(scores.margins.values()))
    assert (values[0] <= values[1] + 1e-5).all() and (values[1] <= values[2] + 1e-5).all()
    assert values[0] == pytest.approx(margins.mean(0), abs=1e-4)
    assert (values[2] <= margins.max(0) + 1e-4).all()


def test_penalties_count_area_colours_and_fine_strokes() -> None:
    options = ObjectiveOptions(augmentation=None, area_cap=0.05, colors=1)
    objective = fakes.objective(options)
    conditions = objective.conditions(0)
    small = Pattern((Shape("disc", 0, 1.2, 0.2, 0.2, 0, "red"),))
    large = Pattern((Shape("disc", 0, 0.5, 1.5, 1.5, 0, "red"),))
    two = Pattern((*small.shapes, Shape("disc", 0, 1.2, 0.2, 0.2, 0, "blue")))
    fine = Pattern((Shape("stripe", 0, 1.2, 0.5, 0.05, 0, "red"),))
    scores = objective.evaluate([small, large, two, fine], conditions)
    assert scores.penalty[0] == 0
    assert scores.penalty[1] == pytest.approx(50 * (scores.areas[1] - 0.05), rel=1e-4)
    assert scores.penalty[2] == pytest.approx(0.5)
    assert 0 < scores.penalty[3] < 2


def test_conditions_are_seeded_and_shared() -> None:
    objective = fakes.objective(ObjectiveOptions(views=2))
    first, again = objective.conditions(5), objective.conditions(5)
    assert first.picks == again.picks and len(first.picks) == 4
    assert first.drawn is not None and again.drawn is not None
    assert torch.equal(first.drawn.affine, again.drawn.affine)


def test_photos_are_spread_over_the_people() -> None:
    people = [fakes.subject((0, 1, 2)), fakes.subject((3, 4, 5))]
    standards = {name: Standard(0.5, 0.1) for name in fakes.models()}
    objective = Objective(people, fakes.models(), standards, ObjectiveOptions(augmentation=None, photos=2))
    for seed in range(5):
        assert {person for person, _ in objective.conditions(seed).picks} == {0, 1}


def test_softness_counts_each_photo_by_its_softplus_and_leaves_the_margins() -> None:
    plain, soft = (
        fakes.objective(ObjectiveOptions(augmentation=None, worst=0, softness=softness))
        for softness in (0.0, 0.5)
    )
    patterns, both = some(3), plain.conditions(0)
    before, after = plain.evaluate(patterns, both), soft.evaluate(patterns, both)
    singles = [
        plain.evaluate(patterns, replace(both, picks=(pick,))).margins for pick in both.picks
    ]  # fmt: skip
    expected = np.mean(
        [0.5 * np.logaddexp(0, one[name] / 0.5) for one in singles for name in plain.models], axis=0
    )
    assert after.total - after.penalty == pytest.approx(expected, abs=1e-4)
    for name in plain.models:
        assert after.margins[name] == pytest.approx(before.margins[name], abs=1e-5)


@pytest.mark.parametrize("softness", [0.0, 1.0])
def test_the_slope_predicts_a_small_change(softness: float) -> None:
    objective = fakes.objective(ObjectiveOptions(augmentation=None, softness=softness))
    conditions = objective.conditions(0)
    left, base, right = (Pattern((Shape("disc", x, 0.7, 0.8, 0.6, 20, "black"),)) for x in (0.08, 0.1, 0.12))
    _, slope = objective.gradient(base, conditions)
    before, after = render([left, right])
    predicted = float(((after - before) * slope).sum())
    scores = objective.evaluate([left, right], conditions)
    low, high = scores.total - scores.penalty
    assert predicted == pytest.approx(high - low, rel=0.1)


def test_the_slope_under_augmentation_is_finite() -> None:
    objective = fakes.objective(ObjectiveOptions(augmentation=Augmentation()))
    _, slope = objective.gradient(some(1)[0], objective.conditions(1))
    assert torch.isfinite(slope).all() and slope.abs().sum() > 0


def test_the_clock_counts_forward_time_within_the_total() -> None:
    objective = fakes.objective(PLAIN)
    objective.evaluate(some(3), objective.conditions(0))
    assert 0 < objective.forward_seconds < objective.total_seconds
    assert objective.images == 6


@pytest.mark.parametrize(
    "bad", [{"area_cap": 0}, {"worst": -1}, {"softness": -1}, {"views": 0}, {"colors": 0}]
)
def test_options_are_checked(bad: dict) -> None:
    with pytest.raises(UserError):
        ObjectiveOptions(**bad)


def test_nothing_to_optimise_on_is_a_sentence() -> None:
    with pytest.raises(UserError):
        Objective([], fakes.models(), {})
