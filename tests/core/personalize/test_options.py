"""Options are checked, and the presets are what was published."""

from dataclasses import fields, replace

import pytest

from core.errors import Code, UserError
from core.personalize.options import ABLATIONS, CHOICES, COUNTS, JUNE, MARCH, RANGES, Options, ablate


def refused(**changed):
    with pytest.raises(UserError) as caught:
        Options(**changed)
    assert caught.value.code == Code.OPTION_RANGE


@pytest.mark.parametrize("name", [*RANGES, *COUNTS])
def test_numbers_out_of_range_are_refused(name):
    low, high = {**RANGES, **COUNTS}[name]
    for value in (low - 1, high + 1, float("nan")):
        refused(**{name: value})


def test_every_option_is_checked():
    checked = {*RANGES, *COUNTS, *CHOICES}
    flags = {item.name for item in fields(Options) if isinstance(item.default, bool)}
    assert checked | flags == {item.name for item in fields(Options)}


@pytest.mark.parametrize("name", CHOICES)
def test_unknown_choices_are_refused(name):
    refused(**{name: "sometimes"})
    for choice in CHOICES[name]:
        assert getattr(replace(JUNE, **{name: choice}), name) == choice


def test_counts_are_whole_and_thresholds_ordered():
    refused(window=2.5)
    refused(entropy_positive=0.5, entropy_negative=0.4)
    refused(judge="fused", retrieval="after")
    refused(entropy_positive=0.5, entropy_negative=1.2)  # a share of ln K
    Options(entropy_positive=0.5, entropy_negative=1.2, normalise_entropy=False)


def test_presets_differ_where_the_two_published_states_differ():
    assert (MARCH.entropy_positive, MARCH.entropy_negative, MARCH.normalise_entropy) == (0.5, 1.2, False)
    assert (JUNE.entropy_positive, JUNE.entropy_negative, JUNE.normalise_entropy) == (0.5, 0.8, False)
    assert (MARCH.positive_capacity, MARCH.negative_capacity) == (5, 5)
    assert (JUNE.positive_capacity, JUNE.negative_capacity) == (5, 4)
    assert (MARCH.retrieval, MARCH.reach, MARCH.source_vector, MARCH.scope) == (
        "after",
        "all",
        "mixture",
        "subject",
    )
    assert (JUNE.retrieval, JUNE.reach, JUNE.source_vector, JUNE.scope) == (
        "before",
        "class",
        "class",
        "video",
    )
    for preset in (MARCH, JUNE):
        assert preset.temporal_rule == "majority"
        assert (preset.judge, preset.level, preset.scale_votes) == ("zero-shot", "embedding", False)
        assert (preset.lambda_source, preset.lambda_positive, preset.lambda_negative) == (1, 1, 1)
        assert (preset.window, preset.margin, preset.neighbours) == (3, 0.05, 5)
        assert (preset.sharpness, preset.nearest_sources, preset.shrinkage) == (10, 3, 0.05)


def test_each_ablation_changes_something():
    for name in ABLATIONS:
        assert ablate(MARCH, name) != MARCH
