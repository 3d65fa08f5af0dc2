"""Each ABAW head learns from the published layouts, resumes exactly, and is evaluated as it was trained."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from core.__main__ import main
from core.abaw import submission
from core.abaw import trained as trained_heads
from core.abaw.classes import EXPRESSIONS as ABAW
from core.abaw.features import ABOUT, Features, FeatureStore
from core.abaw.types import Options
from core.datasets.frame_labels import Task
from core.errors import Code, UserError
from core.expressions import EXPRESSIONS
from core.training import abaw, abaw_answers
from core.training.loop import Outcome
from tests.core.training.abaw_data import HASH, make

LARGE = {Task.EXPRESSION: 0.05, Task.DIMENSIONS: 0.05, Task.UNITS: 0.02, Task.VIOLENCE: 0.003}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make(tmp_path_factory.mktemp("abaw"))


def setting(task: Task, **changes: Any) -> abaw.Setting:
    """The published setting, in large steps for little data."""
    given = abaw.SETTINGS[task]
    batch = 4 if task is Task.VIOLENCE else 64
    options = replace(given.options, epochs=8, batch=batch, cpu=True)
    return replace(given, options=options, rate=LARGE[task], length=16, hop=8, **changes)


def last(events: Iterator[Any]) -> Outcome:
    *_, found = events
    assert isinstance(found, Outcome)
    return found


@pytest.mark.parametrize(("task", "best"), [(t, b) for t, b in zip(Task, (0.55, 0.6, 0.6, 0.7), strict=True)])
def test_heads_learn_and_keep_their_best_epoch(
    task: Task, best: float, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    data, features = folders
    found = last(abaw.train(task, data, features, tmp_path, setting(task)))
    name = {"expr": "accuracy", "va": "mean_ccc", "au": "mean_f1", "violence": "macro_f1"}[task]
    assert found.best[name] > best
    assert found.best[name] == max(figures[name] for figures in found.history)
    assert found.history[-1]["loss"] < found.history[0]["loss"]
    trained = trained_heads.Trained.load(tmp_path, FeatureStore.only(features))
    for key, value in found.model.state_dict().items():
        assert torch.equal(value.cpu(), trained.model.state_dict()[key])


@pytest.mark.parametrize("task", [Task.EXPRESSION, Task.VIOLENCE])
def test_a_resumed_head_equals_an_uninterrupted_one(
    task: Task, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """With dropout, batch norm and a schedule in the network of violence."""
    data, features = folders
    chosen = setting(task)
    whole = last(abaw.train(task, data, features, tmp_path / "whole", chosen))
    events = abaw.train(task, data, features, tmp_path / "parts", chosen)
    while next(events).done < 0.5:  # type: ignore[union-attr]
        pass
    events.close()  # type: ignore[attr-defined]
    again = last(abaw.train(task, data, features, tmp_path / "parts", chosen))
    assert again.history == whole.history
    first, second = (load_file(tmp_path / part / abaw.HEAD) for part in ("whole", "parts"))
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_units_train_on_class_scores_too(folders: tuple[Path, Path], tmp_path: Path) -> None:
    data, features = folders
    last(abaw.train(Task.UNITS, data, features, tmp_path, setting(Task.UNITS, branch="scores")))
    trained = trained_heads.Trained.load(tmp_path, FeatureStore.only(features))
    assert (trained.branch, trained.model[0].in_features) == ("scores", 7)  # type: ignore[index, union-attr]


def test_frames_without_label_or_face_never_reach_a_head(folders: tuple[Path, Path]) -> None:
    data, features = folders
    recipe = abaw.build(Task.EXPRESSION, FeatureStore.only(features), data, setting(Task.EXPRESSION))
    store = FeatureStore.only(features)
    truth = abaw.annotations(data, Task.EXPRESSION, "training")
    expected = sum(
        int((one.labelled & np.asarray(store.load(one.name).seen)[: len(one)]).sum()) for one in truth
    )
    assert len(recipe.data) == expected < sum(map(len, truth))


def test_the_command_line_trains_evaluates_and_writes_a_submission(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, features = map(str, folders)
    head, file = str(tmp_path / "head"), tmp_path / "answers.txt"
    chosen = ["expr", "--data", data, "--features", features]
    fast = ["--epochs", "3", "--rate", "0.05", "--batch", "64", "--cpu"]
    assert main(["train", "abaw", *chosen, "--out", head, *fast]) == 0
    assert "macro_f1" in capsys.readouterr().out
    by_head = ["evaluate", "abaw", *chosen, "--head", head, "--window", "0", "--submission", str(file)]
    assert main(by_head) == 0
    note, _, told = capsys.readouterr().out.partition("\n")
    assert "classes of tiny are not known" in note  # the store was written without them
    assert main(["evaluate", "abaw", "expr", "--data", data, "--predictions", str(file)]) == 0
    assert capsys.readouterr().out == told
    assert "labelled frames in 3 videos, 0 without an answer" in told
    assert "95 % interval" in told
    answers = submission.read(file.read_text(), file.name, Task.EXPRESSION)
    assert {name: len(values) for name, values in answers.items()} == {"w1": 62, "w2": 62, "w3_left": 62}


@pytest.mark.parametrize("task", [Task.DIMENSIONS, Task.UNITS, Task.VIOLENCE])
def test_answers_of_every_head_go_round_through_files(
    task: Task, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    data, features = folders
    last(abaw.train(task, data, features, tmp_path / "head", setting(task)))
    names = [one.name for one in abaw.annotations(data, task, "validation")]
    options = abaw_answers.options(task, None, 2)
    scorer = abaw_answers.Scorer.load(task, features, tmp_path / "head")
    assert not scorer.notes  # only expressions need the encoder's classes
    answers = abaw_answers.predict(scorer, names, options)
    abaw_answers.write(tmp_path / "answers", task, answers)
    again = abaw_answers.read(tmp_path / "answers", task, names)
    for name in names:
        assert len(answers[name]) == 62
        np.testing.assert_allclose(again[name], answers[name], atol=5e-7)


def test_classes_stored_with_the_features_let_the_pretrained_branch_decide(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    data, old = folders
    last(abaw.train(Task.EXPRESSION, data, old, tmp_path / "head", setting(Task.EXPRESSION)))
    names = [one.name for one in abaw.annotations(data, Task.EXPRESSION, "validation")]
    store = FeatureStore(tmp_path / "told", "tiny", HASH, EXPRESSIONS)
    for name in names:
        store.save(name, FeatureStore.only(old).load(name))
    unknown, known = (
        abaw_answers.Scorer.load(Task.EXPRESSION, folder, tmp_path / "head")
        for folder in (old, tmp_path / "told")
    )
    assert unknown.notes and not known.notes
    pretrained, without = Options(confidence=0, window=0), Options(confidence=1, window=0)
    found = abaw_answers.predict(known, names, pretrained)
    for name in names:
        stored = store.load(name)
        labels = np.asarray(stored.scores)[stored.seen].argmax(1)
        expected = [ABAW.index(EXPRESSIONS[label]) for label in labels]
        assert found[name][stored.seen].tolist() == expected
    alone = abaw_answers.predict(unknown, names, pretrained)
    for name, answers in abaw_answers.predict(known, names, without).items():
        np.testing.assert_array_equal(alone[name], answers)


@pytest.mark.parametrize("told", ["no JSON", "{}", '{"classes": ["cheese"]}'])
def test_a_store_that_misnames_its_classes_is_told(
    told: str, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    data, old = folders
    last(abaw.train(Task.EXPRESSION, data, old, tmp_path / "head", setting(Task.EXPRESSION)))
    store = FeatureStore(tmp_path / "told", "tiny", HASH, EXPRESSIONS)
    store.save("w1", FeatureStore.only(old).load("w1"))
    (store.folder / ABOUT).write_text(told)
    with pytest.raises(UserError, match=r"damaged|no place"):
        abaw_answers.Scorer.load(Task.EXPRESSION, tmp_path / "told", tmp_path / "head")


def test_heads_do_not_take_features_of_another_encoder(folders: tuple[Path, Path], tmp_path: Path) -> None:
    data, features = folders
    last(abaw.train(Task.EXPRESSION, data, features, tmp_path / "head", setting(Task.EXPRESSION)))
    other = FeatureStore(tmp_path / "other", "tiny", "cd" * 32)
    other.save("w1", Features(np.ones((5, 12)), np.ones((5, 7)), np.arange(5), np.ones(5, bool)))
    with pytest.raises(UserError) as raised:
        trained_heads.Trained.load(tmp_path / "head", other)
    assert raised.value.code is Code.OPTION_RANGE
    with pytest.raises(UserError) as raised:
        trained_heads.Trained.load(tmp_path / "nothing", other)
    assert raised.value.code is Code.WEIGHTS_MISSING


def test_mistakes_on_the_command_line_are_told_in_a_sentence(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(folders[0])
    assert main(["evaluate", "abaw", "expr", "--data", data]) == 1
    assert "nothing to evaluate" in capsys.readouterr().err
    partial = tmp_path / "partial.txt"
    partial.write_text(submission.write(Task.EXPRESSION, {"w1": np.zeros(61, np.int64)}))
    assert main(["evaluate", "abaw", "expr", "--data", data, "--predictions", str(partial)]) == 1
    assert "no answers for w2" in capsys.readouterr().err
    nowhere = ["--data", str(tmp_path), "--features", str(folders[1]), "--out", str(tmp_path / "out")]
    assert main(["train", "abaw", "va", *nowhere]) == 1
    assert "VA_Estimation_Challenge" in capsys.readouterr().err
