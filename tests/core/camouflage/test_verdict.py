from core.camouflage.figures import Band, ModelFigures, Role
from core.camouflage.verdict import verdict

RANDOM = Band(low=0.4, median=0.5, high=0.6, accepted=0.8, accepted_low=0.6, patterns=20)


def model(
    role: Role, accepted: float, cosine: float = 0.1, band: Band | None = RANDOM, clean: float = 1.0
) -> ModelFigures:
    return ModelFigures(
        name=role,
        title=role.title(),
        role=role,
        far=0.01,
        threshold=0.3,
        clean=0.7,
        painted=cosine,
        clean_accepted=clean,
        painted_accepted=accepted,
        comparisons=90,
        band=band,
    )


def level(*figures: ModelFigures) -> str:
    return verdict(figures, detected=1.0, photos=10).level


def test_levels_follow_the_figures() -> None:
    good, lost = model("optimised", 0.0), model("unseen", 0.9, 0.5)
    assert level(good, model("unseen", 0.1)) == "transferred"
    assert level(good, model("unseen", 0.1), lost) == "partly"
    assert level(good, lost) == "optimised-only"
    assert level(good) == "optimised-only"
    assert level(model("optimised", 0.9, 0.5), lost) == "failed"
    assert level() == "unknown"


def test_what_random_patterns_do_as_well_does_not_count() -> None:
    assert level(model("optimised", 0.0), model("unseen", 0.2, cosine=0.45)) == "optimised-only"


def test_what_was_rejected_before_does_not_count() -> None:
    assert level(model("optimised", 0.0), model("unseen", 0.0, clean=0.0)) == "optimised-only"


def test_failure_to_transfer_is_said_in_words() -> None:
    said = verdict([model("optimised", 0.0), model("unseen", 0.9, 0.3)], detected=1.0, photos=10)
    assert "did not transfer" in said.headline and "It did not transfer to: Unseen 90%" in said.text
    assert "1%" in said.headline and "random patterns of equal area 80%" in said.text
    assert "Unseen 90% (random patterns do as well)" not in said.text  # it beats them and is still accepted
    equal = verdict([model("unseen", 0.9, cosine=0.45)], detected=1.0, photos=10)
    assert "Unseen 90% (random patterns do as well)" in equal.text


def test_the_control_is_told_as_the_span_over_all_recognisers() -> None:
    easy = Band(low=0.4, median=0.5, high=0.6, accepted=0.5, accepted_low=0.4, patterns=20)
    said = verdict([model("optimised", 0.0), model("unseen", 0.1, band=easy)], detected=1.0, photos=10)
    assert (
        "Without paint they accept 100% of the comparisons, with random patterns of equal area 50% to"
        in said.text
    )
    assert "random" not in verdict([model("unseen", 0.1, band=None)], detected=1.0, photos=10).text


def test_never_a_bare_promise() -> None:
    for figures in ([model("optimised", 0.0), model("unseen", 0.0)], [model("optimised", 0.0)]):
        text = verdict(figures, detected=1.0, photos=10).text.lower()
        assert "protect" not in text and "safe" not in text and "recognisers" in text


def test_detection_and_small_samples_are_told_apart() -> None:
    few = [ModelFigures("a", "A", "optimised", 0.01, 0.3, 1.0, 0.1, 1.0, 0.0, 1)]
    said = verdict(few, detected=0.5, photos=1, self_compared=True)
    assert "50% of the painted photos" in said.text
    assert "own clean version" in said.text and "1 comparison from 1 photo:" in said.text
