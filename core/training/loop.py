"""The one training loop of the house: one process or many, resumed exactly, the best state kept.

``accelerate launch`` starts one process a device, on one machine or several; the loop then does the same
arithmetic as a single process. Three things see to that, and each is why an obvious short cut is not taken:

- A batch is drawn for all processes together and dealt out, padded where it does not divide. (accelerate's
  own loader repeats samples to even out the last batch, which changes the mean of its loss.)
- The loss sees the outputs of the whole batch, gathered, with gradients through this process's own share, so
  that losses over a batch, like CCC or class weights, are not means of means. Padding is dropped first.
- Chance depends on seed, epoch, step and process alone, so a checkpoint needs no state of a generator.

Batch normalisation is the exception: its moments are those of each process's share.
"""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import numpy as np
import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import broadcast_object_list
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR
from torch.utils.data import DataLoader, Dataset

from core.errors import Code, UserError
from core.types import Progress

CHECKPOINT: Final = "last.pt"
BEST: Final = "best.safetensors"
HISTORY: Final = "history.json"
SETTLE: Final = 0.3  # seconds
Values = Tensor | tuple[Tensor, ...]
Loss = Callable[[Any, Any], Tensor]
T = TypeVar("T")


class Batch(Protocol):
    """Samples of a source: one tensor or several, with the samples along the first axis of each."""

    @property
    def inputs(self) -> Values:
        """What the model takes, one argument a tensor."""

    @property
    def labels(self) -> Values:
        """What the loss compares the model's outputs with."""


class Source(Protocol):
    """A data set that hands out many samples at once; augmentation draws from torch's global generator."""

    def __len__(self) -> int: ...

    def rows(self, numbers: NDArray[np.int64]) -> Batch:
        """The samples with these numbers, in their order."""


Predict = Callable[[nn.Module, Source], tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Options:
    """How long and how.

    Attributes:
        epochs: passes over the training data, at least 1.
        batch: samples a step over all processes together, at least 1.
        seed: of the order, dropout and augmentation.
        clip: largest norm of the gradient; 0 for no limit.
        drop_last: leave out a last batch that is not full (for losses that need many samples).
        every: steps between checkpoints inside an epoch; 0 for one at the end of each epoch only.
        workers: processes that load data, for each training process.
        precision: ``no``, ``fp16`` or ``bf16``.
        cpu: leave the accelerator alone.

    Raises:
        UserError: ``OPTION_RANGE``.
    """

    epochs: int = 10
    batch: int = 256
    seed: int = 0
    clip: float = 0.0
    drop_last: bool = False
    every: int = 0
    workers: int = 0
    precision: str = "no"
    cpu: bool = False

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 1 or min(self.clip, self.every, self.workers) < 0:
            raise UserError(
                Code.OPTION_RANGE, "Training needs epochs and a batch of at least 1.", "Give larger numbers."
            )
        if self.precision not in ("no", "fp16", "bf16"):
            raise UserError(Code.OPTION_RANGE, "There is no such precision.", "Choose no, fp16 or bf16.")


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """What is trained on what.

    Attributes:
        model: from a batch's inputs to one tensor or a tuple of them; begins as it is in the first process.
        data: training samples.
        loss: from the model's outputs and the labels of a whole batch to a number; without a sample of use
            it is 0, never nan.
        optimiser: from the parameters to an optimiser.
        schedule: from the optimiser and the number of all steps to a schedule that moves once a step.
        validate: after each epoch, figures by name; the second argument predicts a source in its order, each
            sample once, however many processes there are.
        best: which figure is to be large; the epoch with its largest value is kept. Without ``validate``
            the last epoch is.
    """

    model: nn.Module
    data: Source
    loss: Loss
    optimiser: Callable[[list[nn.Parameter]], Optimizer]
    schedule: Callable[[Optimizer, int], LRScheduler] | None = None
    validate: Callable[[nn.Module, Predict], Mapping[str, float]] | None = None
    best: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """The end of a run.

    Attributes:
        model: in evaluation mode, with the weights of the best epoch.
        best: that epoch's figures, its number under ``epoch``.
        history: the figures of every epoch, the mean loss under ``loss``.
    """

    model: nn.Module
    best: Mapping[str, float]
    history: tuple[Mapping[str, float], ...]


@dataclass(slots=True)
class _State:
    epoch: int = 0
    step: int = 0  # within the epoch
    total: float = 0.0  # of the epoch's losses, weighted by samples
    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, float] = field(default_factory=dict)


