"""Train the bundled expression encoder: ``python -m core train expression``.

A face recogniser's trunk (MobileFaceNet, ArcFace on MS1M) is fine-tuned on grey crops of FER2013
Training and the training people of CK+ and LFW/film: AdamW, one cycle, logit adjustment, label smoothing,
mixup, jitter of place, light and sharpness, erasing, an exponential mean of the weights, which is kept.
LFW/film is half neutral: a bounded number of each of its classes is drawn anew for every epoch. Recipes
are chosen on PublicTest and the validation people of CK+ only.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.optim.swa_utils import get_ema_multi_avg_fn as average_of

from core import weights
from core.datasets import expressions
from core.datasets.expressions import LabelledFaces, Part
from core.errors import Code, UserError
from core.expression.network import ExpressionNet
from core.expressions import EXPRESSIONS, SPELLINGS
from core.recognition.mobilefacenet import MobileFaceNet
from core.training.expression_augment import augment

Loss = Callable[[Tensor, Tensor], Tensor]
FILES = {
    "fer2013": "expressions/fer2013.parquet",
    "ckplus": "expressions/ckplus48.parquet",
    "lfw-film": "faces/lfw_expressions.parquet",
}


@dataclass(frozen=True, slots=True)
class Options:
    """The recipe.

    Attributes:
        epochs: passes over FER2013 Training.
        size: side of the crops in pixels.
        batch: crops a step.
        rate: highest learning rate of the cycle.
        decay: weight decay.
        smoothing: label smoothing.
        mixup: parameter of the beta distribution of mixup; 0 turns it off.
        dropout: before the last layer.
        average: decay of the exponential mean of the weights, a step.
        posed: how often an epoch shows each still of CK+'s training people.
        film: stills of each class drawn from LFW/film's training people for an epoch, or all there are.
        prior: strength of the logit adjustment (arXiv 2007.07314): at 1 the scores are those of classes
            that are equally frequent, at 0 those of the data.
        seed: of the order, the augmentation and the new layer.
    """

    epochs: int = 16
    size: int = 64
    batch: int = 96
    rate: float = 1e-3
    decay: float = 0.05
    smoothing: float = 0.1
    mixup: float = 0.2
    dropout: float = 0.3
    average: float = 0.998
    posed: int = 2
    film: int = 200
    prior: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        positive = ("epochs", "size", "batch", "rate")
        shares = ("smoothing", "dropout", "average", "prior")
        if (
            any(getattr(self, name) <= 0 for name in positive)
            or any(not 0 <= getattr(self, name) <= 1 for name in shares)
            or min(self.decay, self.mixup, self.posed, self.film, self.seed) < 0
        ):
            raise UserError(
                Code.OPTION_RANGE,
                "An option of the training lies outside its range.",
                f"Above 0: {', '.join(positive)}; from 0 to 1: {', '.join(shares)}; the rest from 0 on.",
            )


@dataclass(frozen=True, slots=True)
class Epoch:
    """What an epoch came to: mean loss, accuracy of the mean weights on PublicTest, seconds so far."""

    number: int
    loss: float
    accuracy: float
    seconds: float


def gather(root: Path, name: str, wanted: Part, size: int) -> LabelledFaces:
    """One part of a data set below ``root`` (see ``FILES``) with the seven classes.

    Raises:
        UserError: the file is not there.
    """
    if not (root / FILES[name]).is_file():
        raise UserError(
            Code.FILE_UNREADABLE,
            f"The data set {name} is not in the folder of data.",
            f"Put it there as {FILES[name]}.",
        )
    return expressions.read(root / FILES[name], EXPRESSIONS, wanted, size, SPELLINGS)


@torch.inference_mode()
def scores(net: nn.Module, faces: LabelledFaces, batch: int = 128) -> Tensor:
    """N×7 probabilities of a labelled set."""
    net.eval()
    rows = []
    for start in range(0, len(faces), batch):
        crops = as_input(faces.pixels[start : start + batch])
        rows.append(net(crops).softmax(1))
    return torch.cat(rows)


def as_input(pixels: NDArray[np.uint8]) -> Tensor:
    """uint8 N×S×S -> float N×1×S×S in -1..1."""
    crops = torch.from_numpy(pixels).unsqueeze(1).float() / 127.5 - 1
    return crops.contiguous(memory_format=torch.channels_last)


def run(root: Path, folder: Path, options: Options = Options()) -> Iterator[Epoch]:
    """Train, keeping a checkpoint of every epoch in ``folder``; a second call goes on where one stopped.

    Args:
        root: the folder of research data.
        folder: where ``last.pt`` is kept.
        options: the recipe; a run goes on with the options it was begun with.

    Yields:
        Each epoch when its checkpoint is written.

    Raises:
        UserError: a data set is missing, or the recogniser that is started from cannot be had.
    """
    torch.manual_seed(options.seed)
    material = _material(root, options)
    each = len(material.order(np.random.default_rng(0), options))
    state = _begin(options, math.ceil(each / options.batch))
    offset = options.prior * material.prior(options)
    checkpoint = folder / "last.pt"
    if checkpoint.exists():
        state.restore(checkpoint)
    else:
        folder.mkdir(parents=True, exist_ok=True)
    for number in range(state.epoch + 1, options.epochs):
        began = time.monotonic()
        loss = _one_epoch(state, material, offset, options, number)
        found = scores(state.mean.module, material.check).argmax(1).numpy()
        state.epoch, state.seconds = number, state.seconds + time.monotonic() - began
        state.keep(checkpoint)
        yield Epoch(number, loss, float((found == material.check.labels).mean()), state.seconds)


@dataclass(frozen=True, slots=True, eq=False)
class _Material:
    """What is trained on: first FER2013 Training, then the others; and PublicTest to look at."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    sets: tuple[int, ...]
    check: LabelledFaces

    def order(self, chance: np.random.Generator, options: Options) -> NDArray[np.int64]:
        """The rows of one epoch, shuffled."""
        fer, posed, film = np.split(np.arange(len(self.labels)), np.cumsum(self.sets)[:-1])
        rows = [fer, *[posed] * options.posed]
        for number in range(len(EXPRESSIONS)):
            of_class = film[self.labels[film] == number]
            rows.append(chance.choice(of_class, min(options.film, len(of_class)), replace=False))
        order: NDArray[np.int64] = np.concatenate(rows)
        chance.shuffle(order)
        return order

    def prior(self, options: Options) -> Tensor:
        """Logarithm of each class's share of an epoch."""
        labels = self.labels[self.order(np.random.default_rng(0), options)]
        counts = np.bincount(labels, minlength=len(EXPRESSIONS))
        return torch.from_numpy(np.log(np.maximum(counts, 1) / len(labels))).float()


