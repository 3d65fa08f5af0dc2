"""``tune abaw``: what is searched on one half of the videos is reported on the other, and nowhere else."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.__main__ import main
from core.abaw import tuned_file
from core.abaw.evaluate import difference, evaluate
from core.abaw.split import Tuned, halves
from core.abaw.types import ClipScores, Options
from core.datasets.affwild2 import base
from core.datasets.frame_labels import Annotation, Task
from core.errors import Code, UserError
from core.training import abaw_tuning
from tests.core.abaw.abaw_fakes import random_scores
from tests.core.training import abaw_data

NAMES = (*(f"t{number}" for number in range(9)), "w_left", "w_right", "x_left")


class Skewed:
    """A head that is right but for a bias of each class, and units with thresholds of .2 to .8."""

    classes = ("anger",)

    def __init__(self, task: Task) -> None:
        self.task = task

    def steps(self, wanted: Options) -> Options:
        return replace(wanted, confidence=1, window=0, window_units=0)

    def truth(self) -> list[Annotation]:
        return [Annotation(name, self.task, self._clip(name)[1]) for name in NAMES]

    def __call__(self, name: str) -> ClipScores:
        return self._clip(name)[0]

    def _clip(self, name: str) -> tuple[ClipScores, np.ndarray]:
        rng = np.random.default_rng(NAMES.index(name))
        labels = rng.integers(0, 8, 150)
        logits = 2 * np.eye(8)[labels] + rng.normal(size=(150, 8)) + (0, 0, 1.5, 0, 0, -1.0, 0, 0.8)
        head = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        scores = random_scores(150, NAMES.index(name), missing=0, mlp=head, units_second=None)
        noise = rng.normal(scale=0.05, size=(150, 12))
        units = (scores.units + noise > np.linspace(0.2, 0.8, 12)).astype(np.int64)
        return scores, labels if self.task is Task.EXPRESSION else units


@pytest.mark.parametrize(("task", "gain"), [(Task.EXPRESSION, 0.03), (Task.UNITS, 0.05)])
def test_what_was_tuned_helps_on_the_other_half(task: Task, gain: float) -> None:
    scorer = Skewed(task)
    steps = list(abaw_tuning.tune(scorer, scorer.truth()))  # type: ignore[arg-type]
    assert len(steps) == (3 if task is Task.EXPRESSION else 2)
    assert steps[0].gain is None and not steps[0].tuned.clips
    last = steps[-1]
    assert last.gain is not None and last.gain.low > 0 and last.gain.estimate > gain
    assert last.found.figure == pytest.approx(steps[0].found.figure + last.gain.estimate)
    if task is Task.UNITS:
        np.testing.assert_allclose(last.tuned.options.unit_thresholds, np.linspace(0.2, 0.8, 12), atol=0.11)
    told = [line for step in steps for line in abaw_tuning.lines(step)]
    assert sum("95 % interval" in line for line in told) == 2 * len(steps) - 1


@pytest.mark.parametrize("task", abaw_tuning.TUNABLE)
def test_the_search_never_sees_the_labels_of_the_other_half(task: Task) -> None:
    scorer = Skewed(task)
    truth = scorer.truth()
    *_, honest = abaw_tuning.tune(scorer, truth)  # type: ignore[arg-type]

    def with_noise(ours: bool) -> Tuned:
        rng = np.random.default_rng(0)
        spoiled = [
            replace(one, values=rng.permutation(one.values))
            if (one.name in honest.tuned.clips) is ours
            else one
            for one in truth
        ]
        *_, step = abaw_tuning.tune(scorer, spoiled)  # type: ignore[arg-type]
        return step.tuned

    assert with_noise(ours=False) == honest.tuned
    assert with_noise(ours=True).options != honest.tuned.options


def test_halves_keep_videos_whole_and_do_not_depend_on_the_order() -> None:
    first, second = halves(NAMES)
    assert first | second == set(NAMES) and not first & second
    assert not {base(name) for name in first} & {base(name) for name in second}
    assert len({base(name) for name in first}) == 5
    assert halves(NAMES[::-1]) == (first, second)
    assert len({halves(NAMES, seed)[0] for seed in range(5)}) > 1
    with pytest.raises(UserError, match="two videos"):
        halves(["w_left", "w_right"])


def test_the_other_person_of_a_tuned_video_is_refused_too() -> None:
    tuned = Tuned(Options(), ("half",), frozenset({"w_left"}))
    assert tuned.seen(["t1", "w_right"]) == {"w_right"}
    pairs = [(Annotation("w_right", Task.EXPRESSION, np.zeros(3, np.int64)), np.zeros(3, np.int64))]
    for ask in (lambda: evaluate(pairs, tuned=tuned), lambda: difference(pairs, pairs, tuned=tuned)):
        with pytest.raises(UserError, match="tuned on w_right") as raised:
            ask()
        assert raised.value.code is Code.OPTION_RANGE
    assert evaluate(pairs).frames == 3


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Path]]:
    """Eleven validation videos, a head of each kind, and a folder."""
    root = tmp_path_factory.mktemp("tuning")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(abaw_data.VIDEOS, "validation", NAMES)
        data, features = map(str, abaw_data.make(root))
    for task in ("expr", "au"):
        chosen = [task, "--data", data, "--features", features, "--out", str(root / task)]
        fast = ["--epochs", "3", "--rate", "0.05", "--batch", "64", "--cpu"]
        assert main(["train", "abaw", *chosen, *fast]) == 0
    yield data, features, root


@pytest.mark.parametrize("task", ["expr", "au"])
def test_the_file_is_used_and_refused_where_it_was_tuned(
    task: str, folders: tuple[str, str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    data, features, root = folders
    file = root / "made" / f"{task}.json"
    chosen = [task, "--data", data, "--features", features, "--head", str(root / task)]
    assert main(["tune", "abaw", *chosen, "--out", str(file)]) == 0
    told = capsys.readouterr().out
    assert "as published" in told and "gain" in told
    kept = json.loads(file.read_text())
    assert {base(name) for name in kept["clips"]} == {base(name) for name in halves(NAMES)[0]}
    assert kept["task"] == task and kept["tuned_on"] == [abaw_tuning.HALF]
    by_file = ["evaluate", "abaw", *chosen, "--options", str(file)]
    assert main(by_file) == 1
    assert "--others" in capsys.readouterr().err
    assert main([*by_file, "--others"]) == 0
    again = capsys.readouterr().out
    others = {base(name) for name in halves(NAMES)[1]}
    assert f"in {len(others)} videos" in again
    figure = [line for line in told.splitlines() if " tuned: " in line][-1].split(": ")[1].split(",")[0]
    assert figure in again  # the same options on the same videos
    assert main([*by_file, "--part", "training"]) == 0
    assert main([*by_file, "--window", "3"]) == 1
    assert "--confidence" in capsys.readouterr().err


def test_options_come_back_as_they_were(tmp_path: Path) -> None:
    options = Options(confidence=0.6, window=50, bias=tuple(np.linspace(-1, 1, 8).tolist()))
    tuned = Tuned(options, ("half",), frozenset({"a", "b_left"}), 0.4)
    tuned_file.write(tmp_path / "made" / "options.json", tuned, {"task": "expr"})
    assert tuned_file.read(tmp_path / "made" / "options.json") == tuned


@pytest.mark.parametrize(
    "told",
    [
        "no JSON", "[]", "{}", {"options": {}}, {"options": {}, "tuned_on": [], "clips": [3]},
        {"options": [], "tuned_on": [], "clips": []},
        {"options": {"windows": 3}, "tuned_on": [], "clips": []},
        {"options": {"window": -3}, "tuned_on": [], "clips": []},
    ],
)  # fmt: skip
def test_a_file_that_hides_its_clips_or_asks_for_the_impossible_is_refused(told: Any, tmp_path: Path) -> None:
    file = tmp_path / "options.json"
    file.write_text(told if isinstance(told, str) else json.dumps(told))
    with pytest.raises(UserError) as raised:
        tuned_file.read(file)
    assert raised.value.code is Code.OPTION_RANGE
    with pytest.raises(UserError, match="cannot be read"):
        tuned_file.read(tmp_path / "nothing.json")


def test_one_video_is_too_few(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(abaw_data.VIDEOS, "validation", ("w_left", "w_right"))
        data, features = map(str, abaw_data.make(tmp_path))
    chosen = ["expr", "--data", data, "--features", features]
    fast = ["--epochs", "1", "--cpu"]
    assert main(["train", "abaw", *chosen, "--out", str(tmp_path / "head"), *fast]) == 0
    out = str(tmp_path / "options.json")
    assert main(["tune", "abaw", *chosen, "--head", str(tmp_path / "head"), "--out", out]) == 1
    assert "two videos" in capsys.readouterr().err
    assert not Path(out).exists()
