"""Train the bundled expression encoder: ``python -m core train expression``.

A face recogniser's trunk (MobileFaceNet, ArcFace on MS1M) is fine-tuned on grey crops of FER2013
Training and the training people of CK+ and LFW/film: AdamW, one cycle, label smoothing, mixup, affine and
light jitter, erasing, an exponential mean of the weights that is what is kept. Tuned on PublicTest only.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.optim.swa_utils import get_ema_multi_avg_fn as average_of

from core import weights
from core.datasets import expressions
from core.datasets.expressions import LabelledFaces, Part
from core.expression.classes import EXPRESSIONS, SPELLINGS
from core.expression.network import ExpressionNet
from core.recognition.mobilefacenet import MobileFaceNet

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
        others: share of the other data sets' training people seen each epoch.
        seed: of the order, the augmentation and the new layer.
    """

    epochs: int = 24
    size: int = 64
    batch: int = 96
    rate: float = 1e-3
    decay: float = 0.05
    smoothing: float = 0.1
    mixup: float = 0.2
    dropout: float = 0.3
    average: float = 0.998
    others: float = 0.35
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Epoch:
    """What an epoch came to: mean loss, accuracy of the mean weights on PublicTest, seconds so far."""

    number: int
    loss: float
    accuracy: float
    seconds: float


def gather(root: Path, name: str, wanted: Part, size: int) -> LabelledFaces:
    """One part of a data set below ``root`` (see ``FILES``) with the seven classes."""
    return expressions.read(root / FILES[name], EXPRESSIONS, wanted, size, SPELLINGS)


def augment(crops: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror, turn, scale, shift, relight and partly erase crops.

    Args:
        crops: N×1×S×S in -1..1.
        generator: source of chance.

    Returns:
        The same shape and range.
    """
    count, _, size, _ = crops.shape

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    angle, scale = uniform(-0.35, 0.35), uniform(0.8, 1.2)
    flip = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    matrix = torch.stack(
        [
            torch.stack([flip * scale * angle.cos(), -scale * angle.sin(), uniform(-0.14, 0.14)], 1),
            torch.stack([flip * scale * angle.sin(), scale * angle.cos(), uniform(-0.14, 0.14)], 1),
        ],
        1,
    )
    grid = nn.functional.affine_grid(matrix, list(crops.shape), align_corners=False)
    moved = nn.functional.grid_sample(crops, grid, padding_mode="border", align_corners=False)
    gain, shift = uniform(0.65, 1.4).view(-1, 1, 1, 1), uniform(-0.3, 0.3).view(-1, 1, 1, 1)
    lit = (moved * gain + shift).clamp(-1, 1)
    centre = torch.rand(count, 2, generator=generator) * size
    half = uniform(0, 0.22).view(-1, 1) * size
    rows = torch.arange(size).view(1, -1)
    inside = ((rows - centre[:, :1]).abs() < half)[:, :, None] & ((rows - centre[:, 1:]).abs() < half)[
        :, None, :
    ]
    keep = (~inside).float().unsqueeze(1)
    noise = torch.rand(count, 1, 1, 1, generator=generator) * 2 - 1
    return lit * keep + noise * (1 - keep)


@torch.inference_mode()
def scores(net: nn.Module, faces: LabelledFaces, mirrored: bool = False, batch: int = 128) -> Tensor:
    """N×7 probabilities of a labelled set; ``mirrored`` takes the mean with the mirror image."""
    net.eval()
    rows = []
    for start in range(0, len(faces), batch):
        crops = as_input(faces.pixels[start : start + batch])
        row = net(crops).softmax(1)
        rows.append((row + net(crops.flip(3)).softmax(1)) / 2 if mirrored else row)
    return torch.cat(rows)


def as_input(pixels: np.ndarray) -> Tensor:
    """uint8 N×S×S -> float N×1×S×S in -1..1."""
    crops = torch.from_numpy(pixels).unsqueeze(1).float() / 127.5 - 1
    return crops.contiguous(memory_format=torch.channels_last)


def run(root: Path, folder: Path, options: Options = Options()) -> Iterator[Epoch]:
    """Train, keeping a checkpoint of every epoch in ``folder``; a second call goes on where one stopped."""
    torch.manual_seed(options.seed)
    main = gather(root, "fer2013", "training", options.size)
    others = [gather(root, name, "training", options.size) for name in ("ckplus", "lfw-film")]
    check = gather(root, "fer2013", "validation", options.size)
    pixels = np.concatenate([main.pixels, *(other.pixels for other in others)])
    labels = torch.from_numpy(np.concatenate([main.labels, *(other.labels for other in others)]))
    extra = np.arange(len(main), len(labels))
    each = len(main) + int(len(extra) * options.others)
    net = ExpressionNet(len(EXPRESSIONS), options.dropout)
    recogniser = MobileFaceNet()
    recogniser.load_state_dict(
        torch.load(weights.resolve("mobilefacenet-ms1m"), map_location="cpu", weights_only=True)
    )
    net.start_from(recogniser)
    net.to(memory_format=torch.channels_last)
    kept = average_of(options.average)  # type: ignore[no-untyped-call]
    mean = AveragedModel(net, multi_avg_fn=kept, use_buffers=True)
    optimiser = torch.optim.AdamW(
        [
            {"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": options.decay},
            {"params": [p for p in net.parameters() if p.ndim <= 1], "weight_decay": 0.0},
        ],
        options.rate,
    )
    steps = math.ceil(each / options.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, options.rate, total_steps=steps * options.epochs, pct_start=0.15
    )
    loss_of = nn.CrossEntropyLoss(label_smoothing=options.smoothing)
    checkpoint, first, seconds = folder / "last.pt", 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        for holder, key in ((net, "net"), (mean, "mean"), (optimiser, "optimiser"), (schedule, "schedule")):
            holder.load_state_dict(state[key])
        first, seconds = state["epoch"] + 1, state["seconds"]
    for number in range(first, options.epochs):
        began, total = time.monotonic(), 0.0
        generator = torch.Generator().manual_seed(options.seed * 1000 + number)
        chance = np.random.default_rng(options.seed * 1000 + number)
        order = np.concatenate([np.arange(len(main)), chance.choice(extra, each - len(main), replace=False)])
        chance.shuffle(order)
        net.train()
        for start in range(0, len(order), options.batch):
            rows = order[start : start + options.batch]
            crops, target = augment(as_input(pixels[rows]), generator), labels[rows]
            share = float(chance.beta(options.mixup, options.mixup)) if options.mixup else 1.0
            mate = torch.randperm(len(rows), generator=generator)
            out = net(
                (share * crops + (1 - share) * crops[mate]).contiguous(memory_format=torch.channels_last)
            )
            loss = share * loss_of(out, target) + (1 - share) * loss_of(out, target[mate])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimiser.step()
            schedule.step()
            mean.update_parameters(net)
            total += loss.item() * len(rows)
        found = scores(mean.module, check).argmax(1).numpy()
        seconds += time.monotonic() - began
        torch.save(
            {
                "net": net.state_dict(), "mean": mean.state_dict(), "optimiser": optimiser.state_dict(),
                "schedule": schedule.state_dict(), "epoch": number, "seconds": seconds,
            },
            checkpoint,
        )  # fmt: skip
        yield Epoch(number, total / len(order), float((found == check.labels).mean()), seconds)