def _material(root: Path, options: Options) -> _Material:
    sets = [gather(root, name, "training", options.size) for name in FILES]
    check = gather(root, "fer2013", "validation", options.size)
    pixels = np.concatenate([faces.pixels for faces in sets])
    labels = np.concatenate([faces.labels for faces in sets])
    return _Material(pixels, labels, tuple(map(len, sets)), check)


@dataclass(slots=True, eq=False)
class _State:
    """A run at the end of an epoch; what a checkpoint holds."""

    net: ExpressionNet
    mean: AveragedModel
    optimiser: torch.optim.AdamW
    schedule: torch.optim.lr_scheduler.OneCycleLR
    epoch: int = -1
    seconds: float = 0.0

    def keep(self, path: Path) -> None:
        held = {key: holder.state_dict() for key, holder in self._holders().items()}
        # dropout takes from torch's own chance
        held |= {"epoch": self.epoch, "seconds": self.seconds, "chance": torch.get_rng_state()}
        fresh = path.with_suffix(".new")
        torch.save(held, fresh)
        fresh.replace(path)  # an end at any moment leaves a whole checkpoint

    def restore(self, path: Path) -> None:
        held = torch.load(path, weights_only=True)
        for key, holder in self._holders().items():
            holder.load_state_dict(held[key])
        self.epoch, self.seconds = held["epoch"], held["seconds"]
        if "chance" in held:  # the first runs did not keep it
            torch.set_rng_state(held["chance"])

    def _holders(self) -> dict[str, Any]:
        return {"net": self.net, "mean": self.mean, "optimiser": self.optimiser, "schedule": self.schedule}


def _begin(options: Options, steps: int) -> _State:
    net = ExpressionNet(len(EXPRESSIONS), options.dropout)
    net.start_from(recogniser())
    net.to(memory_format=torch.channels_last)
    kept = average_of(options.average)  # type: ignore[no-untyped-call]
    optimiser = torch.optim.AdamW(
        [
            {"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": options.decay},
            {"params": [p for p in net.parameters() if p.ndim <= 1], "weight_decay": 0.0},
        ],
        options.rate,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, options.rate, total_steps=steps * options.epochs, pct_start=0.225
    )
    return _State(net, AveragedModel(net, multi_avg_fn=kept, use_buffers=True), optimiser, schedule)


def recogniser() -> MobileFaceNet:
    """The face recogniser whose trunk is taken over, its batch norms kept."""
    net = MobileFaceNet()
    path = weights.resolve("mobilefacenet-ms1m")
    net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return net


def _one_epoch(state: _State, material: _Material, offset: Tensor, options: Options, number: int) -> float:
    """One pass with ``offset`` added to the scores; the mean loss."""
    seed = options.seed * 1000 + number
    generator, chance = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    order, total = material.order(chance, options), 0.0
    loss_of = _loss(offset, options.smoothing)
    state.net.train()
    for start in range(0, len(order), options.batch):
        rows = order[start : start + options.batch]
        crops = augment(as_input(material.pixels[rows]), generator)
        share = float(chance.beta(options.mixup, options.mixup)) if options.mixup else 1.0
        mate = torch.randperm(len(rows), generator=generator)
        target = torch.from_numpy(material.labels[rows])
        total += _step(state, crops, target, share, mate, loss_of) * len(rows)
    return total / len(order)


def _loss(offset: Tensor, smoothing: float) -> Loss:
    """Cross-entropy of scores plus ``offset`` (logit adjustment) with smoothed labels."""

    def loss(scores: Tensor, target: Tensor) -> Tensor:
        return nn.functional.cross_entropy(scores + offset, target, label_smoothing=smoothing)

    return loss


def _step(state: _State, crops: Tensor, target: Tensor, share: float, mate: Tensor, loss_of: Loss) -> float:
    """One step on crops mixed with their mates (mixup, arXiv 1710.09412); its loss."""
    mixed = share * crops + (1 - share) * crops[mate]
    out = state.net(mixed.contiguous(memory_format=torch.channels_last))
    loss = share * loss_of(out, target) + (1 - share) * loss_of(out, target[mate])
    state.optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(state.net.parameters(), 5.0)
    state.optimiser.step()
    state.schedule.step()
    state.mean.update_parameters(state.net)
    return float(loss.item())