def run(recipe: Recipe, folder: Path, options: Options) -> Iterator[Progress | Outcome]:
    """Train, or go on where an earlier run with the same options stopped.

    Args:
        recipe: what is trained.
        folder: for ``last.pt`` (everything to go on), ``best.safetensors`` and ``history.json``.
        options: how long and how.

    Yields:
        Progress, then the :class:`Outcome`. Every process of a launched run gets the same events; only the
        first one writes.

    Raises:
        UserError: ``OPTION_RANGE``: the folder holds a run with other options.
    """
    return _Run(recipe, folder, options).events()


def one_cycle(optimiser: Optimizer, steps: int) -> LRScheduler:
    """A :class:`Recipe`'s schedule: each group's own rate is the highest; it is reached after a tenth."""
    highest = [group["lr"] for group in optimiser.param_groups]
    total = max(steps, 4)  # a cycle has no shape below that
    return OneCycleLR(optimiser, highest, total_steps=total, pct_start=max(0.1, 2 / total))


def is_first() -> bool:
    """Whether this is the process that writes and speaks; so it is where there is only one."""
    return bool(PartialState().is_main_process)


def leave() -> None:
    """Part from the other processes at the end of a program; without any, nothing happens.

    Gloo's threads let go of what they hold of the last exchange a moment later, for which they need the
    interpreter; one that is ending by then makes the whole process abort.
    """
    state = PartialState()
    state.destroy_process_group()
    if state.num_processes > 1:
        time.sleep(SETTLE)


