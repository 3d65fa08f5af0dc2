"""The training loop: exact resuming, the best state, every sample once, and losses over whole batches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from core.errors import Code, UserError
from core.training import loop
from core.training.loop import BEST, CHECKPOINT, Outcome, Predict, Recipe, run

Options = partial(loop.Options, cpu=True)


@dataclass(frozen=True)
class Given:
    inputs: Tensor
    labels: Tensor


class Numbers:
    """A regression with some noise that is drawn anew at every look (an augmentation)."""

    def __init__(self, count: int, noise: float = 0.0) -> None:
        generator = torch.Generator().manual_seed(5)
        self.inputs = torch.randn(count, 4, generator=generator)
        self.labels = self.inputs @ torch.tensor([1.0, -2.0, 0.5, 0.0])
        self.noise, self.asked = noise, []  # type: float, list[list[int]]

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, numbers: NDArray[np.int64]) -> Given:
        self.asked.append(numbers.tolist())
        inputs = self.inputs[numbers]
        return Given(inputs + self.noise * torch.randn(inputs.shape), self.labels[numbers])


def squared(outputs: Tensor, labels: Tensor) -> Tensor:
    return (outputs.squeeze(1) - labels).square().mean()


def recipe(data: Numbers, **changes: Any) -> Recipe:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 1))
    given = Recipe(
        model,
        data,
        squared,
        lambda parameters: torch.optim.Adam(parameters, 1e-2),
        lambda optimiser, steps: torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, total_steps=steps),
    )
    return replace(given, **changes)


def outcome(given: Recipe, folder: Path, options: loop.Options) -> Outcome:
    *_, last = run(given, folder, options)
    assert isinstance(last, Outcome)
    return last


def test_it_learns_and_reports_each_epoch(tmp_path: Path) -> None:
    events = list(run(recipe(Numbers(100)), tmp_path, Options(epochs=20, batch=16)))
    last = events.pop()
    assert isinstance(last, Outcome)
    assert [event.done for event in events] == sorted(event.done for event in events)  # type: ignore[union-attr]
    assert [figures["epoch"] for figures in last.history] == list(range(20))
    assert last.history[-1]["loss"] < 0.3 * last.history[0]["loss"]
    assert not last.model.training


def test_every_sample_once_an_epoch_in_an_order_of_the_seed(tmp_path: Path) -> None:
    orders = []
    for seed, folder in ((0, "a"), (0, "b"), (1, "c")):
        data = Numbers(50)
        outcome(recipe(data), tmp_path / folder, Options(epochs=2, batch=16, seed=seed))
        flat = [number for rows in data.asked for number in rows]
        assert [len(rows) for rows in data.asked] == [16, 16, 16, 2] * 2
        assert sorted(flat[:50]) == sorted(flat[50:]) == list(range(50))
        assert flat[:50] != flat[50:]
        orders.append(flat)
    assert orders[0] == orders[1] != orders[2]


def test_the_last_batch_can_be_left_out(tmp_path: Path) -> None:
    data = Numbers(50)
    outcome(recipe(data), tmp_path, Options(epochs=1, batch=16, drop_last=True))
    assert [len(rows) for rows in data.asked] == [16, 16, 16]


@pytest.mark.parametrize("stop", [3, 9, 14])
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path: Path, stop: int) -> None:
    """Stopped within an epoch and between two, with dropout and drawn noise; the schedule goes on too."""
    options = Options(epochs=4, batch=16, every=2)
    whole = outcome(recipe(Numbers(60, 0.3)), tmp_path / "whole", options)
    events = run(recipe(Numbers(60, 0.3)), tmp_path / "parts", options)
    for _ in range(stop):
        next(events)
    events.close()  # type: ignore[attr-defined]
    torch.rand(7)  # what else the process drew in the meantime changes nothing
    data = Numbers(60, 0.3)
    again = outcome(recipe(data), tmp_path / "parts", options)
    assert len(data.asked) < 16
    assert again.history == whole.history
    assert again.best == whole.best
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name]), name


def test_a_finished_run_is_only_read(tmp_path: Path) -> None:
    first = outcome(recipe(Numbers(30)), tmp_path, Options(epochs=2, batch=16))
    data = Numbers(30)
    again = outcome(recipe(data), tmp_path, Options(epochs=2, batch=16))
    assert data.asked == []
    assert again.history == first.history


def test_other_options_do_not_go_on_in_the_same_folder(tmp_path: Path) -> None:
    outcome(recipe(Numbers(30)), tmp_path, Options(epochs=1, batch=16))
    for changed in (Options(epochs=2, batch=16), Options(epochs=1, batch=8), Options(1, 16, seed=3)):
        with pytest.raises(UserError) as raised:
            outcome(recipe(Numbers(30)), tmp_path, changed)
        assert raised.value.code is Code.OPTION_RANGE
    with pytest.raises(UserError):
        outcome(recipe(Numbers(31)), tmp_path, Options(epochs=1, batch=16))


def scripted(values: list[float]) -> Callable[[nn.Module, Predict], Mapping[str, float]]:
    left = iter(values)
    return lambda model, predict: {"figure": next(left)}


@pytest.mark.parametrize(
    ("values", "best"),
    [
        ([0.1, 0.5, 0.3], 1),
        ([0.5, 0.5, 0.2], 0),
        ([float("nan"), 0.2, 0.1], 1),
        ([0.2, float("nan"), 0.3], 2),
    ],
)
def test_the_best_epoch_is_kept(tmp_path: Path, values: list[float], best: int) -> None:
    states: list[dict[str, Tensor]] = []
    figures = scripted(values)

    def validate(model: nn.Module, predict: Predict) -> Mapping[str, float]:
        states.append({name: value.clone() for name, value in model.state_dict().items()})
        return figures(model, predict)

    found = outcome(
        recipe(Numbers(40), validate=validate, best="figure"), tmp_path, Options(epochs=3, batch=16)
    )
    assert found.best["epoch"] == best
    for state in (found.model.state_dict(), load_file(tmp_path / BEST)):
        assert all(torch.equal(value, states[best][name]) for name, value in state.items())


def test_without_validation_the_last_epoch_is_kept(tmp_path: Path) -> None:
    assert outcome(recipe(Numbers(40)), tmp_path, Options(epochs=3, batch=16)).best["epoch"] == 2


def test_validation_sees_every_sample_once_in_order_without_dropout(tmp_path: Path) -> None:
    held, seen = Numbers(37), []

    def validate(model: nn.Module, predict: Predict) -> Mapping[str, float]:
        outputs, labels = predict(model, held)
        again, _ = predict(model, held)
        seen.append((outputs, labels))
        assert torch.equal(outputs, again)
        return {"error": float(squared(outputs, labels))}

    outcome(recipe(Numbers(40), validate=validate), tmp_path, Options(epochs=1, batch=16))
    outputs, labels = seen[0]
    assert len(outputs) == 37
    assert torch.equal(labels, held.labels)


def test_a_model_may_take_and_give_several_tensors(tmp_path: Path) -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(4, 1), nn.Linear(4, 1)

        def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
            return self.first(a), self.second(b)

    class Pairs(Numbers):
        def rows(self, numbers: NDArray[np.int64]) -> Any:
            one = super().rows(numbers)
            return Given((one.inputs, one.inputs), (one.labels, -one.labels))  # type: ignore[arg-type]

    held = Pairs(9)

    def validate(model: nn.Module, predict: Predict) -> Mapping[str, float]:
        outputs, labels = predict(model, held)
        return {"gap": float(sum(map(squared, outputs, labels)))}

    given = Recipe(
        Two(),
        Pairs(64),
        lambda outputs, labels: squared(outputs[0], labels[0]) + squared(outputs[1], labels[1]),
        lambda parameters: torch.optim.Adam(parameters, 0.1),
        validate=validate,
    )
    found = outcome(given, tmp_path, Options(epochs=10, batch=16))
    assert found.history[-1]["gap"] < 0.1 * found.history[0]["gap"]


def test_the_gradient_can_be_limited(tmp_path: Path) -> None:
    def moved(clip: float) -> float:
        given = recipe(Numbers(16), schedule=None, optimiser=lambda p: torch.optim.SGD(p, 1.0))
        before = [parameter.detach().clone() for parameter in given.model.parameters()]
        found = outcome(given, tmp_path / str(clip), Options(epochs=1, batch=16, clip=clip))
        steps = [(a - b).square().sum() for a, b in zip(found.model.parameters(), before, strict=True)]
        return float(torch.stack(steps).sum().sqrt().detach())

    assert moved(0.01) == pytest.approx(0.01, rel=1e-3)
    assert moved(0) > 0.1


def test_damaged_checkpoints_and_code_in_them_are_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return print, ("ran",)

    torch.save({"options": Trap()}, tmp_path / CHECKPOINT)
    with pytest.raises(Exception, match=r"(?i)weights.?only"):
        outcome(recipe(Numbers(30)), tmp_path, Options(epochs=1))


@pytest.mark.parametrize("changes", [{"epochs": 0}, {"batch": 0}, {"clip": -1.0}, {"precision": "fp8"}])
def test_options_out_of_range(changes: dict[str, Any]) -> None:
    with pytest.raises(UserError) as raised:
        Options(**changes)
    assert raised.value.code is Code.OPTION_RANGE


def test_nothing_to_train_on(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing to train on"):
        outcome(recipe(Numbers(0)), tmp_path, Options(epochs=1))
