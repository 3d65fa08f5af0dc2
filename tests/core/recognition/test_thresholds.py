import json
from pathlib import Path

import pytest

from core import weights
from core.recognition import cards, thresholds
from core.recognition.thresholds import TARGETS, Thresholds
from core.settings import settings

ONE = Thresholds(
    far={0.01: 0.3, 0.001: 0.4}, impostor_mean=0.1, impostor_std=0.1, genuine_mean=0.6, impostor_pairs=50_000,
    genuine_pairs=900, source="drawn",
)  # fmt: skip


def test_what_is_saved_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "thresholds.json"
    thresholds.save(path, "measure it", {"toy": ONE}, {"toy": [0.0, 1.0, 2.0, 3.0]})
    assert thresholds._load(path)["toy"] == ONE
    assert json.loads(path.read_text())["command"] == "measure it"


@pytest.mark.parametrize(
    "changes",
    [
        {"far": {0.01: 1.2}},
        {"far": {1.5: 0.2}},
        {"impostor_pairs": 500, "far": {0.01: 0.3}},  # five impostors would decide
        {"impostor_std": 0.0},
    ],
)
def test_figures_that_cannot_be_are_refused(changes: dict[str, object]) -> None:
    values = {name: getattr(ONE, name) for name in Thresholds.__dataclass_fields__}
    with pytest.raises(ValueError, match=r"FAR|cosine|pairs|spread"):
        Thresholds(**{**values, **changes})


def test_the_kept_file_covers_every_member_as_it_crops_today() -> None:
    found = thresholds.load()
    optional = {name for name in cards if weights.entry(name).optional}
    assert set(cards) - optional <= set(found) <= set(cards)  # without a row a member is not used
    rows = json.loads((settings().weights_dir / thresholds.FILE).read_text())["recognisers"]
    for name, one in found.items():
        assert tuple(one.far) == TARGETS
        assert one.impostor_mean < one.far[0.01] < one.far[0.001] < 1
        assert one.genuine_mean > one.far[0.01]
        assert one.impostor_pairs * 0.001 > 100
        # thresholds of another crop would be wrong: measure again after moving a box
        assert rows[name]["box"] == pytest.approx(cards[name].box.corners, abs=1e-3)


def test_the_thresholds_cannot_be_changed_by_a_caller() -> None:
    with pytest.raises(TypeError):
        thresholds.load()["toy"] = ONE  # type: ignore[index]
    with pytest.raises(TypeError):
        thresholds.load()["dlib-resnet"].far[0.01] = 0.0  # type: ignore[index]
