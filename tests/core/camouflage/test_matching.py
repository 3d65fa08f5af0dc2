import numpy as np
import pytest
import torch

from core.camouflage.matching import TOLERANCE, areas, limited, matched, random_matched, texel_shares
from core.camouflage.pattern import Pattern, Shape
from core.camouflage.project import Surface, area
from core.camouflage.render import render
from core.camouflage.space import SpaceOptions, random_pattern
from tests.core.camouflage.fakes import face

OPTIONS = SpaceOptions(shapes=4)


def some(count: int, seed: int = 0) -> list[Pattern]:
    rng = np.random.default_rng(seed)
    return [random_pattern(rng, OPTIONS) for _ in range(count)]


def test_shares_of_the_texels_sum_to_one() -> None:
    shares = texel_shares()
    assert shares.min() >= 0 and float(shares.sum()) == pytest.approx(1, abs=1e-4)


def test_area_by_texels_is_the_area_on_a_painted_mean_face() -> None:
    patterns = some(12)
    surface = Surface.photo(np.full((224, 224, 3), 128, np.uint8), face())
    with torch.inference_mode():
        opacity = torch.tensor([pattern.opacity for pattern in patterns])
        warped = area(surface, render(patterns), opacity).numpy()
    assert np.abs(areas(patterns) - warped).max() < 0.012


def test_a_face_wide_shape_covers_everything() -> None:
    whole = [Pattern((Shape("stripe", x, 0.4, 2.6, 2.6, 0, "red"),), mirror=True) for x in (0.0, 1.0)]
    assert areas(whole) == pytest.approx([1.0, 1.0], abs=0.03)


def test_opacity_does_not_change_the_area() -> None:
    shape = Shape("disc", 0, 0.5, 1, 1, 0, "red")
    strong, weak = areas([Pattern((shape,), 1.0), Pattern((shape,), 0.2)])
    assert strong == pytest.approx(weak, abs=1e-5)


def test_random_patterns_match_the_wanted_area() -> None:
    found = random_matched(10, 0.2, OPTIONS, np.random.default_rng(1))
    assert np.abs(areas(found) - 0.2).max() <= TOLERANCE
    again = random_matched(10, 0.2, OPTIONS, np.random.default_rng(1))
    assert found == again


def test_limited_shrinks_only_what_is_too_large() -> None:
    patterns = some(20, seed=2)
    before = areas(patterns)
    after = limited(patterns, 0.15)
    assert areas(after).max() <= 0.15 + 1e-6
    assert [a is b for a, b in zip(after, patterns, strict=True)] == (before <= 0.15).tolist()


def test_matched_reaches_up_as_well_as_down() -> None:
    small = Pattern((Shape("stripe", 0, 0.5, 0.2, 0.2, 0, "blue"),))
    assert areas(matched([small], 0.05))[0] == pytest.approx(0.05, abs=0.005)


def test_an_area_no_pattern_has_is_refused() -> None:
    tiny = SpaceOptions(shapes=1, families=("stripe",), x=(-1.3, -1.3), y=(-1.0, -1.0))
    with pytest.raises(ValueError, match="hardly any"):
        random_matched(2, 0.9, tiny, np.random.default_rng(0))