class _Run:
    def __init__(self, recipe: Recipe, folder: Path, options: Options) -> None:
        self.recipe, self.folder, self.options = recipe, folder, options
        self.hub = Accelerator(cpu=options.cpu, mixed_precision=options.precision)
        count = len(recipe.data)
        if not count:
            raise UserError(Code.OPTION_RANGE, "There is nothing to train on.", "Give at least one sample.")
        full = options.drop_last and count >= options.batch
        self.steps = count // options.batch if full else math.ceil(count / options.batch)
        optimiser = recipe.optimiser(list(recipe.model.parameters()))
        # The schedule is not handed to accelerate, whose wrapper steps it once for each process.
        self.schedule = recipe.schedule(optimiser, self.steps * options.epochs) if recipe.schedule else None
        self.model, self.optimiser = self.hub.prepare(recipe.model, optimiser)
        self.state = _State()

    @property
    def plain(self) -> nn.Module:
        unwrapped: nn.Module = self.hub.unwrap_model(self.model)
        return unwrapped

    def events(self) -> Iterator[Progress | Outcome]:
        self._resume()
        state, epochs = self.state, self.options.epochs
        while state.epoch < epochs:
            for _ in self._steps():
                done = (state.epoch + state.step / self.steps) / epochs
                yield Progress(done, f"Epoch {state.epoch + 1} of {epochs}")
            figures = {"epoch": float(state.epoch), "loss": self._mean_loss(), **self._figures()}
            self._keep(figures)
            state.history.append(figures)
            state.epoch, state.step, state.total = state.epoch + 1, 0, 0.0
            self._save()
            yield Progress(state.epoch / epochs, f"Epoch {state.epoch} of {epochs} done", figures)
        self.hub.wait_for_everyone()
        self.plain.load_state_dict(self._from_first(lambda: load_file(self.folder / BEST)))
        yield Outcome(self.plain.eval(), state.best, tuple(state.history))

    def _steps(self) -> Iterator[None]:
        """Train until the end of the epoch; about fifty breaks for progress."""
        state, options = self.state, self.options
        order = np.random.default_rng([options.seed, state.epoch]).permutation(len(self.recipe.data))
        jobs = [
            self._deal(order[start : start + options.batch], step)
            for step, start in enumerate(range(0, self.steps * options.batch, options.batch))
        ]
        pace = max(1, self.steps // 50)
        for inputs, labels, real in self._loader(self.recipe.data, jobs[state.step :]):
            self._step(inputs, labels, real)
            state.step += 1
            if options.every and state.step % options.every == 0 and state.step < self.steps:
                self._save()
            if state.step % pace == 0:
                yield

    def _step(self, inputs: Values, labels: Values, real: Tensor) -> None:
        self.model.train()
        torch.manual_seed(self._seed(self.state.step))
        with self.hub.autocast():
            outputs = _call(self.model, inputs)
        kept = self.hub.gather(real)
        outputs = _each(outputs, lambda share: self._together(share)[kept].float())
        labels = _each(labels, lambda share: self.hub.gather(share)[kept])
        loss = self.recipe.loss(outputs, labels)
        # Data-parallel training takes the mean of the gradients, and each process holds its share of the sum.
        self.hub.backward(loss * self.hub.num_processes)
        if self.options.clip:
            self.hub.clip_grad_norm_(self.model.parameters(), self.options.clip)
        self.optimiser.step()
        if self.schedule is not None and not self.optimiser.step_was_skipped:
            self.schedule.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.state.total += float(loss.detach()) * int(kept.sum())

    def _together(self, share: Tensor) -> Tensor:
        """Outputs of all processes, with gradients through this one's."""
        if self.hub.num_processes == 1:
            return share
        parts = list(self.hub.gather(share.detach()).chunk(self.hub.num_processes))
        parts[self.hub.process_index] = share
        return torch.cat(parts)

    def _from_first(self, make: Callable[[], T]) -> T:
        """What the first process read; the others may stand on machines without its files."""
        shared: list[Any] = [make() if self.hub.is_main_process else None]
        broadcast_object_list(shared)
        value: T = shared[0]
        return value

    def _deal(self, rows: NDArray[np.int64], step: int) -> "_Job":
        """This process's share of a batch; padding repeats its first sample."""
        each = math.ceil(len(rows) / self.hub.num_processes)
        first = self.hub.process_index * each
        mine = rows[first : first + each]
        padded = np.concatenate([mine, np.repeat(rows[:1], each - len(mine))])
        return _Job(padded, len(mine), self._seed(step))

    def _loader(self, source: Source, jobs: Sequence["_Job"]) -> Iterator[tuple[Values, Values, Tensor]]:
        served = _Served(source, jobs)
        device = self.hub.device
        for inputs, labels, real in DataLoader(served, batch_size=None, num_workers=self.options.workers):
            yield (
                _each(inputs, lambda t: t.to(device)),
                _each(labels, lambda t: t.to(device)),
                real.to(device),
            )

    def _seed(self, step: int) -> int:
        parts = [self.options.seed, self.state.epoch, step, self.hub.process_index]
        return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> 1)

    @torch.no_grad()
    def _predict(self, model: nn.Module, source: Source) -> tuple[Any, Any]:
        model.eval()
        every, size = np.arange(len(source)), self.options.batch
        jobs = [self._deal(every[start : start + size], 0) for start in range(0, len(every), size)]
        outputs, labels = [], []
        for inputs, truth, real in self._loader(source, jobs):
            with self.hub.autocast():
                found = _call(model, inputs)
            kept = self.hub.gather(real)
            outputs.append(_each(found, lambda t: self.hub.gather(t)[kept].float().cpu()))  # noqa: B023
            labels.append(_each(truth, lambda t: self.hub.gather(t)[kept].cpu()))  # noqa: B023
        return _joined(outputs), _joined(labels)

    def _figures(self) -> dict[str, float]:
        if self.recipe.validate is None:
            return {}
        return {name: float(value) for name, value in self.recipe.validate(self.plain, self._predict).items()}

    def _mean_loss(self) -> float:
        samples = min(len(self.recipe.data), self.steps * self.options.batch)
        return self.state.total / samples

    def _keep(self, figures: dict[str, float]) -> None:
        name, best = self.recipe.best, self.state.best
        if name and best and not math.isnan(best[name]) and not figures[name] > best[name]:
            return
        self.state.best = figures
        if self.hub.is_main_process:
            weights = {
                name: value.detach().cpu().contiguous() for name, value in self.plain.state_dict().items()
            }
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary = self.folder / f"{BEST}.part"
            save_file(weights, temporary)
            temporary.replace(self.folder / BEST)

    def _save(self) -> None:
        self.hub.wait_for_everyone()
        if self.hub.is_main_process:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary = self.folder / f"{CHECKPOINT}.part"
            torch.save(
                {
                    "options": self._fingerprint(),
                    "model": self.plain.state_dict(),
                    "optimiser": self.optimiser.state_dict(),
                    "schedule": self.schedule.state_dict() if self.schedule else None,
                    "scaler": self.hub.scaler.state_dict() if self.hub.scaler else None,
                    "state": asdict(self.state),
                },
                temporary,
            )
            temporary.replace(self.folder / CHECKPOINT)
            (self.folder / HISTORY).write_text(json.dumps(self.state.history, indent=1) + "\n")
        self.hub.wait_for_everyone()

    def _resume(self) -> None:
        kept = self._from_first(self._checkpoint)
        if kept is None:
            return
        if kept["options"] != self._fingerprint():
            raise UserError(
                Code.OPTION_RANGE,
                f"The folder {self.folder.name} holds a run with other options or data.",
                "Give the same options to go on, or another folder.",
            )
        self.plain.load_state_dict(kept["model"])
        self.optimiser.load_state_dict(kept["optimiser"])
        if self.schedule is not None:
            self.schedule.load_state_dict(kept["schedule"])
        if self.hub.scaler is not None and kept["scaler"] is not None:
            self.hub.scaler.load_state_dict(kept["scaler"])
        self.state = _State(**kept["state"])

    def _checkpoint(self) -> dict[str, Any] | None:
        file = self.folder / CHECKPOINT
        return torch.load(file, map_location="cpu", weights_only=True) if file.is_file() else None

    def _fingerprint(self) -> dict[str, Any]:
        """What must agree for a run to go on; where it runs may change."""
        where = ("every", "workers", "cpu")
        chosen = {name: value for name, value in asdict(self.options).items() if name not in where}
        return chosen | {"samples": len(self.recipe.data)}


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    rows: NDArray[np.int64]
    real: int
    seed: int


class _Served(Dataset[tuple[Values, Values, Tensor]]):
    """Whole batches of a source as a torch data set, so that worker processes can load ahead."""

    def __init__(self, source: Source, jobs: Sequence[_Job]) -> None:
        self.source, self.jobs = source, jobs

    def __len__(self) -> int:
        return len(self.jobs)

    def __getitem__(self, number: int) -> tuple[Values, Values, Tensor]:
        job = self.jobs[number]
        torch.manual_seed(job.seed)
        batch = self.source.rows(job.rows)
        return batch.inputs, batch.labels, torch.arange(len(job.rows)) < job.real


def _each(values: Any, change: Callable[[Tensor], Tensor]) -> Any:
    return change(values) if isinstance(values, Tensor) else tuple(change(value) for value in values)


def _call(model: nn.Module, inputs: Values) -> Any:
    return model(inputs) if isinstance(inputs, Tensor) else model(*inputs)


def _joined(parts: Sequence[Any]) -> Any:
    if isinstance(parts[0], Tensor):
        return torch.cat(list(parts))
    return tuple(torch.cat(list(column)) for column in zip(*parts, strict=True))
